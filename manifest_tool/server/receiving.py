"""The bodies of requests, as they come."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from manifest_tool.server.limits import DEFAULT, Limits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LIMITS = web.AppKey("limits", Limits)

_ASKED = web.RequestKey("asked", bool)


class Stalled(Exception):
    """Nothing came for as long as is waited."""


async def pieces(request: web.Request) -> AsyncIterator[bytes]:
    """Everything of a body; a client that waits to be asked for it (RFC 9110 § 10.1.1) is asked here, and not before.

    Raises `Stalled`, `ConnectionError`, or aiohttp's ``RequestPayloadError``.
    """
    if _may_wait(request):
        request[_ASKED] = True
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer has not begun
    idle = request.app.get(LIMITS, DEFAULT).idle
    while not request.content.at_eof():
        try:
            async with asyncio.timeout(idle):
                piece = await request.content.readany()
        except TimeoutError:
            raise Stalled from None
        if piece:
            yield piece


async def drain(request: web.Request, most: int) -> bool:
    """Read what is left of a body; whether all of it was, so that the next request of the connection is a request."""
    if request.transport is None or request.transport.is_closing():
        return False
    if request.content.at_eof():
        return True
    if (_may_wait(request) and not request.content.total_bytes) or (request.content_length or 0) > most:
        return False
    drained = 0
    async for piece in pieces(request):
        drained += len(piece)
        if drained > most:
            return False
    return True


def _may_wait(request: web.Request) -> bool:
    return _ASKED not in request and "Expect" in request.headers
