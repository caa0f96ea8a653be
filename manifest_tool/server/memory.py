"""A store in memory."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from manifest_tool.oci.digest import Hasher
from manifest_tool.server.limits import DEFAULT, Limits, half_of_memory
from manifest_tool.server.named import Named
from manifest_tool.server.room import Room
from manifest_tool.server.sessions import Session
from manifest_tool.server.store import ALGORITHM, Stored, entry_of
from manifest_tool.server.uploading import Uploading

if TYPE_CHECKING:
    from manifest_tool.oci.digest import Digest


@dataclass(frozen=True, slots=True)
class MemoryBlob:
    """A blob of a `MemoryStore`."""

    data: bytes = field(repr=False)

    @property
    def size(self) -> int:
        return len(self.data)

    def open(self) -> BinaryIO:
        return io.BytesIO(self.data)


class MemoryUpload(Session):
    """An upload to a `MemoryStore`."""

    def __init__(self, identity: str, room: Room) -> None:
        super().__init__(identity, Hasher(ALGORITHM))
        self._room = room
        self._data = io.BytesIO()

    def drop(self) -> None:
        self._room.give(self.size)

    def data(self) -> bytes:
        """Everything that was received; the very bytes, not a copy."""
        return self._data.getvalue()

    def _append(self, data: bytes) -> None:
        self._room.take(len(data))
        self._data.write(data)

    def _pieces(self) -> Iterator[bytes]:
        yield self._data.getvalue()


class MemoryStore(Named, Uploading[MemoryUpload]):
    """A store that is gone with its process; at most half of the memory, where the limits do not say."""

    def __init__(self, limits: Limits = DEFAULT) -> None:
        Named.__init__(self, limits)
        Uploading.__init__(self, limits)
        self._bytes: dict[Digest, bytes] = {}
        self._room = Room(half_of_memory() if limits.size is None else limits.size)

    def blob(self, repository: str, digest: Digest) -> MemoryBlob | None:
        with self._lock:
            found = digest in self._contents.repository(repository).blobs
            return MemoryBlob(self._bytes[digest]) if found else None

    def mount(self, repository: str, digest: Digest, source: str = "") -> bool:
        with self._lock:
            if not self._contents.has_blob(digest, source):
                return False
            self._contents.check(1)
            self._contents.add_blob(repository, digest, len(self._bytes[digest]))
            return True

    def delete_blob(self, repository: str, digest: Digest) -> bool:
        with self._lock:
            if digest not in self._contents.repository(repository).blobs:
                return False
            if self._contents.remove_blob(repository, digest) is not None:
                self._forget(digest)
            return True

    def room(self) -> int | None:
        return self._room.left

    def manifest(self, repository: str, digest: Digest) -> Stored | None:
        with self._lock:
            entry = self._contents.repository(repository).manifests.get(digest)
            return Stored(entry.media_type, self._bytes[digest]) if entry else None

    def put_manifest(self, repository: str, digest: Digest, manifest: Stored, tags: Iterable[str] = ()) -> None:
        entry, tags = entry_of(manifest), list(tags)
        with self._lock:
            self._contents.check(1 + len(tags))
            if digest not in self._bytes:
                self._room.take(len(manifest.raw))
                self._bytes[digest] = manifest.raw
            self._contents.add_manifest(repository, digest, entry, len(manifest.raw))
            self._contents.move(repository, tags, digest)

    def delete_manifest(self, repository: str, digest: Digest) -> bool:
        with self._lock:
            if digest not in self._contents.repository(repository).manifests:
                return False
            if self._contents.remove_manifest(repository, digest) is not None:
                self._forget(digest)
            return True

    def delete_tag(self, repository: str, tag: str) -> bool:
        with self._lock:
            found = tag in self._contents.repository(repository).tags
            self._contents.move(repository, [tag], None)
            return found

    def _session(self, identity: str) -> MemoryUpload:
        return MemoryUpload(identity, self._room)

    def _keep(self, repository: str, digest: Digest, upload: MemoryUpload) -> bool:
        with self._lock:
            self._contents.check(1)
            known = digest in self._bytes
            if not known:
                self._bytes[digest] = upload.data()
            self._contents.add_blob(repository, digest, upload.size)
        return not known

    def _forget(self, digest: Digest) -> None:
        self._room.give(len(self._bytes.pop(digest)))
