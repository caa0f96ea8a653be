"""What happens while the core works: small values for whoever watches; the core itself never prints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from manifest_tool.oci.digest import Digest
    from manifest_tool.oci.reference import Reference, Repository


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something that the user should know, and that stops nothing."""

    message: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A request got its answer; the URL is redacted."""

    method: str
    url: str
    status: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request is tried again after a pause."""

    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Resolved:
    """A source was found."""

    reference: Reference


@dataclass(frozen=True, slots=True)
class BlobPlaced:
    """The target repository has a blob now: it was ``present``, ``mounted`` or ``copied``."""

    repository: Repository
    digest: Digest
    how: str


@dataclass(frozen=True, slots=True)
class ManifestPut:
    """A manifest was published, under a tag or by its digest."""

    repository: Repository
    which: str


@dataclass(frozen=True, slots=True)
class Published:
    """A spec is published: what that took."""

    reference: Reference
    """Its first tag."""
    written: tuple[str, ...]
    """The tags that were moved."""
    blobs: Mapping[str, int]
    """How many became ``present``, ``mounted`` or ``copied``."""


Event: TypeAlias = Noticed | Answered | Waiting | Resolved | BlobPlaced | ManifestPut | Published
Observer: TypeAlias = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Watch nothing."""
