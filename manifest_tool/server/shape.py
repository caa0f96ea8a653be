"""The form that every error has, whoever finds it: we, a middleware, or aiohttp (distribution-spec § Error Codes)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from manifest_tool.server.refusals import Reason, Refusal

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

SHAPED = web.AppKey("shaped", bool)

_CODES = {401: "UNAUTHORIZED", 403: "DENIED", 405: "UNSUPPORTED", 413: "SIZE_INVALID", 429: "TOOMANYREQUESTS"}
_OF_THE_BODY = {"Content-Length", "Content-Type"}


def shape(app: web.Application) -> None:
    """Let every error of an application have this form; `connections` sees to those that never reach it."""
    app[SHAPED] = True


@web.middleware
async def in_shape(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer with what is raised."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST or error.content_type == "application/json":
            raise
        response = refused(error.status, error.reason)
        response.headers.extend((name, value) for name, value in error.headers.items() if name not in _OF_THE_BODY)
        return response


def refused(status: int, message: str) -> web.Response:
    """An error of HTTP rather than of the API."""
    code = _CODES.get(status) or HTTPStatus(status).name
    return Refusal(status, Reason(code, message)).response()


def last(status: int, message: str, *lines: str) -> bytes:
    """An answer as it travels, before the connection ends."""
    response = refused(status, message)
    body = response.body if isinstance(response.body, bytes) else b""
    head = [
        f"HTTP/1.1 {status} {response.reason}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *lines,
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


async def expect(request: web.Request) -> web.StreamResponse | None:
    """Leave a body that waits to be asked for to whoever reads it; what else may be expected is not known here."""
    if request.headers["Expect"].lower() != "100-continue":
        return refused(417, "only 100-continue can be expected here")
    return None
