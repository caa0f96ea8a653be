"""What a run has put into a registry, so that it can be taken out again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yarl import URL

    from manifest_tool.oci.digest import Digest
    from manifest_tool.oci.reference import Repository


@dataclass(slots=True)
class Ledger:
    """Everything in the order in which it came, each once: what points to something comes after it."""

    tags: dict[tuple[Repository, str], None] = field(default_factory=dict)
    manifests: dict[tuple[Repository, Digest], None] = field(default_factory=dict)
    blobs: dict[tuple[Repository, Digest], None] = field(default_factory=dict)
    uploads: dict[tuple[Repository, URL], None] = field(default_factory=dict)
