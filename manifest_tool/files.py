"""Files that several processes change: held by a lock, and replaced in one step."""

from __future__ import annotations

import asyncio
import fcntl
import os
import stat
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

_POLL_SECONDS = 0.02


@asynccontextmanager
async def locked(path: Path) -> AsyncIterator[None]:
    """Hold the lock that a file is; it is made where it is missing, and stays.

    It is a file of its own beside what it guards, which is another file after each change. ``flock`` ends with the
    process that holds it, however that ends.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(handle)


def replace(path: Path, data: bytes, *, shared: bool = False) -> None:
    """Put other bytes in the place of a file, which has all of the old or all of the new ones at any instant.

    It is for its owner alone, or where it is ``shared`` for whom it was for before.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "wb") as file:  # noqa: PTH123  # it is open already
            file.write(data)
            file.flush()
            with suppress(FileNotFoundError):
                _inherit(handle, path.stat(), shared=shared)
            os.fsync(handle)
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise


def _inherit(handle: int, before: os.stat_result, *, shared: bool) -> None:
    with suppress(PermissionError):  # root may do this for somebody else
        os.chown(handle, before.st_uid, -1)
    with suppress(PermissionError):  # and members for their group; no other group gets what was for that one
        os.chown(handle, -1, before.st_gid)
        if shared:
            os.fchmod(handle, stat.S_IMODE(before.st_mode))
