"""The registry as an aiohttp application."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aiohttp import web

from manifest_tool.oci.manifest import MAX_SIZE
from manifest_tool.server import routes, shape
from manifest_tool.server.call import CHUNK
from manifest_tool.server.log import RequestLog, recorder
from manifest_tool.server.rules import STRICT, Rules

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware

    from manifest_tool.server.faults import Faults
    from manifest_tool.server.store import Store

_MOST_TO_DRAIN = 64 * 1024 * 1024


def create_app(
    store: Store,
    *,
    rules: Rules = STRICT,
    log: RequestLog | None = None,
    faults: Faults | None = None,
    middlewares: Sequence[Middleware] = (),
) -> web.Application:
    """Build the application.

    A request passes the log, the faults, then ``middlewares`` — the place for authentication — and reaches the store.
    """
    outer = [recorder(log)] if log is not None else []
    inner = [faults.middleware()] if faults is not None else []
    app = web.Application(
        middlewares=[*outer, _in_step, *inner, shape.in_shape, *middlewares], client_max_size=MAX_SIZE
    )

    async def answer(request: web.Request) -> web.StreamResponse:
        return await routes.answer(request, store, rules)

    app.router.add_route("*", "/{path:.*}", answer, expect_handler=shape.expect)
    shape.shape(app)
    return app


@web.middleware
async def _in_step(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Read what is left of a body before it is answered, so that the next request of the connection is a request."""
    try:
        response = await _drained(request, handler)
    except (ConnectionError, web.RequestPayloadError):
        # The client went away, or sent what is no HTTP; whatever it is told, the connection ends here.
        response = shape.refused(400, "the body broke off, or is no HTTP")
        response.force_close()
    return response


async def _drained(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        response = await handler(request)
    except web.HTTPException:
        await _drain(request)
        raise
    if not await _drain(request):
        response.force_close()
    return response


async def _drain(request: web.Request) -> bool:
    if request.transport is None or request.transport.is_closing():
        return False
    drained = 0
    async for piece in request.content.iter_chunked(CHUNK):
        drained += len(piece)
        if drained > _MOST_TO_DRAIN:
            return False
    return True
