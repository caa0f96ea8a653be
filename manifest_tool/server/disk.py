"""A store in a folder, which a restart finds as it was.

What is acknowledged is on the disk: bytes, the name that they have in a repository, and the folders of both are synced
first, and only then known to others. What a process leaves unfinished, the next one removes; see
`manifest_tool.server.recovery`. All names are held in memory too, about a kilobyte each.
"""

from __future__ import annotations

import errno
import os
import weakref
from pathlib import Path
from types import TracebackType
from typing import Self

from manifest_tool.errors import UsageError
from manifest_tool.server import folder, recovery
from manifest_tool.server.disk_files import Files
from manifest_tool.server.disk_upload import DiskUpload
from manifest_tool.server.disk_writing import Writing
from manifest_tool.server.layout import Layout
from manifest_tool.server.limits import DEFAULT, Limits
from manifest_tool.server.uploading import Uploading

_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


class DiskStore(Writing, Uploading[DiskUpload]):
    """A store below one folder, which it has for itself until it is closed."""

    def __init__(self, root: Path, limits: Limits = DEFAULT, *, read_only: bool = False) -> None:
        """Open the store, or make it; raises `UsageError` where that cannot be.

        To be read only, it must be there, and nothing is written to its folder, which several may then have at a time.
        """
        Writing.__init__(self, Layout(root), limits)
        Uploading.__init__(self, limits)
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

    def close(self) -> None:
        """Leave the folder to others."""
        if self._leave is not None:
            self._leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def _session(self, identity: str) -> DiskUpload:
        return DiskUpload(self._files.upload(identity), self._room)
