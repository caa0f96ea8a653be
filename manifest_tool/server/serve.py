"""Running a registry: in the foreground until a signal, or in a thread beside a test."""

from __future__ import annotations

import asyncio
import logging
import signal
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from manifest_tool.errors import UsageError
from manifest_tool.oci.digest import Digest
from manifest_tool.server.app import create_app
from manifest_tool.server.faults import Faults
from manifest_tool.server.log import RequestLog
from manifest_tool.server.rules import STRICT, Rules
from manifest_tool.server.shape import Runner
from manifest_tool.server.store import MemoryStore, Store, Stored

if TYPE_CHECKING:
    from aiohttp.typedefs import Middleware

_PATIENCE = 5.0
"""Seconds that requests get to end when the registry stops."""
_SHORT = 0.1
"""The same beside a test; aiohttp takes 0 for endless."""
_ACCEPTING = "_accept_connection"
"""How asyncio calls the tasks that make a connection of what was accepted; it has no public name for them."""
_HINT = "--port 0 takes any port that is free"

_LOGGER = logging.getLogger(__name__)
# What is no HTTP is the client's error, and answered; it needs no traceback here.
_LOGGER.addFilter(lambda record: not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError)))

_Handle: TypeAlias = tuple[str, asyncio.AbstractEventLoop, asyncio.Event]
"""The address of a registry in another thread, its loop, and what stops it there."""


async def run(store: Store, *, host: str, port: int, announce: Callable[[str], None], rules: Rules = STRICT) -> None:
    """Serve a registry as `until_stopped` does."""
    await until_stopped(create_app(store, rules=rules), host=host, port=port, announce=announce)


async def until_stopped(app: web.Application, *, host: str, port: int, announce: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; ``announce`` is given the URL once somebody listens."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with _listening(app, host, port) as address:
        announce(f"http://{address}")
        await stop.wait()


@dataclass(slots=True)
class Running:
    """A registry that serves from another thread, and the ways into it that need no HTTP."""

    store: Store = field(default_factory=MemoryStore)
    log: RequestLog = field(default_factory=RequestLog)
    faults: Faults = field(default_factory=Faults)
    host: str = ""
    """``address:port``, as it stands in references."""

    @property
    def latency(self) -> float:
        """Seconds that each answer takes longer."""
        return self.faults.latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        self.faults.latency = seconds

    def put_blob(self, repository: str, data: bytes, algorithm: str = "sha256") -> Digest:
        """Put a blob into a repository."""
        digest, upload = Digest.of(data, algorithm), self.store.begin(repository)
        upload.write(data)
        self.store.commit(repository, upload.id, digest)
        return digest

    def put_manifest(self, repository: str, raw: bytes, media_type: str, tag: str = "") -> Digest:
        """Put a manifest into a repository as it is, even one that no registry would accept."""
        digest = Digest.of(raw)
        self.store.put_manifest(repository, digest, Stored(media_type, raw), [tag] if tag else [])
        return digest

    def tags(self, repository: str) -> dict[str, Digest]:
        """What each tag of a repository points to."""
        return dict(self.store.tags(repository))

    def manifest(self, repository: str, which: str | Digest) -> tuple[str, bytes] | None:
        """The media type and the bytes of a manifest, by tag or digest."""
        if isinstance(which, str):
            found = Digest.parse(which) if ":" in which else self.store.tags(repository).get(which)
        else:
            found = which
        stored = self.store.manifest(repository, found) if found else None
        return (stored.media_type, stored.raw) if stored else None

    def blob(self, repository: str, digest: Digest) -> bytes | None:
        """The bytes of a blob, if the repository has it."""
        found = self.store.blob(repository, digest)
        if found is None:
            return None
        with found.open() as file:
            return file.read()


@contextmanager
def serving(
    store: Store | None = None,
    *,
    rules: Rules = STRICT,
    middlewares: Sequence[Middleware] = (),
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Running]:
    """Serve from a thread with a loop of its own for as long as the context lasts."""
    running = Running(MemoryStore() if store is None else store)
    app = create_app(running.store, rules=rules, log=running.log, faults=running.faults, middlewares=middlewares)
    ready: Future[_Handle] = Future()
    main = _until_stopped(app, host, port, tls, ready)
    thread = threading.Thread(target=lambda: asyncio.run(main), name="registry", daemon=True)
    thread.start()
    try:
        running.host, loop, stop = ready.result()
    except Exception:
        thread.join()
        raise
    try:
        yield running
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


async def _until_stopped(
    app: web.Application,
    host: str,
    port: int,
    tls: ssl.SSLContext | None,
    ready: Future[_Handle],
) -> None:
    stop = asyncio.Event()
    try:
        async with _listening(app, host, port, tls, patience=_SHORT) as address:
            ready.set_result((address, asyncio.get_running_loop(), stop))
            await stop.wait()
    except Exception as error:
        if ready.done():
            raise
        ready.set_exception(error)


@asynccontextmanager
async def _listening(
    app: web.Application, host: str, port: int, tls: ssl.SSLContext | None = None, *, patience: float = _PATIENCE
) -> AsyncIterator[str]:
    # A body is what its digest names, so none is unpacked on its way.
    runner = Runner(app, auto_decompress=False, access_log=None, logger=_LOGGER, shutdown_timeout=patience)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port, ssl_context=tls).start()
        except OSError as error:
            raise UsageError(f"cannot listen on {host}:{port}: {error.strerror}", hint=_HINT) from error
        address, bound, *_ = runner.addresses[0]
        yield f"[{address}]:{bound}" if ":" in address else f"{address}:{bound}"
    finally:
        await _stop(runner)


async def _stop(runner: web.AppRunner) -> None:
    # What is just being accepted would be lost by a server that closes, and never be closed itself.
    while accepting := [task for task in asyncio.all_tasks() if _ACCEPTING in repr(task.get_coro())]:
        await asyncio.wait(accepting)
    for site in list(runner.sites):
        await site.stop()
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
