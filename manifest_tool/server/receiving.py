"""The bodies of requests, as they come."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import HttpVersion11, web

from manifest_tool.server.limits import DEFAULT, Limits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LIMITS = web.AppKey("limits", Limits)
LARGE = web.AppKey("large", asyncio.Semaphore)
"""Held for bodies that are large and yet have to be in memory as a whole."""

_PAUSE = 0.1
"""Seconds."""
_ASKED = web.RequestKey("asked", bool)


class Stalled(Exception):
    """Nothing came for as long as is waited, or too little."""


async def pieces(request: web.Request) -> AsyncIterator[bytes]:
    """Everything of a body; a client that waits to be asked for it (RFC 9110 § 10.1.1) is asked here, and not before.

    Where nothing comes for a moment, there is an empty piece: time to put away what came so far.
    Raises `Stalled`, `ConnectionError`, or aiohttp's ``RequestPayloadError``.
    """
    if _may_wait(request):
        request[_ASKED] = True
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer has not begun
    limits, content, clock = request.app.get(LIMITS, DEFAULT), request.content, asyncio.get_running_loop().time
    started, before, paused = clock(), content.total_bytes, False
    while not content.at_eof():
        try:
            async with asyncio.timeout(limits.idle if paused else _PAUSE):
                piece = await content.readany()
        except TimeoutError:
            if paused:
                raise Stalled from None
            paused = True
            yield b""
            continue
        paused = False
        yield piece
        took = clock() - started
        if took > limits.idle and not content.at_eof() and content.total_bytes - before < limits.slowest * took:
            raise Stalled


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
    return _ASKED not in request and "Expect" in request.headers and request.version >= HttpVersion11
