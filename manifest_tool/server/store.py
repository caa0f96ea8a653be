"""What a registry keeps: the interface of a store, and a store in memory."""

from __future__ import annotations

import io
import threading
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from manifest_tool.oci.digest import Digest


@dataclass(frozen=True, slots=True)
class Stored:
    """A manifest as it was put: its bytes, and the type they are served with."""

    media_type: str
    raw: bytes = field(repr=False)


class Blob(Protocol):
    """Bytes that can be opened as often as needed."""

    @property
    def size(self) -> int: ...

    def open(self) -> BinaryIO: ...


class Upload(Protocol):
    """The session of one blob's upload."""

    @property
    def id(self) -> str: ...

    @property
    def size(self) -> int:
        """How many bytes were received so far."""

    def write(self, data: bytes) -> None: ...


class Store(Protocol):
    """Repositories of blobs, manifests and tags; safe to use from several threads.

    A blob that was pushed to one repository is not in another one until it is mounted there, as in registries that
    guard repositories one by one; its bytes are kept once.
    """

    def repositories(self) -> list[str]:
        """Every repository that ever held a blob or a manifest, sorted."""

    def blob(self, repository: str, digest: Digest) -> Blob | None: ...

    def mount(self, repository: str, digest: Digest, source: str = "") -> bool:
        """Make a blob of ``source``, or of any repository, a blob of ``repository`` too, where there is one."""

    def delete_blob(self, repository: str, digest: Digest) -> bool: ...

    def begin(self, repository: str) -> Upload: ...

    def upload(self, repository: str, identity: str) -> Upload | None: ...

    def commit(self, repository: str, identity: str, digest: Digest) -> bool:
        """End an upload; it becomes a blob if its bytes are those that ``digest`` names, and is dropped if not."""

    def discard(self, repository: str, identity: str) -> bool: ...

    def manifest(self, repository: str, digest: Digest) -> Stored | None: ...

    def manifests(self, repository: str) -> Mapping[Digest, Stored]: ...

    def put_manifest(self, repository: str, digest: Digest, manifest: Stored, tags: Iterable[str] = ()) -> None: ...

    def delete_manifest(self, repository: str, digest: Digest) -> bool:
        """Delete a manifest and the tags that point to it."""

    def tags(self, repository: str) -> Mapping[str, Digest]: ...

    def delete_tag(self, repository: str, tag: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class MemoryBlob:
    """A blob of a `MemoryStore`."""

    data: bytes = field(repr=False)

    @property
    def size(self) -> int:
        return len(self.data)

    def open(self) -> BinaryIO:
        return io.BytesIO(self.data)


@dataclass(slots=True)
class MemoryUpload:
    """An upload to a `MemoryStore`."""

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    data: bytearray = field(default_factory=bytearray, repr=False)

    @property
    def size(self) -> int:
        return len(self.data)

    def write(self, data: bytes) -> None:
        self.data += data


@dataclass(slots=True)
class _Repository:
    blobs: set[Digest] = field(default_factory=set)
    manifests: dict[Digest, Stored] = field(default_factory=dict)
    tags: dict[str, Digest] = field(default_factory=dict)


class MemoryStore:
    """A store that is gone with its process."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._bytes: dict[Digest, bytes] = {}
        self._repositories: dict[str, _Repository] = {}
        self._uploads: dict[tuple[str, str], MemoryUpload] = {}

    def repositories(self) -> list[str]:
        with self._lock:
            return sorted(self._repositories)

    def blob(self, repository: str, digest: Digest) -> MemoryBlob | None:
        with self._lock:
            return MemoryBlob(self._bytes[digest]) if digest in self._find(repository).blobs else None

    def mount(self, repository: str, digest: Digest, source: str = "") -> bool:
        with self._lock:
            found = digest in self._find(source).blobs if source else digest in self._bytes
            if found:
                self._make(repository).blobs.add(digest)
            return found

    def delete_blob(self, repository: str, digest: Digest) -> bool:
        with self._lock:
            blobs = self._find(repository).blobs
            found = digest in blobs
            blobs.discard(digest)
            if not any(digest in other.blobs for other in self._repositories.values()):
                self._bytes.pop(digest, None)
            return found

    def begin(self, repository: str) -> MemoryUpload:
        upload = MemoryUpload()
        with self._lock:
            self._uploads[repository, upload.id] = upload
        return upload

    def upload(self, repository: str, identity: str) -> MemoryUpload | None:
        with self._lock:
            return self._uploads.get((repository, identity))

    def commit(self, repository: str, identity: str, digest: Digest) -> bool:
        with self._lock:
            upload = self._uploads.pop((repository, identity), None)
        if upload is None or not digest.matches(data := bytes(upload.data)):
            return False
        with self._lock:
            self._bytes[digest] = data
            self._make(repository).blobs.add(digest)
        return True

    def discard(self, repository: str, identity: str) -> bool:
        with self._lock:
            return self._uploads.pop((repository, identity), None) is not None

    def manifest(self, repository: str, digest: Digest) -> Stored | None:
        with self._lock:
            return self._find(repository).manifests.get(digest)

    def manifests(self, repository: str) -> Mapping[Digest, Stored]:
        with self._lock:
            return dict(self._find(repository).manifests)

    def put_manifest(self, repository: str, digest: Digest, manifest: Stored, tags: Iterable[str] = ()) -> None:
        with self._lock:
            kept = self._make(repository)
            kept.manifests[digest] = manifest
            kept.tags.update(dict.fromkeys(tags, digest))

    def delete_manifest(self, repository: str, digest: Digest) -> bool:
        with self._lock:
            kept = self._find(repository)
            for tag in [tag for tag, target in kept.tags.items() if target == digest]:
                del kept.tags[tag]
            return kept.manifests.pop(digest, None) is not None

    def tags(self, repository: str) -> Mapping[str, Digest]:
        with self._lock:
            return dict(self._find(repository).tags)

    def delete_tag(self, repository: str, tag: str) -> bool:
        with self._lock:
            return self._find(repository).tags.pop(tag, None) is not None

    def _find(self, repository: str) -> _Repository:
        return self._repositories.get(repository) or _Repository()

    def _make(self, repository: str) -> _Repository:
        return self._repositories.setdefault(repository, _Repository())
