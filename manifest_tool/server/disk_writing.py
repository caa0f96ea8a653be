"""What changes a store on disk: of names and bytes, the order in which they come to be there and go."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from manifest_tool.server.disk_reading import Reading
from manifest_tool.server.layout import BLOBS, MANIFESTS
from manifest_tool.server.recovery import write_entry
from manifest_tool.server.room import Room
from manifest_tool.server.store import Stored, entry_of
from manifest_tool.server.stripes import Stripes

if TYPE_CHECKING:
    from manifest_tool.oci.digest import Digest
    from manifest_tool.server.disk_files import Files
    from manifest_tool.server.disk_upload import DiskUpload
    from manifest_tool.server.layout import Layout
    from manifest_tool.server.limits import Limits


class Writing(Reading):
    """A `DiskStore` but for its uploads; without files, all that would change something fails."""

    def __init__(self, layout: Layout, limits: Limits) -> None:
        super().__init__(layout, limits)
        self._digests = Stripes()
        """Held while what a digest names comes or goes."""
        self._tags = Stripes()
        """Held while a tag comes, moves or goes; taken after one of a digest."""
        self._room = Room(limits.size, layout.root)
        self._writer: Files | None = None

    def room(self) -> int | None:
        return self._room.left

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

    def put_manifest(self, repository: str, digest: Digest, manifest: Stored, tags: Iterable[str] = ()) -> None:
        size, tags = len(manifest.raw), list(tags)
        with self._lock:
            self._contents.check(1 + len(tags))
        with self._digests.held([digest]):
            with nullcontext() if self._knows(digest) else self._room.taken(size), self._placing(digest, size):
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

    def _knows(self, digest: Digest) -> bool:
        with self._lock:
            return self._contents.size(digest) is not None

    def _keep(self, repository: str, digest: Digest, upload: DiskUpload) -> bool:
        with self._digests.held([digest]):
            known = self._knows(digest)
            with self._placing(digest, upload.size):
                self._files.place(digest, upload.move)
                self._add_blob(repository, digest, upload.size)
        return not known

    @contextmanager
    def _placing(self, digest: Digest, size: int) -> Iterator[None]:
        """Around what puts bytes there, also where there are some that may be damaged; if nothing has them, they go."""
        try:
            yield
        except BaseException:
            if not self._knows(digest):
                self._files.remove_bytes(digest)
            raise
        with self._lock:
            grown = self._contents.resize(digest, size)
        self._room.count(grown)

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
        self._files.link(repository, MANIFESTS, digest, write_entry(entry))
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

    @property
    def _files(self) -> Files:
        if self._writer is None:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return self._writer
