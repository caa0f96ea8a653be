"""Listening: from the first connection that is accepted to the last that is closed."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.http_exceptions import HttpProcessingError

from manifest_tool.errors import UsageError
from manifest_tool.server.call import CHUNK
from manifest_tool.server.connections import Runner
from manifest_tool.server.handshake import Handshakes
from manifest_tool.server.limits import DEFAULT
from manifest_tool.server.receiving import LIMITS

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

_PATIENCE = 5.0
"""Seconds that requests get to end when a server stops."""
_ACCEPTING = "_accept_connection"
"""How asyncio calls the tasks that make a connection of what was accepted; it has no public name for them."""
_HINT = "--port 0 takes any port that is free"
_OF_THE_PORT = {errno.EADDRINUSE, errno.EACCES}

_LOGGER = logging.getLogger(__name__)
_OF_CLIENTS = (HttpProcessingError, ConnectionError)
# What is no HTTP is answered, and who goes away is not waited for; neither needs a word here.
_LOGGER.addFilter(lambda record: not (record.exc_info and isinstance(record.exc_info[1], _OF_CLIENTS)))


@dataclass(frozen=True, slots=True)
class Listener:
    """Where to listen, and how."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    access_log: type[AbstractAccessLogger] | None = None

    @property
    def scheme(self) -> str:
        return "https" if self.tls else "http"

    @asynccontextmanager
    async def open(self, app: web.Application, *, patience: float) -> AsyncIterator[str]:
        """Serve; gives ``address:port``. Requests get so many seconds to end. Raises `UsageError`."""
        limits = app.get(LIMITS, DEFAULT)
        runner = Runner(
            app,
            keepalive_timeout=limits.idle,  # for whole heads too, and for taking some of an answer
            read_bufsize=CHUNK,
            auto_decompress=False,  # a body is what its digest names, so none is unpacked on its way
            access_log=_LOGGER if self.access_log else None,
            access_log_class=self.access_log or AbstractAccessLogger,
            logger=_LOGGER,
            shutdown_timeout=patience,
        )
        runner.handshakes = Handshakes(self.tls, limits.idle) if self.tls else None
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, self.host, self.port).start()
            except (OSError, UnicodeError) as error:
                hint = _HINT if getattr(error, "errno", None) in _OF_THE_PORT else ""
                raise UsageError(f"cannot listen on {self.host}:{self.port}: {_reason(error)}", hint=hint) from error
            address, bound, *_ = runner.addresses[0]
            yield f"[{address}]:{bound}" if ":" in address else f"{address}:{bound}"
        finally:
            await _stop(runner)


def _reason(error: OSError | UnicodeError) -> str:
    if isinstance(error, UnicodeError):
        return "this is no name of a host"
    # What asyncio says repeats the address; those of names, which are no system's, are negative. Since Python 3.13 it
    # gives none where no address is one of this machine.
    number = error.errno or errno.EADDRNOTAVAIL
    return os.strerror(number) if number > 0 else error.strerror or str(error)


async def until_stopped(app: web.Application, listener: Listener, announce: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; ``announce`` is given the URL once somebody listens."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with listener.open(app, patience=_PATIENCE) as address:
        announce(f"{listener.scheme}://{address}")
        await stop.wait()


async def _stop(runner: Runner) -> None:
    # What is just being accepted would be lost by a server that closes, and never be closed itself.
    while accepting := [task for task in asyncio.all_tasks() if _ACCEPTING in repr(task.get_coro())]:
        await asyncio.wait(accepting)
    for site in list(runner.sites):
        await site.stop()
    if runner.handshakes is not None:
        await runner.handshakes.stop()
    connections = runner.server.connections if runner.server else []
    # Closing waits for the other side's farewell under TLS, which may never come. What TLS is, a transport tells only
    # before it is closed.
    over_tls = [
        connection.transport
        for connection in connections
        if connection.transport is not None and connection.transport.get_extra_info("sslcontext") is not None
    ]
    await runner.cleanup()
    for transport in over_tls:
        transport.abort()
    await asyncio.sleep(0)
