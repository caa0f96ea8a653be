"""Clients that take nothing of an answer; what comes of it is among the hostile ones."""

from __future__ import annotations

import asyncio
from unittest.mock import Mock

import pytest

from manifest_tool.server import taking
from manifest_tool.server.taking import Taker, taken


class Connection(asyncio.WriteTransport):
    """It can be cut."""

    def __init__(self) -> None:
        super().__init__()
        self.cut = asyncio.Event()

    def abort(self) -> None:
        self.cut.set()


@pytest.mark.parametrize("told", [[0, 0], [5, 6, 9, 9], [-5, -4, -4]])
async def test_it_is_cut_when_no_more_was_taken(monkeypatch: pytest.MonkeyPatch, told: list[int]) -> None:
    left, connection = list(told), Connection()
    monkeypatch.setattr(taking, "taken", lambda _: left.pop(0))
    Taker(connection, 0.001)
    await asyncio.wait_for(connection.cut.wait(), 10)
    assert left == []


async def test_what_was_sent_in_time_is_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "taken", lambda _: 0)
    connection = Connection()
    Taker(connection, 0.0).end()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not connection.cut.is_set()


async def test_what_the_other_side_takes_is_counted() -> None:
    server = await asyncio.start_server(lambda _, writer: given.set_result(writer), "127.0.0.1", 0)
    given: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    sender = await given
    size = 32 * 1024 * 1024
    sender.write(bytes(size))
    before, read = taken(sender.transport), 0
    while read < size:
        read += len(await reader.read(1024 * 1024))
    assert taken(sender.transport) > before
    for one in (sender, writer):
        one.close()
        await one.wait_closed()
    server.close()


def test_elsewhere_what_waits_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "_INFO", None)
    assert taken(Mock(get_write_buffer_size=lambda: 5)) < taken(Mock(get_write_buffer_size=lambda: 4))
