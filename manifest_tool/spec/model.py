"""A spec: what is to be published, and from which images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from manifest_tool.oci.reference import Reference, Repository

if TYPE_CHECKING:
    from manifest_tool.oci.platform import Platform


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of ``manifests:``: an image, and the platform that it is declared to run on."""

    number: int
    """Its position in ``manifests:``, from 1."""
    reference: Reference
    platform: Platform
    """What is not declared is open."""
    where: str
    """``file:line:column``, or the argument."""
    complete: bool = False
    """Whether what the platform leaves open is not to be taken from the config."""


@dataclass(frozen=True, slots=True)
class Spec:
    """An index to publish: where to, under which tags, over which images."""

    repository: Repository
    tags: tuple[str, ...]
    """Never empty; the target's own first, each once."""
    entries: tuple[Entry, ...]
    """Never empty."""
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Of the index itself."""
    where: str = ""
    """``file:line:column``, or the arguments."""

    @property
    def reference(self) -> Reference:
        """The index by its first tag."""
        return Reference(self.repository, self.tags[0])
