"""A store in a folder, which a restart finds as it was.

::

    blobs/sha256/ab/abcd…                  the bytes of blobs and manifests, once for all repositories
    repositories/<name>/_blobs/sha256/…    empty; this repository has the blob
    repositories/<name>/_manifests/…       this repository has the manifest; its media type
    repositories/<name>/_tags/<tag>        a digest
    repositories/<name>/_uploads/<id>      what was received so far
    temporary/                             what is being written

Bytes are there before anything points to them, and every file appears whole or not at all.
"""

from __future__ import annotations

import os
import re
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from manifest_tool.errors import UsageError
from manifest_tool.oci.digest import Digest
from manifest_tool.server.names import is_name
from manifest_tool.server.store import Stored

_ID = re.compile(r"[0-9a-f]{32}")
_PIECE = 1024 * 1024
_STALE = 24 * 60 * 60.0
"""Seconds after which an upload that nobody went on with is given up."""


@dataclass(frozen=True, slots=True)
class DiskBlob:
    """A blob of a `DiskStore`."""

    path: Path
    size: int

    def open(self) -> BinaryIO:
        return self.path.open("rb")


@dataclass(frozen=True, slots=True)
class DiskUpload:
    """An upload to a `DiskStore`; the file is all that there is of it, so it outlives a restart too."""

    path: Path

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def write(self, data: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(data)


class DiskStore:
    """A store below one folder, for one process at a time."""

    def __init__(self, root: Path) -> None:
        """Open the store, or make it; raises `UsageError` where that cannot be."""
        self._lock = threading.RLock()
        self._blobs = root / "blobs"
        self._repositories = root / "repositories"
        self._temporary = root / "temporary"
        try:
            for folder in (self._blobs, self._repositories, self._temporary):
                _make(folder)
            self._write(self._temporary / "probe", b"")
            self._tidy()
        except OSError as error:
            raise UsageError(f"cannot keep a registry in {root}: {error.strerror}") from error

    def repositories(self) -> list[str]:
        found = []
        for folder, names, _ in os.walk(self._repositories):
            if {"_blobs", "_manifests"} & set(names):
                found.append(Path(folder).relative_to(self._repositories).as_posix())
            names[:] = [name for name in names if not name.startswith("_")]
        return sorted(found)

    def blob(self, repository: str, digest: Digest) -> DiskBlob | None:
        path = self._bytes(digest)
        try:
            self._link(repository, "_blobs", digest).stat()
            return DiskBlob(path, path.stat().st_size)
        except FileNotFoundError:
            return None

    def mount(self, repository: str, digest: Digest, source: str = "") -> bool:
        with self._lock:
            sources = [source] if source else self.repositories()
            found = any(self._link(one, "_blobs", digest).exists() for one in sources)
            if found:
                self._write(self._link(repository, "_blobs", digest), b"")
            return found

    def delete_blob(self, repository: str, digest: Digest) -> bool:
        return self._unlink(repository, "_blobs", digest)

    def begin(self, repository: str) -> DiskUpload:
        folder = self._folder(repository) / "_uploads"
        _make(folder)
        upload = DiskUpload(folder / uuid.uuid4().hex)
        upload.path.touch(exist_ok=False)
        return upload

    def upload(self, repository: str, identity: str) -> DiskUpload | None:
        path = self._folder(repository) / "_uploads" / identity
        return DiskUpload(path) if _ID.fullmatch(identity) and path.exists() else None

    def commit(self, repository: str, identity: str, digest: Digest) -> bool:
        upload, claimed = self.upload(repository, identity), self._temporary / uuid.uuid4().hex
        if upload is None:
            return False
        upload.path.replace(claimed)
        if _digest(claimed, digest.algorithm) != digest:
            claimed.unlink()
            return False
        with claimed.open("rb") as file:
            os.fsync(file.fileno())
        with self._lock:
            _move(claimed, self._bytes(digest))
            self._write(self._link(repository, "_blobs", digest), b"")
        return True

    def discard(self, repository: str, identity: str) -> bool:
        upload = self.upload(repository, identity)
        if upload is not None:
            upload.path.unlink()
        return upload is not None

    def manifest(self, repository: str, digest: Digest) -> Stored | None:
        try:
            media_type = self._link(repository, "_manifests", digest).read_text()
            return Stored(media_type, self._bytes(digest).read_bytes())
        except FileNotFoundError:
            return None

    def manifests(self, repository: str) -> Mapping[Digest, Stored]:
        links = (self._folder(repository) / "_manifests").glob("*/*")
        digests = (Digest(link.parent.name, link.name) for link in links)
        return {digest: stored for digest in digests if (stored := self.manifest(repository, digest))}

    def put_manifest(self, repository: str, digest: Digest, manifest: Stored, tags: Iterable[str] = ()) -> None:
        with self._lock:
            self._write(self._bytes(digest), manifest.raw)
            self._write(self._link(repository, "_manifests", digest), manifest.media_type.encode())
            for tag in tags:
                self._write(self._folder(repository) / "_tags" / tag, str(digest).encode())

    def delete_manifest(self, repository: str, digest: Digest) -> bool:
        with self._lock:
            for tag in [tag for tag, target in self.tags(repository).items() if target == digest]:
                self.delete_tag(repository, tag)
            return self._unlink(repository, "_manifests", digest)

    def tags(self, repository: str) -> Mapping[str, Digest]:
        with self._lock:
            return {path.name: Digest.parse(path.read_text()) for path in self._tags(repository)}

    def delete_tag(self, repository: str, tag: str) -> bool:
        with self._lock:
            found = [path for path in self._tags(repository) if path.name == tag]
            for path in found:
                path.unlink()
            return bool(found)

    def _tags(self, repository: str) -> Iterator[Path]:
        return (self._folder(repository) / "_tags").glob("*")

    def _folder(self, repository: str) -> Path:
        if not is_name(repository):
            raise ValueError(f"{repository!r} is no name of a repository")
        return self._repositories / repository

    def _link(self, repository: str, kind: str, digest: Digest) -> Path:
        return self._folder(repository) / kind / digest.algorithm / digest.hex

    def _bytes(self, digest: Digest) -> Path:
        return self._blobs / digest.algorithm / digest.hex[:2] / digest.hex

    def _unlink(self, repository: str, kind: str, digest: Digest) -> bool:
        """Take content out of a repository, and its bytes away once no repository has them."""
        with self._lock:
            try:
                self._link(repository, kind, digest).unlink()
            except FileNotFoundError:
                return False
            kinds = ("_blobs", "_manifests")
            if not any(self._link(one, kind, digest).exists() for one in self.repositories() for kind in kinds):
                self._bytes(digest).unlink()
            return True

    def _write(self, path: Path, data: bytes) -> None:
        temporary = self._temporary / uuid.uuid4().hex
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _move(temporary, path)

    def _tidy(self) -> None:
        """Remove what an earlier process left unfinished."""
        oldest = time.time() - _STALE
        for path in (*self._temporary.iterdir(), *self._repositories.glob("**/_uploads/*")):
            if path.stat().st_mtime < oldest:
                path.unlink()


def _digest(path: Path, algorithm: str) -> Digest:
    hasher = Digest.of(b"", algorithm).hasher()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            hasher.update(piece)
    return hasher.digest()


def _move(source: Path, target: Path) -> None:
    _make(target.parent)
    source.replace(target)
    _sync(target.parent)


def _make(folder: Path) -> None:
    """Make a folder that is still there after a power cut."""
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync(folder.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
