"""The registry as an aiohttp application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from aiohttp import web

from manifest_tool.oci.manifest import MAX_SIZE
from manifest_tool.server import refusals, routes, shape
from manifest_tool.server.limits import DEFAULT, Limits
from manifest_tool.server.log import RequestLog, recorder
from manifest_tool.server.receiver import RECEIVERS, Receivers
from manifest_tool.server.receiving import LARGE, LIMITS, Stalled, drain
from manifest_tool.server.room import Full
from manifest_tool.server.rules import STRICT, Rules

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware

    from manifest_tool.server.faults import Faults
    from manifest_tool.server.store import Store

_MOST_TO_DRAIN = 64 * 1024 * 1024
_BETWEEN = 60.0
"""Seconds."""


def create_app(
    store: Store,
    *,
    rules: Rules = STRICT,
    limits: Limits = DEFAULT,
    log: RequestLog | None = None,
    faults: Faults | None = None,
    middlewares: Sequence[Middleware] = (),
) -> web.Application:
    """Build the application.

    A request passes the log, the faults, then ``middlewares`` — the place for authentication — and reaches the store.
    Of the ``limits``, those of time are kept here, and the others by the store, which was given them.
    """
    outer = [recorder(log)] if log is not None else []
    inner = [faults.middleware()] if faults is not None else []
    app = web.Application(
        middlewares=[*outer, _in_step, *inner, shape.in_shape, *middlewares], client_max_size=MAX_SIZE
    )

    async def answer(request: web.Request) -> web.StreamResponse:
        return await routes.answer(request, store, rules)

    app.router.add_route("*", "/{path:.*}", answer, expect_handler=shape.expect)
    app[LIMITS] = limits
    app[LARGE] = asyncio.Semaphore(limits.manifests)
    app[RECEIVERS] = Receivers()
    app.cleanup_ctx.append(lambda _: _tending(store))
    shape.shape(app)
    return app


async def _tending(store: Store) -> AsyncIterator[None]:
    """Give up abandoned uploads from time to time."""

    async def tend() -> None:
        while True:
            await asyncio.sleep(_BETWEEN)
            await asyncio.to_thread(store.expire)

    task = asyncio.create_task(tend())
    yield
    task.cancel()


@web.middleware
async def _in_step(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Read what is left of a body before it is answered, so that the next request of the connection is a request."""
    try:
        return await _drained(request, handler)
    except Stalled:
        response = shape.refused(408, "nothing came of the body for too long")
    except (ConnectionError, web.RequestPayloadError):
        response = shape.refused(400, "the body broke off, or is no HTTP")
    # Whether the client went away or not, and whatever it is told, the connection ends here.
    response.force_close()
    return response


async def _drained(request: web.Request, handler: Handler) -> web.StreamResponse:
    response: web.StreamResponse
    try:
        response = await handler(request)
    except web.HTTPException as error:
        if not await drain(request, _MOST_TO_DRAIN):
            error.force_close()
        raise
    except Full as full:
        response = refusals.full(str(full)).response()
    if not await drain(request, _MOST_TO_DRAIN):
        response.force_close()
    return response
