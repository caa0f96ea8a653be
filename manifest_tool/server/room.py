"""How much a store holds, and how much it may."""

from __future__ import annotations

import threading


class Full(Exception):
    """There is no room for what was to be kept."""


class Room:
    """Counts bytes; safe to use from several threads."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self.used = 0

    @property
    def left(self) -> int | None:
        """Bytes; none where there is no limit."""
        return None if self._limit is None else max(self._limit - self.used, 0)

    def take(self, size: int) -> None:
        """Raises `Full`, and takes nothing, where so many bytes are too many."""
        with self._lock:
            if self._limit is not None and self.used + size > self._limit:
                raise Full(f"this registry keeps at most {self._limit} bytes")
            self.used += size

    def give(self, size: int) -> None:
        """The opposite of `take`."""
        with self._lock:
            self.used -= size
