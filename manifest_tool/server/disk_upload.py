"""Uploads to a store on disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from manifest_tool.oci.digest import Hasher
from manifest_tool.server.sessions import Session
from manifest_tool.server.store import ALGORITHM

if TYPE_CHECKING:
    from pathlib import Path

    from manifest_tool.server.room import Room

_PIECE = 1024 * 1024


class DiskUpload(Session):
    """An upload to a `DiskStore`; what was received outlives a restart. Without any, there is no file."""

    def __init__(self, path: Path, room: Room, *, size: int = 0) -> None:
        super().__init__(path.name, Hasher(ALGORITHM) if size == 0 else None, size)
        self._path = path
        self._room = room

    def drop(self) -> None:
        self._path.unlink(missing_ok=True)
        self._room.give(self.size)

    def move(self, path: Path) -> None:
        """Make it the file of a blob; the folder of that is still to be synced."""
        with self._path.open("ab") as file:
            os.fsync(file.fileno())
        self._path.replace(path)

    def _append(self, data: bytes) -> None:
        self._room.take(len(data))
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            left = memoryview(data)
            os.lseek(handle, self.size, os.SEEK_SET)
            while left:
                left = left[os.write(handle, left) :]
        except OSError:
            self._room.give(len(data))
            with suppress(OSError):
                os.ftruncate(handle, self.size)
            raise
        finally:
            os.close(handle)

    def _pieces(self) -> Iterator[bytes]:
        if not self.size:
            return
        with self._path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece
