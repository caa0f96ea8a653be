"""The files of a store on disk: what changes them returns once that would outlive a power cut, or says otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from manifest_tool.server import durable
from manifest_tool.server.durable import Folders
from manifest_tool.server.room import NO_ROOM

if TYPE_CHECKING:
    from manifest_tool.oci.digest import Digest
    from manifest_tool.server.layout import Layout


class Files:
    """Makes, replaces and removes them; which of them belong together is the store's affair."""

    def __init__(self, layout: Layout) -> None:
        self._folders = Folders(layout.root)
        self._layout = layout

    def prepare(self) -> None:
        """Make the folders, try to write, and remove what an earlier process was writing; the disk may be full."""
        for folder in self._layout.folders:
            self._folders.make(folder)
        for path in self._layout.temporary.iterdir():
            path.unlink()
        probe = self._layout.temporary / "probe"
        try:
            self._write(probe, b"")
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
        probe.unlink(missing_ok=True)

    def place(self, digest: Digest, move: Callable[[Path], None]) -> None:
        """Let bytes be moved to where they are kept; they are on the disk once they are there."""
        path = self._layout.bytes(digest)
        self._folders.make(path.parent)
        move(path)
        durable.sync(path.parent)

    def write_bytes(self, digest: Digest, raw: bytes) -> None:
        """Nothing, where they are there and whole."""
        path = self._layout.bytes(digest)
        if not path.exists() or path.read_bytes() != raw:
            self.place(digest, lambda path: self._write(path, raw))

    def remove_bytes(self, digest: Digest) -> None:
        """The one change that need not last: nobody has a name for them any more."""
        self._layout.bytes(digest).unlink(missing_ok=True)

    def link(self, repository: str, kind: str, digest: Digest, told: bytes = b"") -> None:
        """Say that a repository has something, and what there is to say of it."""
        path = self._layout.link(repository, kind, digest)
        self._folders.make(path.parent)
        if told:
            self._write(path, told)
        else:
            path.touch()
        durable.sync(path.parent)

    def unlink(self, repository: str, kind: str, digest: Digest) -> None:
        path = self._layout.link(repository, kind, digest)
        path.unlink(missing_ok=True)
        durable.sync(path.parent)

    def tag(self, repository: str, tag: str, digest: Digest | None) -> None:
        """Let a tag point to something, or be gone; `sync_tags` makes it last."""
        path = self._layout.tag(repository, tag)
        if digest is None:
            path.unlink(missing_ok=True)
        else:
            self._folders.make(path.parent)
            self._write(path, str(digest).encode())

    def sync_tags(self, repository: str) -> None:
        durable.sync(self._layout.tags(repository))

    def upload(self, identity: str) -> Path:
        """Where an upload comes to lie, which need not last."""
        return self._layout.uploads / identity

    def _write(self, path: Path, data: bytes) -> None:
        durable.write(path, data, self._layout.temporary)
