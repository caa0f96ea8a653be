"""TLS before HTTP.

asyncio's own servers tell nobody of a connection on which TLS is not spoken yet. So those would count for nothing,
though each takes a third of a MiB, and a server that stops would wait a minute for whoever never goes on.
"""

from __future__ import annotations

import asyncio
import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl


class Handshakes:
    """Those that are under way; each gets so many seconds."""

    def __init__(self, context: ssl.SSLContext, seconds: float) -> None:
        self._context = context
        self._seconds = seconds
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, transport: asyncio.BaseTransport, protocol: asyncio.Protocol, room: int) -> None:
        """Speak TLS on a connection, which ``protocol`` has then; end it where there is no room for one more."""
        if not isinstance(transport, asyncio.Transport) or len(self._tasks) >= room:
            transport.close()
            return
        transport.pause_reading()
        task = asyncio.create_task(self._speak(transport, protocol))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Give up all of them."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _speak(self, transport: asyncio.Transport, protocol: asyncio.Protocol) -> None:
        loop, early = asyncio.get_running_loop(), _Early()
        try:
            secure = await loop.start_tls(
                transport, early, self._context, server_side=True, ssl_handshake_timeout=self._seconds
            )
        except OSError as error:
            # It is held by what it holds, and the buffers of the connection with it.
            traceback.clear_frames(error.__traceback__)
            return
        if secure is not None and not secure.is_closing():
            protocol.connection_made(secure)
            secure.set_protocol(protocol)
            if early.data:
                protocol.data_received(bytes(early.data))


class _Early(asyncio.Protocol):
    """Keeps what comes while nobody has the connection yet."""

    def __init__(self) -> None:
        self.data = bytearray()

    def data_received(self, data: bytes) -> None:
        self.data += data
