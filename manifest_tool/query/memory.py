"""The cache of a service, which is gone when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifest_tool.registry.memory import Memory

if TYPE_CHECKING:
    from manifest_tool.query.lookup import Entry, Key

_MOST = 64 * 1024 * 1024
_BYTES = 2 * 1024
"""About what an entry takes, and each image in it."""


class MemoryCache:
    """Keeps so many bytes of entries; what was asked for longest ago makes room."""

    def __init__(self, most: int = _MOST) -> None:
        self._memory: Memory[Entry] = Memory(most)

    def get(self, key: Key) -> Entry | None:
        """What was kept last."""
        return self._memory.get(key)

    def put(self, key: Key, entry: Entry) -> None:
        """Keep an entry."""
        self._memory.put(key, entry, _BYTES * (1 + len(entry.support.manifests)))
