"""What the tests of this folder are put together from: clients that never wait, and servers that never behave."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from manifest_tool.events import Event, Waiting
from manifest_tool.oci.reference import Registry, Repository
from manifest_tool.registry.auth import NO_ACCESS, Access, Authenticator
from manifest_tool.registry.client import Client
from manifest_tool.registry.credentials import Credential, DockerConfig, Keychain
from manifest_tool.registry.retry import Retry
from manifest_tool.registry.sender import Sender
from manifest_tool.registry.transport import Options, Transport
from manifest_tool.server.app import create_app
from manifest_tool.server.serve import Running

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    import pytest
    from aiohttp.typedefs import Middleware

_TLS_RECORD = b"\x16"
RESET = b"\0reset"
"""In place of an answer of a raw server: the connection is reset."""


def repository(host: str, name: str = "team/app") -> Repository:
    return Repository(Registry.parse(host), name)


@dataclass
class Clock:
    """Time that passes only when somebody sleeps."""

    now: float = 1_000.0
    pauses: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def retry(self, attempts: int = 5) -> Retry:
        """A policy on this clock, whose jitter is at its longest."""
        return Retry(attempts=attempts, sleep=self.sleep, random=lambda: 1.0, clock=self)


@dataclass
class Watched:
    """An observer that keeps what it saw."""

    events: list[Event] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def reasons(self) -> list[str]:
        return [event.reason for event in self.of(Waiting)]


def ignore_events(event: Event) -> None:
    """Watch nothing."""


def credential_helper(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str, name: str = "fake") -> Path:
    """Put a credential helper on the PATH; gives the file in which it notes what it was asked."""
    program, asked = folder / f"docker-credential-{name}", folder / "asked"
    program.write_text(f'#!/bin/sh\nread server\necho "$1 $server" >> {asked}\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return asked


@asynccontextmanager
async def transport(
    *, clock: Clock | None = None, observe: Any = ignore_events, attempts: int = 5, **options: Any
) -> AsyncIterator[Transport]:
    """A transport whose pauses take no time."""
    retry = (clock or Clock()).retry(attempts)
    async with Transport(Options(retry=retry, **options), observe=observe) as opened:
        yield opened


@asynccontextmanager
async def client(
    *,
    auths: Mapping[str, Mapping[str, str]] | None = None,
    explicit: Credential | None = None,
    explicit_for: str = "",
    access: Access = NO_ACCESS,
    clock: Clock | None = None,
    observe: Any = ignore_events,
    attempts: int = 5,
    **options: Any,
) -> AsyncIterator[Client]:
    """A client with the credentials of a config file, or with one from the command line."""
    clock = clock or Clock()
    target = Registry.parse(explicit_for) if explicit_for else None
    keychain = Keychain(DockerConfig("config.json", auths or {}), explicit=explicit, explicit_for=target)
    async with transport(clock=clock, observe=observe, attempts=attempts, **options) as opened:
        yield Client(Sender(opened, Authenticator(opened, keychain, clock=clock), access))


@dataclass
class Raw:
    """A server that plays a script, and keeps the head of every request."""

    host: str
    heads: list[str] = field(default_factory=list)


@contextmanager
def raw(*connections: Sequence[bytes], tls: ssl.SSLContext | None = None, tls_after: int = 0) -> Iterator[Raw]:
    """Play one script a connection, the last one again for all that follow; the first ``tls_after`` without TLS.

    Each of its answers is sent when the head of a request has come; an empty one closes without an answer.
    """
    listening = socket.create_server(("127.0.0.1", 0))
    server = Raw(f"127.0.0.1:{listening.getsockname()[1]}")
    thread = threading.Thread(target=_accept, args=(listening, connections, server.heads, tls, tls_after), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        # Closing alone would not wake the thread that accepts.
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        listening.close()


def _accept(
    listening: socket.socket,
    connections: Sequence[Sequence[bytes]],
    heads: list[str],
    tls: ssl.SSLContext | None,
    tls_after: int,
) -> None:
    scripts = iter(connections)
    script: Sequence[bytes] = ()
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        plain = tls is None or tls_after > 0
        if plain and connection.recv(1, socket.MSG_PEEK) == _TLS_RECORD:
            connection.close()
            continue
        script = next(scripts, script)
        tls_after -= 1
        try:
            # One after the other: a script is about the order of things.
            with connection if plain or tls is None else tls.wrap_socket(connection, server_side=True) as wrapped:
                wrapped.settimeout(5)
                _play(wrapped, script, heads)
        except OSError:
            connection.close()


def _play(connection: socket.socket, script: Sequence[bytes], heads: list[str]) -> None:
    for answer in script:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = connection.recv(65536)
            if not piece:
                return
            head += piece
        heads.append(head.decode("latin-1"))
        if answer == RESET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        connection.sendall(answer)


def http(status: int = 200, body: bytes = b"", *lines: str, length: int | None = None) -> bytes:
    """An answer as it travels."""
    head = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body) if length is None else length}", *lines]
    return "\r\n".join([*head, "", ""]).encode("latin-1") + body


@contextmanager
def application(
    app: web.Application, *, tls: ssl.SSLContext | None = None, address: str = "127.0.0.1"
) -> Iterator[str]:
    """Serve an application from a thread; gives its ``host:port``."""
    ready: Future[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def main() -> None:
        stop = asyncio.Event()
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, address, 0, ssl_context=tls).start()
            host = f"[{address}]" if ":" in address else address
            ready.set_result((f"{host}:{runner.addresses[0][1]}", asyncio.get_running_loop(), stop))
            await stop.wait()
        finally:
            await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    host, loop, stop = ready.result(10)
    try:
        yield host
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


@contextmanager
def tls_registry(tls: ssl.SSLContext, name: str = "", middlewares: Sequence[Middleware] = ()) -> Iterator[Running]:
    """The embedded registry over TLS; with ``name``, by that name in place of its address."""
    running = Running()
    app = create_app(running.store, log=running.log, faults=running.faults, middlewares=middlewares)
    with application(app, tls=tls) as host:
        running.host = f"{name}:{host.rpartition(':')[2]}" if name else host
        yield running
