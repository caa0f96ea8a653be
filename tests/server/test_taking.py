"""Clients that take nothing of an answer; what comes of it is among the hostile ones."""

from __future__ import annotations

import asyncio
import socket

import pytest

from manifest_tool.server.taking import Taker


class Buffer(asyncio.WriteTransport):
    """A connection of which so much is left each time that it is looked at."""

    def __init__(self, raw: socket.socket, *left: int) -> None:
        super().__init__({"socket": raw})
        self.left = list(left)
        self.aborted = asyncio.Event()

    def get_write_buffer_size(self) -> int:
        return self.left.pop(0)

    def abort(self) -> None:
        self.aborted.set()


@pytest.mark.parametrize("left", [(5, 5), (5, 4, 3, 3), (5, 4, 6), (0, 0)])
async def test_it_is_cut_when_no_more_was_taken(left: tuple[int, ...]) -> None:
    with socket.socket() as raw:
        buffer = Buffer(raw, *left)
        Taker(buffer, 0.001)
        await asyncio.wait_for(buffer.aborted.wait(), 10)
        assert buffer.left == []


async def test_what_was_sent_in_time_is_not_looked_at_again() -> None:
    with socket.socket() as raw:
        buffer = Buffer(raw, 5)
        Taker(buffer, 0.0).end()
        for _ in range(5):
            await asyncio.sleep(0)
        assert not buffer.aborted.is_set()


async def test_what_the_system_has_counts_too() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        ours.send(bytes(1_000))
        buffer = Buffer(ours, 0, 0, 0)
        Taker(buffer, 0.001)
        theirs.recv(1_000)
        await asyncio.wait_for(buffer.aborted.wait(), 10)
        assert buffer.left == [], "it was cut though something was taken"
