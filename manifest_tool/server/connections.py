"""Connections of a registry: how many there are, how much of a head they hold, and how TLS comes before all of that."""

from __future__ import annotations

import asyncio
import re
import socket
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeAlias

from aiohttp import StreamReader, web
from aiohttp.hdrs import METH_CONNECT
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import RequestHandler

from manifest_tool.server import shape
from manifest_tool.server.limits import DEFAULT
from manifest_tool.server.receiving import LIMITS
from manifest_tool.server.taking import Taker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from manifest_tool.server.handshake import Handshakes

    _Handle: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_MOST_OF_A_HEAD = 64 * 1024
_CROWDED = shape.last(503, "there are as many connections as there may be", "Retry-After: 1")
_TOO_LONG = shape.last(431, f"the head of a request has at most {_MOST_OF_A_HEAD} bytes")
_REST = re.compile(r"[:\n]")


class Runner(web.AppRunner):
    """Runs an application; where that has a shape, what is no HTTP is refused in it too."""

    __slots__ = ("handshakes",)
    handshakes: Handshakes | None
    """Of TLS, where that is spoken."""

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        if shape.SHAPED not in self.app and self.handshakes is None:
            return made
        handler = _no_tunnel(made.request_handler)
        server = _Server(handler, request_factory=made.request_factory, loop=made._loop, **made._kwargs)  # noqa: SLF001
        server.most = self.app.get(LIMITS, DEFAULT).connections
        server.handshakes = self.handshakes
        return server


def _no_tunnel(handler: _Handle) -> _Handle:
    """What answers a CONNECT too: it has no path, so an application has nobody who would, or would look at its body."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.method != METH_CONNECT:
            return await handler(request)
        response = shape.refused(501, "this is no proxy")
        response.force_close()
        return response

    return answer


class _Server(web.Server):
    most = DEFAULT.connections
    handshakes: Handshakes | None = None

    @property
    def crowded(self) -> bool:
        return self.room < 0

    @property
    def room(self) -> int:
        """How many more connections there may be."""
        return self.most - len(self._connections)

    def __call__(self) -> RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


class _Connection(RequestHandler):
    __slots__ = ("_body", "_head", "_taker")
    _body: StreamReader
    """Of the last request that came."""
    _head: int
    """Bytes of the next one so far, until its head is whole."""
    _taker: Taker | None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._body, self._head, self._taker = EMPTY_PAYLOAD, 0, None
        server = self._manager if isinstance(self._manager, _Server) else None
        if server and server.handshakes is not None and transport.get_extra_info("sslcontext") is None:
            server.handshakes.begin(transport, self, server.room)
            return
        super().connection_made(transport)
        # Where a system can do that, it ends a connection whose other side takes nothing for that long.
        option = getattr(socket, "TCP_USER_TIMEOUT", None)
        if option is not None:
            raw = transport.get_extra_info("socket")
            raw.setsockopt(socket.IPPROTO_TCP, option, int(1000 * self.keepalive_timeout))
        if server and server.crowded and isinstance(transport, asyncio.WriteTransport):
            transport.write(_CROWDED)
            self.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._taken()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        # aiohttp bounds the lines of a head and how many there are: together that is more than a MiB.
        is_head, before = self._body.is_eof(), self._request_count
        super().data_received(data)
        if self._request_count > before and self._messages:
            self._body, self._head = self._messages[-1][1], 0
        elif is_head:
            self._head += len(data)
        if self._head > _MOST_OF_A_HEAD and self.transport is not None:
            self.transport.write(_TOO_LONG)
            self.force_close()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.transport is not None:
            self._taker = Taker(self.transport, self.keepalive_timeout)

    def resume_writing(self) -> None:
        self._taken()
        super().resume_writing()

    def _taken(self) -> None:
        if self._taker is not None:
            self._taker.end()
            self._taker = None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        super().handle_error(request, status, exc, message)
        # The rest would repeat what came, and that may be anything.
        told = _REST.split(message or HTTPStatus(status).phrase)[0]
        response = shape.refused(status, told)
        response.force_close()
        return response
