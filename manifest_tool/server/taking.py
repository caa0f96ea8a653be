"""Clients that take nothing of an answer."""

from __future__ import annotations

import asyncio
import fcntl
import sys
import termios
from contextlib import suppress


class Taker:
    """Cuts a connection whose other side takes nothing for so many seconds of what waits to be sent, until it ends.

    It may well send something meanwhile, and so keep the system from ending the connection.
    """

    def __init__(self, transport: asyncio.WriteTransport, seconds: float) -> None:
        self._transport = transport
        self._seconds = seconds
        self._left = _left(transport)
        self._timer = self._wait()

    def end(self) -> None:
        """Nothing waits any more."""
        self._timer.cancel()

    def _wait(self) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(self._seconds, self._look)

    def _look(self) -> None:
        before, self._left = self._left, _left(self._transport)
        if self._left < before:
            self._timer = self._wait()
        else:
            self._transport.abort()


def _left(transport: asyncio.WriteTransport) -> int:
    """Bytes that wait here, and, where the system tells, those that it has and the other side has not confirmed."""
    left = transport.get_write_buffer_size()
    with suppress(OSError):
        told = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
        left += int.from_bytes(told, sys.byteorder)
    return left
