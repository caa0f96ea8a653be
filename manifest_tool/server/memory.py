"""A store in memory."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from manifest_tool.oci.digest import Hasher
from manifest_tool.server.contents import Contents
from manifest_tool.server.limits import DEFAULT, Limits, half_of_memory
from manifest_tool.server.room import Room
from manifest_tool.server.sessions import Session, Sessions
from manifest_tool.server.store import ALGORITHM, Stored, entry_of

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


class MemoryStore:
    """A store that is gone with its process; at most half of the memory, where the limits do not say."""

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self._lock = threading.RLock()
        self._contents = Contents(limits.names)
        self._bytes: dict[Digest, bytes] = {}
        self._room = Room(half_of_memory() if limits.size is None else limits.size)
        self._sessions: Sessions[MemoryUpload] = Sessions(limits)

    def repositories(self) -> list[str]:
        with self._lock:
            return self._contents.names()

    def has_repository(self, repository: str) -> bool:
        with self._lock:
            return self._contents.has(repository)

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

    def begin(self, repository: str) -> MemoryUpload:
        return self._sessions.open(repository, lambda identity: MemoryUpload(identity, self._room))

    def upload(self, repository: str, identity: str) -> MemoryUpload | None:
        return self._sessions.find(repository, identity)

    def commit(self, repository: str, identity: str, digest: Digest, turn: int | None = None) -> bool:
        upload = self._sessions.close(repository, identity, turn)
        if upload is None:
            return False
        kept = False
        try:
            if not upload.matches(digest):
                return False
            kept = self._keep(repository, digest, upload)
            return True
        finally:
            if not kept:
                upload.drop()

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
            return Stored(entry.media_type, self._bytes[digest]) if entry else None

    def has_manifest(self, repository: str, digest: Digest) -> bool:
        with self._lock:
            return digest in self._contents.repository(repository).manifests

    def manifests(self, repository: str) -> list[Digest]:
        with self._lock:
            return list(self._contents.repository(repository).manifests)

    def referrers(self, repository: str, subject: Digest) -> list[Digest]:
        with self._lock:
            return list(self._contents.repository(repository).referrers.get(subject, ()))

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

    def tag(self, repository: str, tag: str) -> Digest | None:
        with self._lock:
            return self._contents.repository(repository).tags.get(tag)

    def tags(self, repository: str) -> Mapping[str, Digest]:
        with self._lock:
            return dict(self._contents.repository(repository).tags)

    def delete_tag(self, repository: str, tag: str) -> bool:
        with self._lock:
            return self._contents.repository(repository).tags.pop(tag, None) is not None

    def _keep(self, repository: str, digest: Digest, upload: MemoryUpload) -> bool:
        """Whether the bytes of the upload, and the room that it took, are those of the blob now."""
        with self._lock:
            self._contents.check(1)
            known = digest in self._bytes
            if not known:
                self._bytes[digest] = upload.data()
            self._contents.add_blob(repository, digest, upload.size)
        return not known

    def _forget(self, digest: Digest) -> None:
        self._room.give(len(self._bytes.pop(digest)))
