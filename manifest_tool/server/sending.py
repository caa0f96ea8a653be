"""The bodies of answers, read from where they are kept as they are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp.payload import Payload

from manifest_tool.server.call import CHUNK

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter

    from manifest_tool.server.store import Blob


class Part(Payload):
    """Some bytes of a blob."""

    def __init__(self, blob: Blob, part: range) -> None:
        super().__init__(blob)
        self._blob = blob
        self._part = part

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Send them; the connection ends where they cannot be read, as their number was told already."""
        try:
            file = self._blob.open()
        except OSError as error:
            raise ConnectionResetError("deleted just now") from error
        with file:
            file.seek(self._part.start)
            left = len(self._part)
            while left:
                try:
                    piece = file.read(min(CHUNK, left))
                except OSError as error:
                    raise ConnectionResetError("the disk failed") from error
                if not piece:
                    raise ConnectionResetError("there is less than there was")
                await writer.write(piece)
                left -= len(piece)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Not for sending; aiohttp asks for it."""
        raise TypeError(f"{self._blob} is no text in {encoding}, {errors}")
