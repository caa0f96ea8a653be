"""What is tested, and what everybody shares who tests it."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from manifest_tool.conformance.ledger import Ledger
from manifest_tool.conformance.writes import Writes
from manifest_tool.registry.retry import Retry

if TYPE_CHECKING:
    from manifest_tool.oci.digest import Digest
    from manifest_tool.oci.manifest import Manifest
    from manifest_tool.oci.reference import Reference, Repository
    from manifest_tool.registry.sender import Sender


@dataclass(frozen=True, slots=True)
class Site:
    """A registry that is tested, and what a run shares."""

    sender: Sender
    repository: Repository
    """Where everything is put."""
    other: Repository
    """A second one, to mount from."""
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    """In every tag, and in all content: no two runs are in each other's way."""
    ledger: Ledger = field(default_factory=Ledger)
    writes: Writes = field(default_factory=Writes)
    put_off: Counter[tuple[int, str]] = field(default_factory=Counter, hash=False)
    """How many requests had to be sent again, by status and ``Retry-After``."""
    patience: Retry = field(default_factory=Retry)
    """How a push waits for what registries put off, or show only in a while."""
    refused: set[str] = field(default_factory=set, hash=False)
    """Media types of images that the registry does not take."""
    reference: Reference | None = None
    """What is read where nothing is to be written."""
    read: dict[str | Digest, Manifest] = field(default_factory=dict, hash=False)
    """What was read of it, by tag and digest: there are registries that let nobody read more than a number of times."""
