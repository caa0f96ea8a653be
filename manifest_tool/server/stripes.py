"""Locks for things that are too many to have one each."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterable, Iterator
from contextlib import ExitStack, contextmanager

_COUNT = 64


class Stripes:
    """A fixed number of locks that things share."""

    def __init__(self) -> None:
        self._locks = tuple(threading.Lock() for _ in range(_COUNT))

    @contextmanager
    def held(self, things: Iterable[Hashable]) -> Iterator[None]:
        """Hold the locks of all these things; always taken in the same order, so that nobody waits for ever."""
        with ExitStack() as stack:
            for place in sorted({hash(thing) % _COUNT for thing in things}):
                stack.enter_context(self._locks[place])
            yield
