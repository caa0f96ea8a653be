"""Connections opened ahead, counted where they arrive."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from yarl import URL

from manifest_tool.errors import RegistryError, Unreachable
from manifest_tool.registry import connections
from manifest_tool.registry.connections import LIMIT
from manifest_tool.registry.transport import Request, Transport
from tests.harness import free_port
from tests.registry.parts import client, raw, repository, transport


@dataclass
class Counting:
    """A server that answers everything, and keeps its connections."""

    host: str = ""
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    answered: int = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.answered += 1
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    @property
    def open(self) -> int:
        return sum(not writer.is_closing() for writer in self.writers)

    async def until(self, count: int) -> None:
        while len(self.writers) < count:  # noqa: ASYNC110  # nothing tells when one has come
            await asyncio.sleep(0.001)


@asynccontextmanager
async def counting() -> AsyncIterator[Counting]:
    server = Counting()
    async with await asyncio.start_server(server, "127.0.0.1", 0) as listening:
        server.host = "{}:{}".format(*listening.sockets[0].getsockname())
        yield server
        for writer in server.writers:
            writer.close()


async def _ask(opened: Transport, server: Counting, times: int = 1) -> None:
    url = URL(f"http://{server.host}/v2/")
    await asyncio.gather(*(opened.send(Request("GET", url)) for _ in range(times)))


async def test_what_is_expected_is_connected_beside_the_first_request() -> None:
    async with counting() as server, transport() as opened:
        opened.expect(repository(server.host).registry, 5)
        await _ask(opened, server)
        await server.until(5)
        assert server.answered == 1
        await _ask(opened, server, 5)
        assert len(server.writers) == 5
        await _ask(opened, server, 7)
        assert len(server.writers) == 7


async def test_nothing_is_connected_for_nothing() -> None:
    async with counting() as server:
        async with transport() as opened:
            opened.expect(repository(server.host).registry, 5)
            assert not server.writers
            await _ask(opened, server)
            await server.until(5)
            assert server.open == 5
        for _ in range(200):
            if not server.open:
                break
            await asyncio.sleep(0.01)
        assert not server.open


async def test_nothing_is_connected_ahead_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with counting() as server, transport(plain_http=True) as opened:
        monkeypatch.setenv("http_proxy", f"http://{server.host}")
        opened.expect(repository("registry.test").registry, 5)
        for _ in range(2):
            await opened.send(Request("GET", URL("http://registry.test/v2/")))
        assert (server.answered, len(server.writers)) == (2, 1)


async def test_there_is_a_most() -> None:
    async with counting() as server, transport() as opened:
        opened.expect(repository(server.host).registry, 10 * LIMIT)
        await _ask(opened, server, 2 * LIMIT)
        assert len(server.writers) == LIMIT


async def test_one_that_was_closed_meanwhile_is_not_used() -> None:
    async with counting() as server, transport() as opened:
        opened.expect(repository(server.host).registry, 3)
        await _ask(opened, server)
        await server.until(3)
        for writer in server.writers[1:]:
            writer.close()
            await writer.wait_closed()
        await asyncio.sleep(0.05)
        await _ask(opened, server, 3)
        assert server.answered == 4
        assert len(server.writers) == 5


async def test_who_waits_for_one_may_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, gate = asyncio.Event(), asyncio.Event()
    connect = aiohttp.TCPConnector._create_connection

    async def slowly(connector: aiohttp.TCPConnector, *arguments: Any) -> Any:
        begun.set()
        await gate.wait()
        return await connect(connector, *arguments)

    monkeypatch.setattr(aiohttp.TCPConnector, "_create_connection", slowly)
    async with counting() as server, transport() as opened:
        opened.expect(repository(server.host).registry, 2)
        first = asyncio.ensure_future(_ask(opened, server))
        await begun.wait()
        first.cancel()
        with suppress(asyncio.CancelledError):
            await first
        gate.set()
        await _ask(opened, server, 2)
        assert (server.answered, len(server.writers)) == (2, 2)


async def test_where_nobody_listens_the_error_is_the_usual_one() -> None:
    host = f"127.0.0.1:{free_port()}"
    async with transport(attempts=1) as opened:
        opened.expect(repository(host).registry, 3)
        with pytest.raises(Unreachable, match=f"cannot connect to {host}, connection refused"):
            await opened.send(Request("GET", URL(f"http://{host}/v2/")))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "inside.test"])
async def test_at_the_word_of_strangers_nobody_near_is_connected_to(names: None, host: str) -> None:
    async with counting() as server, transport(public_only=True) as opened:
        port = server.host.rpartition(":")[2]
        with pytest.raises(RegistryError, match=f"^{host} is not in the public internet, and is not asked$"):
            await opened.send(Request("GET", URL(f"http://{host}:{port}/")))
        assert server.writers == []


@pytest.mark.parametrize(
    "head",
    [
        "307 Elsewhere\r\nLocation: http://inside.test:PORT/",
        '401 Unauthorized\r\nWWW-Authenticate: Bearer realm="http://inside.test:PORT/",service="r"',
    ],
    ids=["redirect", "realm"],
)
async def test_no_answer_leads_there_either(monkeypatch: pytest.MonkeyPatch, head: str) -> None:
    resolve = socket.getaddrinfo
    near = {"registry.test": "127.0.0.1", "inside.test": "127.0.0.2"}
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: resolve(near.get(host, host), *rest, **more))
    monkeypatch.setattr(connections, "is_public", lambda address: address == "127.0.0.1")
    with socket.create_server(("127.0.0.2", 0)) as inside:
        inside.setblocking(False)
        answer = f"HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n".replace("PORT", str(inside.getsockname()[1]))
        with raw([answer.encode()]) as server:
            host = server.host.replace("127.0.0.1", "registry.test")
            async with client(public_only=True, plain_http=True) as opened:
                with pytest.raises(RegistryError, match=r"inside\.test is not in the public internet"):
                    await opened.get_manifest(repository(host), "1")
        assert len(server.heads) == 1
        with pytest.raises(BlockingIOError):
            inside.accept()
