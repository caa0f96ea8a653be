"""Bytes that were read lately."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class Cache(Generic[Key]):
    """Keeps what was used last, up to so many bytes; whoever uses it holds a lock."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._kept: dict[Key, bytes] = {}

    def get(self, key: Key) -> bytes | None:
        data = self._kept.pop(key, None)
        if data is not None:
            self._kept[key] = data
        return data

    def put(self, key: Key, data: bytes) -> None:
        self.drop(key)
        self._kept[key] = data
        self._size += len(data)
        while self._size > self._most:
            self.drop(next(iter(self._kept)))

    def drop(self, key: Key) -> None:
        self._size -= len(self._kept.pop(key, b""))
