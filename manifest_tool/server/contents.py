"""What each repository has, by name: everything but the bytes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from manifest_tool.server.room import Full

if TYPE_CHECKING:
    from manifest_tool.oci.digest import Digest


@dataclass(frozen=True, slots=True)
class Entry:
    """A manifest without its bytes."""

    media_type: str
    subject: Digest | None = None
    """The manifest that it says it is about."""


@dataclass(slots=True)
class Repository:
    """The names that one repository has."""

    blobs: set[Digest] = field(default_factory=set)
    manifests: dict[Digest, Entry] = field(default_factory=dict)
    tags: dict[str, Digest] = field(default_factory=dict)
    referrers: dict[Digest, set[Digest]] = field(default_factory=dict)
    """Manifests by what they are about."""


@dataclass(slots=True)
class _Bytes:
    size: int
    blobs: int = 0
    """How many repositories have them as a blob."""
    manifests: int = 0


class Contents:
    """The names of all repositories; whoever uses it holds a lock."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0
        """How many names there are of everything."""
        self._repositories: dict[str, Repository] = {}
        self._bytes: dict[Digest, _Bytes] = {}

    def check(self, more: int) -> None:
        """Raises `Full` where so many more names would be too many."""
        if self._count + more > self._most:
            raise Full(f"there are {self._count} names of repositories, blobs, manifests and tags already")

    def names(self) -> list[str]:
        return sorted(self._repositories)

    def has(self, name: str) -> bool:
        return name in self._repositories

    def repository(self, name: str) -> Repository:
        """One repository; an empty one that is not kept where it is unknown."""
        return self._repositories.get(name) or Repository()

    def make(self, name: str) -> Repository:
        if name not in self._repositories:
            self._repositories[name] = Repository()
            self._count += 1
        return self._repositories[name]

    def size(self, digest: Digest) -> int | None:
        """Bytes of what is kept under a digest anywhere."""
        kept = self._bytes.get(digest)
        return kept.size if kept else None

    def resize(self, digest: Digest, size: int) -> int:
        """Correct a size that was that of damaged bytes; gives by how much it grew."""
        kept = self._bytes[digest]
        grown, kept.size = size - kept.size, size
        return grown

    def total(self) -> int:
        """Bytes of everything."""
        return sum(kept.size for kept in self._bytes.values())

    def has_blob(self, digest: Digest, name: str = "") -> bool:
        """Whether a repository has this blob; without a name, whether any has."""
        if name:
            return digest in self.repository(name).blobs
        kept = self._bytes.get(digest)
        return kept is not None and kept.blobs > 0

    def add_blob(self, name: str, digest: Digest, size: int) -> None:
        blobs = self.make(name).blobs
        if digest not in blobs:
            blobs.add(digest)
            self._count += 1
            self._bytes.setdefault(digest, _Bytes(size)).blobs += 1

    def remove_blob(self, name: str, digest: Digest) -> int | None:
        """The size of its bytes, where nobody needs them any more."""
        self.repository(name).blobs.remove(digest)
        self._count -= 1
        self._bytes[digest].blobs -= 1
        return self._drop(digest)

    def add_manifest(self, name: str, digest: Digest, entry: Entry, size: int) -> None:
        kept = self.make(name)
        if digest not in kept.manifests:
            self._count += 1
            self._bytes.setdefault(digest, _Bytes(size)).manifests += 1
        kept.manifests[digest] = entry
        if entry.subject is not None:
            kept.referrers.setdefault(entry.subject, set()).add(digest)

    def remove_manifest(self, name: str, digest: Digest) -> int | None:
        """The size of its bytes, where nobody needs them any more; its tags go too."""
        kept = self.repository(name)
        self.move(name, self.tags_of(name, digest), None)
        subject = kept.manifests.pop(digest).subject
        self._count -= 1
        if subject is not None:
            kept.referrers[subject].discard(digest)
            if not kept.referrers[subject]:
                del kept.referrers[subject]
        self._bytes[digest].manifests -= 1
        return self._drop(digest)

    def move(self, name: str, tags: Iterable[str], digest: Digest | None) -> None:
        """Let tags point to a manifest, or with no digest be gone."""
        kept = self.repository(name).tags
        before = len(kept)
        for tag in tags:
            if digest is None:
                kept.pop(tag, None)
            else:
                kept[tag] = digest
        self._count += len(kept) - before

    def tags_of(self, name: str, digest: Digest) -> list[str]:
        return [tag for tag, target in self.repository(name).tags.items() if target == digest]

    def _drop(self, digest: Digest) -> int | None:
        kept = self._bytes[digest]
        if kept.blobs or kept.manifests:
            return None
        del self._bytes[digest]
        return kept.size
