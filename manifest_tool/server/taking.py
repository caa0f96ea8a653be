"""Clients that take nothing of an answer."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys

_INFO: int | None = getattr(socket, "TCP_INFO", None) if sys.platform == "linux" else None
_ACKED = struct.Struct("=120xQ")
"""Where ``bytes_acked`` is in what Linux tells of a TCP connection (``struct tcp_info``)."""


class Taker:
    """Cuts a connection whose other side takes nothing for so many seconds of what waits to be sent, until it ends.

    It may well send something meanwhile, and so keep the system from ending the connection.
    """

    def __init__(self, transport: asyncio.WriteTransport, seconds: float) -> None:
        self._transport = transport
        self._seconds = seconds
        self._taken = taken(transport)
        self._timer = self._wait()

    def end(self) -> None:
        """Nothing waits any more."""
        self._timer.cancel()

    def _wait(self) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(self._seconds, self._look)

    def _look(self) -> None:
        before, self._taken = self._taken, taken(self._transport)
        if self._taken > before:
            self._timer = self._wait()
        else:
            self._transport.abort()


def taken(transport: asyncio.WriteTransport) -> int:
    """A number that grows when the other side takes something."""
    if _INFO is None:
        return -transport.get_write_buffer_size()
    # What waits tells less: under TLS, and in the system, it is made up for by what waits before it.
    told = transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, _INFO, _ACKED.size)
    acked: int = _ACKED.unpack(told)[0]
    return acked
