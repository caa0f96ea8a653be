"""A store in a folder, which a restart finds as it was.

What is acknowledged is on the disk: bytes, the name that they have in a repository, and the folders of both are synced
first, and only then known to others. What a process leaves unfinished, the next one removes; see
`manifest_tool.server.recovery`. All names are held in memory too, about a kilobyte each.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from manifest_tool.errors import UsageError
from manifest_tool.server import durable, recovery
from manifest_tool.server.cache import Cache
from manifest_tool.server.disk_files import Files
from manifest_tool.server.disk_upload import DiskUpload
from manifest_tool.server.layout import BLOBS, MANIFESTS, Layout
from manifest_tool.server.limits import DEFAULT, Limits
from manifest_tool.server.room import Room
from manifest_tool.server.sessions import Sessions
from manifest_tool.server.store import Stored, entry_of
from manifest_tool.server.stripes import Stripes

if TYPE_CHECKING:
    from manifest_tool.oci.digest import Digest

_MIB = 1024 * 1024
_HOT = 32 * _MIB
"""Bytes of manifests that are held in memory."""


@dataclass(frozen=True, slots=True)
class DiskBlob:
    """A blob of a `DiskStore`."""

    path: Path
    size: int

    def open(self) -> BinaryIO:
        return self.path.open("rb")


class DiskStore:
    """A store below one folder, which it has for itself until it is closed."""

    def __init__(self, root: Path, limits: Limits = DEFAULT) -> None:
        """Open the store, or make it; raises `UsageError` where that cannot be."""
        self._layout = Layout(root)
        self._lock = threading.Lock()
        """Of the contents; never held for as long as the disk takes."""
        self._digests = Stripes()
        """Held while what a digest names comes or goes."""
        self._tags = Stripes()
        """Held while a tag comes, moves or goes; taken after one of a digest."""
        self._manifests: Cache[Digest] = Cache(_HOT)
        self._room = Room(limits.size, root)
        self._sessions: Sessions[DiskUpload] = Sessions(limits)
        try:
            self._open(root)
        except OSError as error:
            raise UsageError(f"cannot keep a registry in {root}: {error.strerror}") from error

    def _open(self, root: Path) -> None:
        self._files = Files(root, self._layout)
        self._unlock = weakref.finalize(self, os.close, durable.lock(self._layout.lock))
        self._files.prepare()
        self._contents = recovery.contents(self._layout)
        self._room.used = self._contents.total()
        for path, age in recovery.uploads(self._layout):
            session = DiskUpload(path, self._room, size=path.stat().st_size)
            session.touched -= age
            self._room.used += session.size
            self._sessions.restore(session)
        self.expire()

    def close(self) -> None:
        """Leave the folder to others."""
        self._unlock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def repositories(self) -> list[str]:
        with self._lock:
            return self._contents.names()

    def blob(self, repository: str, digest: Digest) -> DiskBlob | None:
        with self._lock:
            found = digest in self._contents.repository(repository).blobs
            size = self._contents.size(digest) if found else None
        return None if size is None else DiskBlob(self._layout.bytes(digest), size)

    def mount(self, repository: str, digest: Digest, source: str = "") -> bool:
        with self._digests.held([digest]):
            with self._lock:
                size = self._contents.size(digest) if self._contents.has_blob(digest, source) else None
            if size is None:
                return False
            self._add_blob(repository, digest, size)
            return True

    def delete_blob(self, repository: str, digest: Digest) -> bool:
        with self._digests.held([digest]):
            with self._lock:
                if digest not in self._contents.repository(repository).blobs:
                    return False
            self._files.unlink(repository, BLOBS, digest)
            with self._lock:
                size = self._contents.remove_blob(repository, digest)
            if size is not None:
                self._forget(digest, size)
            return True

    def room(self) -> int | None:
        return self._room.left

    def begin(self, repository: str) -> DiskUpload:
        return self._sessions.open(repository, lambda identity: DiskUpload(self._layout.uploads / identity, self._room))

    def upload(self, repository: str, identity: str) -> DiskUpload | None:
        return self._sessions.find(repository, identity)

    def commit(self, repository: str, identity: str, digest: Digest, turn: int | None = None) -> bool:
        upload = self._sessions.close(repository, identity, turn)
        if upload is None:
            return False
        if not upload.matches(digest):
            upload.drop()
            return False
        with self._digests.held([digest]):
            if self._knows(digest):
                upload.drop()
                self._add_blob(repository, digest, upload.size)
            else:
                with self._placing(digest, upload.size):
                    self._files.place(digest, upload.move)
                    self._add_blob(repository, digest, upload.size)
        return True

    def discard(self, repository: str, identity: str) -> bool:
        upload = self._sessions.close(repository, identity)
        if upload is not None:
            upload.drop()
        return upload is not None

    def expire(self) -> None:
        self._sessions.expire()

    def manifest(self, repository: str, digest: Digest) -> Stored | None:
        with self._lock:
            entry = self._contents.repository(repository).manifests.get(digest)
            raw = self._manifests.get(digest)
        if entry is None:
            return None
        if raw is None:
            try:
                raw = self._layout.bytes(digest).read_bytes()
            except FileNotFoundError:
                return None  # deleted just now
            with self._lock:
                self._manifests.put(digest, raw)
        return Stored(entry.media_type, raw)

    def manifests(self, repository: str) -> Mapping[Digest, Stored]:
        with self._lock:
            digests = list(self._contents.repository(repository).manifests)
        return self._all(repository, digests)

    def referrers(self, repository: str, subject: Digest) -> Mapping[Digest, Stored]:
        with self._lock:
            digests = list(self._contents.repository(repository).referrers.get(subject, ()))
        return self._all(repository, digests)

    def put_manifest(self, repository: str, digest: Digest, manifest: Stored, tags: Iterable[str] = ()) -> None:
        size = len(manifest.raw)
        with self._digests.held([digest]):
            if self._knows(digest):
                self._add_manifest(repository, digest, manifest)
            else:
                self._room.take(size)
                with self._placing(digest, size):
                    self._files.write_bytes(digest, manifest.raw)
                    self._add_manifest(repository, digest, manifest)
            self._tag(repository, list(tags), digest)

    def delete_manifest(self, repository: str, digest: Digest) -> bool:
        with self._digests.held([digest]):
            with self._lock:
                if digest not in self._contents.repository(repository).manifests:
                    return False
                tags = self._contents.tags_of(repository, digest)
            # No tag can come to point to it now; one that moves away meanwhile is left alone.
            with self._tags.held((repository, tag) for tag in tags):
                self._untag(repository, [tag for tag in tags if self.tag(repository, tag) == digest])
            self._files.unlink(repository, MANIFESTS, digest)
            with self._lock:
                size = self._contents.remove_manifest(repository, digest)
                self._manifests.drop(digest)
            if size is not None:
                self._forget(digest, size)
            return True

    def tag(self, repository: str, tag: str) -> Digest | None:
        with self._lock:
            return self._contents.repository(repository).tags.get(tag)

    def tags(self, repository: str) -> Mapping[str, Digest]:
        with self._lock:
            return dict(self._contents.repository(repository).tags)

    def delete_tag(self, repository: str, tag: str) -> bool:
        with self._tags.held([(repository, tag)]):
            found = self.tag(repository, tag) is not None
            if found:
                self._untag(repository, [tag])
            return found

    def _all(self, repository: str, digests: Iterable[Digest]) -> dict[Digest, Stored]:
        return {digest: stored for digest in digests if (stored := self.manifest(repository, digest))}

    def _knows(self, digest: Digest) -> bool:
        with self._lock:
            return self._contents.size(digest) is not None

    @contextmanager
    def _placing(self, digest: Digest, size: int) -> Iterator[None]:
        """Around what puts bytes there that are new; they are taken back if nothing comes to have them."""
        try:
            yield
        finally:
            if not self._knows(digest):
                self._forget(digest, size)

    def _forget(self, digest: Digest, size: int) -> None:
        self._files.remove_bytes(digest)
        self._room.give(size)

    def _add_blob(self, repository: str, digest: Digest, size: int) -> None:
        with self._lock:
            if digest in self._contents.repository(repository).blobs:
                return
        self._files.link(repository, BLOBS, digest)
        with self._lock:
            self._contents.add_blob(repository, digest, size)

    def _add_manifest(self, repository: str, digest: Digest, manifest: Stored) -> None:
        entry = entry_of(manifest)
        with self._lock:
            if self._contents.repository(repository).manifests.get(digest) == entry:
                return
        self._files.link(repository, MANIFESTS, digest, recovery.write_entry(entry))
        with self._lock:
            self._contents.add_manifest(repository, digest, entry, len(manifest.raw))

    def _tag(self, repository: str, tags: Iterable[str], digest: Digest) -> None:
        with self._tags.held((repository, tag) for tag in tags):
            moved = [tag for tag in tags if self.tag(repository, tag) != digest]
            self._files.tag(repository, moved, digest)
            with self._lock:
                self._contents.repository(repository).tags.update(dict.fromkeys(moved, digest))

    def _untag(self, repository: str, tags: Iterable[str]) -> None:
        """Whoever calls this holds the locks of the tags."""
        self._files.untag(repository, tags)
        with self._lock:
            for tag in tags:
                del self._contents.repository(repository).tags[tag]
