"""A store in a folder, which a restart finds as it was.

What is acknowledged is on the disk: bytes, the name that they have in a repository, and the folders of both are synced
first, and only then known to others. What a process leaves unfinished, the next one removes; see
`manifest_tool.server.recovery`. All names are held in memory too, about a kilobyte each.
"""

from __future__ import annotations

import errno
import os
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from manifest_tool.errors import UsageError
from manifest_tool.server import folder, recovery
from manifest_tool.server.disk_files import Files
from manifest_tool.server.disk_reading import Reading
from manifest_tool.server.disk_upload import DiskUpload
from manifest_tool.server.layout import BLOBS, MANIFESTS, Layout
from manifest_tool.server.limits import DEFAULT, Limits
from manifest_tool.server.room import Room
from manifest_tool.server.sessions import Sessions
from manifest_tool.server.store import Stored, entry_of
from manifest_tool.server.stripes import Stripes

if TYPE_CHECKING:
    from manifest_tool.oci.digest import Digest

_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


class DiskStore(Reading):
    """A store below one folder, which it has for itself until it is closed."""

    def __init__(self, root: Path, limits: Limits = DEFAULT, *, read_only: bool = False) -> None:
        """Open the store, or make it; raises `UsageError` where that cannot be.

        To be read only, it must be there, and nothing is written to its folder, which several may then have at a time.
        """
        super().__init__(Layout(root), limits)
        self._digests = Stripes()
        """Held while what a digest names comes or goes."""
        self._tags = Stripes()
        """Held while a tag comes, moves or goes; taken after one of a digest."""
        self._room = Room(limits.size, root)
        self._sessions: Sessions[DiskUpload] = Sessions(limits)
        self._writer: Files | None = None
        try:
            (self._open_to_read if read_only else self._open)()
        except OSError as error:
            hint = "--read-only serves what is there already" if error.errno in _READ_ONLY and not read_only else ""
            raise UsageError(f"cannot keep a registry in {root}: {error.strerror}", hint=hint) from error

    def _open_to_read(self) -> None:
        self._have(folder.have_to_read(self._layout))
        recovery.look(self._layout, self._contents)

    def _open(self) -> None:
        self._have(folder.have(self._layout))
        self._writer = Files(self._layout)
        self._writer.prepare()
        for path in recovery.look(self._layout, self._contents):
            path.unlink()
        self._room.count(self._contents.total())
        for path, age in recovery.uploads(self._layout):
            session = DiskUpload(path, self._room, size=path.stat().st_size)
            session.touched -= age
            self._room.count(session.size)
            self._sessions.restore(session)
        self.expire()

    def _have(self, handle: int | None) -> None:
        self._leave = weakref.finalize(self, os.close, handle) if handle is not None else None

    @property
    def _files(self) -> Files:
        if self._writer is None:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return self._writer

    def close(self) -> None:
        """Leave the folder to others."""
        if self._leave is not None:
            self._leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

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
        return self._sessions.open(repository, lambda identity: DiskUpload(self._files.upload(identity), self._room))

    def upload(self, repository: str, identity: str) -> DiskUpload | None:
        return self._sessions.find(repository, identity)

    def commit(self, repository: str, identity: str, digest: Digest, turn: int | None = None) -> bool:
        upload = self._sessions.close(repository, identity, turn)
        if upload is None:
            return False
        moved = False
        try:
            if not upload.matches(digest):
                return False
            moved = self._keep(repository, digest, upload)
            return True
        finally:
            if not moved:
                upload.drop()

    def discard(self, repository: str, identity: str) -> bool:
        upload = self._sessions.close(repository, identity)
        if upload is not None:
            upload.drop()
        return upload is not None

    def expire(self) -> None:
        self._sessions.expire()

    def put_manifest(self, repository: str, digest: Digest, manifest: Stored, tags: Iterable[str] = ()) -> None:
        size, tags = len(manifest.raw), list(tags)
        with self._lock:
            self._contents.check(1 + len(tags))
        with self._digests.held([digest]):
            if self._knows(digest):
                self._add_manifest(repository, digest, manifest)
            else:
                with self._room.taken(size), self._placing(digest):
                    self._files.write_bytes(digest, manifest.raw)
                    self._add_manifest(repository, digest, manifest)
            with self._tags.held((repository, tag) for tag in tags):
                self._move(repository, tags, digest)

    def delete_manifest(self, repository: str, digest: Digest) -> bool:
        with self._digests.held([digest]):
            with self._lock:
                if digest not in self._contents.repository(repository).manifests:
                    return False
                tags = self._contents.tags_of(repository, digest)
            # No tag can come to point to it now; one that moves away meanwhile is left alone.
            with self._tags.held((repository, tag) for tag in tags):
                # From here on it is deleted: its tags are litter to the next process.
                self._files.unlink(repository, MANIFESTS, digest)
                try:
                    self._move(repository, [tag for tag in tags if self.tag(repository, tag) == digest], None)
                finally:
                    with self._lock:
                        size = self._contents.remove_manifest(repository, digest)
                        self._manifests.drop(digest)
            if size is not None:
                self._forget(digest, size)
            return True

    def delete_tag(self, repository: str, tag: str) -> bool:
        with self._tags.held([(repository, tag)]):
            found = self.tag(repository, tag) is not None
            if found:
                self._move(repository, [tag], None)
            return found

    def _keep(self, repository: str, digest: Digest, upload: DiskUpload) -> bool:
        """Whether the bytes of the upload, and the room that it took, are those of the blob now."""
        with self._digests.held([digest]):
            known = self._knows(digest)
            if known:
                self._add_blob(repository, digest, upload.size)
            else:
                with self._placing(digest):
                    self._files.place(digest, upload.move)
                    self._add_blob(repository, digest, upload.size)
        return not known

    @contextmanager
    def _placing(self, digest: Digest) -> Iterator[None]:
        """Around what puts bytes there that are new; they are taken back if nothing comes to have them."""
        try:
            yield
        except BaseException:
            self._files.remove_bytes(digest)
            raise

    def _forget(self, digest: Digest, size: int) -> None:
        self._files.remove_bytes(digest)
        self._room.give(size)

    def _add_blob(self, repository: str, digest: Digest, size: int) -> None:
        with self._lock:
            if digest in self._contents.repository(repository).blobs:
                return
            self._contents.check(1)
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

    def _move(self, repository: str, tags: Iterable[str], digest: Digest | None) -> None:
        """Let tags point to something, or with no digest be gone; whoever calls this holds their locks."""
        done: list[str] = []
        try:
            for tag in tags:
                self._files.tag(repository, tag, digest)
                done.append(tag)
            if done:
                self._files.sync_tags(repository)
        finally:
            # Of a failure half-way, this is what a restart would find too.
            with self._lock:
                self._contents.move(repository, done, digest)
