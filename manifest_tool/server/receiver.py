"""From the body of a request to an upload: a part is written, and digested, while the next one comes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from manifest_tool.server.call import CHUNK
from manifest_tool.server.receiving import Stalled, pieces

if TYPE_CHECKING:
    from manifest_tool.server.store import Upload


class Receiver:
    """Writes for one request; what came of a body that breaks off is kept."""

    def __init__(self, upload: Upload, turn: int) -> None:
        self._upload = upload
        self._turn = turn
        self._waiting: list[bytes] = []
        self._size = 0
        self._writing: asyncio.Task[None] | None = None

    async def receive(self, request: web.Request) -> bytes:
        """Take a body, and return the last part of it, which is still to be written."""
        try:
            async for piece in pieces(request):
                self._waiting.append(piece)
                self._size += len(piece)
                if self._size >= CHUNK or not piece:
                    await self._written()
                    self._write()
        except (Stalled, ConnectionError, web.RequestPayloadError):
            await self.flush()
            raise
        await self._written()
        last, self._waiting, self._size = b"".join(self._waiting), [], 0
        return last

    async def flush(self) -> None:
        """Write all that has come."""
        self._write()
        await self._written()

    def _write(self) -> None:
        if self._size:
            data, self._waiting, self._size = b"".join(self._waiting), [], 0
            self._writing = asyncio.create_task(self._after(self._writing, data))

    async def _after(self, before: asyncio.Task[None] | None, data: bytes) -> None:
        if before is not None:
            await before
        await asyncio.to_thread(self._upload.write, data, self._turn)

    async def _written(self) -> None:
        if self._writing is not None:
            await self._writing


class Receivers:
    """Those at work, so that another request for the same upload finds all that has come."""

    def __init__(self) -> None:
        self._by_upload: dict[str, Receiver] = {}

    @contextmanager
    def receiver(self, upload: Upload, turn: int) -> Iterator[Receiver]:
        """One more; it takes the place of the one before, which may write no more."""
        receiver = self._by_upload[upload.id] = Receiver(upload, turn)
        try:
            yield receiver
        finally:
            if self._by_upload.get(upload.id) is receiver:
                del self._by_upload[upload.id]

    async def settle(self, upload: str) -> None:
        """Let be written what has come for an upload; what goes wrong is told to whoever sent it."""
        receiver = self._by_upload.get(upload)
        if receiver is not None:
            await asyncio.gather(receiver.flush(), return_exceptions=True)


RECEIVERS = web.AppKey("receivers", Receivers)
