"""Running a registry in a thread, beside a test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from manifest_tool.errors import UsageError
from manifest_tool.oci.digest import Digest
from manifest_tool.server import guard
from manifest_tool.server.accounts import fixed
from manifest_tool.server.app import create_app
from manifest_tool.server.auth import Auth
from manifest_tool.server.faults import Faults
from manifest_tool.server.limits import DEFAULT, Limits
from manifest_tool.server.listening import Listener
from manifest_tool.server.log import RequestLog
from manifest_tool.server.memory import MemoryStore
from manifest_tool.server.rules import STRICT, Rules
from manifest_tool.server.store import Store, Stored

if TYPE_CHECKING:
    import ssl

    from aiohttp import web
    from aiohttp.abc import AbstractAccessLogger
    from aiohttp.typedefs import Middleware

_PATIENCE = 0.1
"""Seconds that requests get to end when the registry stops; aiohttp takes 0 for endless."""

_Handle: TypeAlias = tuple[str, asyncio.AbstractEventLoop, asyncio.Event]
"""The address of a registry in another thread, its loop, and what stops it there."""


@dataclass(slots=True)
class Running:
    """A registry that serves from another thread, and the ways into it that need no HTTP."""

    store: Store = field(default_factory=MemoryStore)
    log: RequestLog = field(default_factory=RequestLog)
    faults: Faults = field(default_factory=Faults)
    host: str = ""
    """``address:port``, as it stands in references."""
    scheme: str = "http"

    @property
    def url(self) -> str:
        """Where it is for a browser."""
        return f"{self.scheme}://{self.host}"

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
    limits: Limits = DEFAULT,
    middlewares: Sequence[Middleware] = (),
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    accounts: Mapping[str, str] | None = None,
    auth: Auth = Auth.BASIC,
    anonymous_pull: bool = False,
    read_only: bool = False,
    access_log: type[AbstractAccessLogger] | None = None,
) -> Iterator[Running]:
    """Serve from a thread with a loop of its own for as long as the context lasts.

    ``accounts`` are passwords by name; where they are given, ``auth`` is how they are asked for, and with
    tokens everybody may pull where ``anonymous_pull`` says so. Raises `UsageError`.
    """
    if accounts is None and auth is Auth.TOKEN:
        raise UsageError("tokens need accounts, though there may be none among them: accounts={}")
    listener = Listener(host, port, tls, access_log)
    running = Running(MemoryStore(limits) if store is None else store, scheme=listener.scheme)
    hashes, auth = fixed(accounts or {}), Auth.NONE if accounts is None else auth
    guards = guard.middlewares(hashes, auth, anonymous_pull=anonymous_pull, read_only=read_only)
    middlewares = [*middlewares, *guards]
    app = create_app(
        running.store, rules=rules, limits=limits, log=running.log, faults=running.faults, middlewares=middlewares
    )
    ready: Future[_Handle] = Future()
    main = _until_stopped(app, listener, ready)
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


async def _until_stopped(app: web.Application, listener: Listener, ready: Future[_Handle]) -> None:
    stop = asyncio.Event()
    try:
        async with listener.open(app, patience=_PATIENCE) as address:
            ready.set_result((address, asyncio.get_running_loop(), stop))
            await stop.wait()
    except Exception as error:
        if ready.done():
            raise
        ready.set_exception(error)
