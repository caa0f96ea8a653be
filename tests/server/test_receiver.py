"""From the body of a request to an upload."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, cast

import pytest

from manifest_tool.server import receiver
from manifest_tool.server.call import CHUNK
from manifest_tool.server.memory import MemoryUpload
from manifest_tool.server.receiver import Receiver
from manifest_tool.server.room import Room

if TYPE_CHECKING:
    from aiohttp import web


class Stuck(MemoryUpload):
    """An upload whose disk takes nothing until it is told to."""

    def __init__(self) -> None:
        super().__init__("0", Room(None))
        self.free = threading.Event()

    def write(self, data: bytes, turn: int | None = None) -> None:
        assert self.free.wait(10)
        super().write(data, turn)


async def test_no_more_is_taken_than_the_disk_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    upload, came, piece = Stuck(), 0, bytes(CHUNK - 1)

    async def pieces(_: object) -> AsyncIterator[bytes]:
        """Each as large as may be, with a moment of nothing behind it."""
        nonlocal came
        for _number in range(20):
            came += len(piece)
            yield piece
            yield b""

    monkeypatch.setattr(receiver, "pieces", pieces)
    taking = asyncio.create_task(Receiver(upload, upload.take_over()).receive(cast("web.Request", None)))
    for _ in range(100):
        await asyncio.sleep(0)
    assert came <= 2 * CHUNK
    upload.free.set()
    assert await taking == b""
    assert upload.size == came == 20 * len(piece)
