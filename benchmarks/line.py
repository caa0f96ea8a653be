"""One direction of a slow line: what goes in comes out later, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

END = b""
"""Stands for the end of the stream."""


class Clock(Protocol):
    """What of an event loop a line needs."""

    def time(self) -> float: ...

    def call_at(self, when: float, callback: Callable[[], None]) -> object: ...


class Way:
    """When what is sent over a connection arrives.

    The client believes to be connected at once. On a real line it would be only a round trip later, and so nothing
    that it sends sets out before that.
    """

    def __init__(self, clock: Clock, rtt: float) -> None:
        self._clock = clock
        self._half = rtt / 2
        self.connected = clock.time() + rtt

    def up(self) -> float:
        """What the client sends now arrives at the server then."""
        return max(self._clock.time(), self.connected) + self._half

    def down(self) -> float:
        """The same the other way."""
        return self._clock.time() + self._half


class Line:
    """Bytes that travel, each piece with the moment when it arrives."""

    def __init__(self, clock: Clock, deliver: Callable[[bytes], None]) -> None:
        self._clock = clock
        self._deliver = deliver
        self._travelling: deque[tuple[float, bytes]] = deque()
        self._open = False
        self._waiting = False

    def open(self) -> None:
        """Let pieces arrive from now on; they wait until then."""
        self._open = True
        self._arrive()

    def put(self, data: bytes, due: float) -> None:
        """Send a piece that arrives at ``due``, or with the piece before it where that is later."""
        self._travelling.append((due, data))
        self._arrive()

    def _arrive(self) -> None:
        while self._open and not self._waiting and self._travelling:
            due, data = self._travelling[0]
            if due > self._clock.time():
                self._waiting = True
                self._clock.call_at(due, self._wake)
                return
            self._travelling.popleft()
            self._deliver(data)

    def _wake(self) -> None:
        self._waiting = False
        self._arrive()
