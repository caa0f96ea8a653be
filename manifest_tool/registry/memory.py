"""What was read in a run, so that nothing is read twice."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class Memory(Generic[T]):
    """Values by their names; those that were asked for longest ago make room for others."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = 0
        self._values: OrderedDict[object, tuple[T, int]] = OrderedDict()

    def get(self, name: object) -> T | None:
        """What is remembered under a name."""
        found = self._values.get(name)
        if found is None:
            return None
        self._values.move_to_end(name)
        return found[0]

    def put(self, name: object, value: T, size: int) -> None:
        """Remember a value of so many bytes."""
        self.forget(name)
        self._values[name] = value, size
        self._held += size
        while self._held > self._most:
            _, (_, gone) = self._values.popitem(last=False)
            self._held -= gone

    def forget(self, name: object) -> None:
        """Remember nothing under a name."""
        if found := self._values.pop(name, None):
            self._held -= found[1]
