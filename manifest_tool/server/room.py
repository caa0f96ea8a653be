"""How much a store holds, and how much it may."""

from __future__ import annotations

import errno
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What a system says where a disk has none."""
SPARE = 64 * 1024 * 1024
"""Bytes of a disk that are left free, so that there is room to delete something."""


class Full(Exception):
    """There is no room for what was to be kept."""


class Room:
    """Counts bytes; safe to use from several threads."""

    def __init__(self, limit: int | None, folder: Path | None = None) -> None:
        self._limit = limit
        self._folder = folder
        """Whose disk the bytes come to lie on, if on any."""
        self._lock = threading.Lock()
        self.used = 0

    @property
    def left(self) -> int | None:
        """Bytes; none where there is no limit."""
        lefts = [max(self._limit - self.used, 0)] if self._limit is not None else []
        if self._folder is not None:
            lefts.append(max(shutil.disk_usage(self._folder).free - SPARE, 0))
        return min(lefts, default=None)

    def take(self, size: int) -> None:
        """Raises `Full`, and takes nothing, where so many bytes are too many."""
        with self._lock:
            left = self.left
            if left is not None and size > left:
                raise Full(f"{size} bytes are more than the {left} that are left")
            self.used += size

    @contextmanager
    def taken(self, size: int) -> Iterator[None]:
        """Around what needs so many bytes; they are given back where it fails."""
        self.take(size)
        try:
            yield
        except BaseException:
            self.give(size)
            raise

    def count(self, size: int) -> None:
        """Take what is there already."""
        with self._lock:
            self.used += size

    def give(self, size: int) -> None:
        """The opposite of `take`."""
        with self._lock:
            self.used -= size
