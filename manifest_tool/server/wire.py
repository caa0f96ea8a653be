"""Below HTTP: answers that aiohttp would rightly never send."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, cast

from aiohttp import web
from aiohttp.payload import Payload

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter

_SETTLE = 0.02
_HARD_CLOSE = struct.pack("ii", 1, 0)


async def collect(response: web.Response) -> bytes:
    """The whole body of an answer that was not sent yet."""
    if isinstance(response.body, Payload):
        collector = _Collector()
        await response.body.write(cast("AbstractStreamWriter", collector))
        return bytes(collector.data)
    return bytes(response.body or b"")


def send(request: web.Request, response: web.Response, body: bytes, length: int | None) -> None:
    """Send an answer that claims ``length`` bytes, or does not say; only `reset` or `close` may follow."""
    transport = request.transport
    if transport is None or not isinstance(transport, asyncio.WriteTransport):
        return
    headers = {name: value for name, value in response.headers.items() if name != "Content-Length"}
    if length is not None:
        headers["Content-Length"] = str(length)
    lines = [f"HTTP/1.1 {response.status} {response.reason}", *(f"{name}: {headers[name]}" for name in headers)]
    transport.write("\r\n".join([*lines, "", ""]).encode() + body)


async def settle() -> None:
    """Let the client read what was sent before the connection goes."""
    await asyncio.sleep(_SETTLE)


def reset(request: web.Request, status: int = 0) -> web.Response:
    """Reset the connection, whatever is on its way."""
    if request.transport is not None:
        raw = request.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _HARD_CLOSE)
        cast("asyncio.WriteTransport", request.transport).abort()
    return _nothing(status)


def close(request: web.Request, status: int = 0) -> web.Response:
    """Close the connection once everything is sent."""
    if request.transport is not None:
        request.transport.close()
    return _nothing(status)


def _nothing(status: int) -> web.Response:
    """What a handler must return though its connection is gone; it is never sent, but its status is in the log."""
    response = web.Response(status=status)
    response.force_close()
    return response


class _Collector:
    """As much of a stream writer as a payload asks for."""

    def __init__(self) -> None:
        self.data = bytearray()

    async def write(self, chunk: bytes) -> None:
        self.data += chunk
