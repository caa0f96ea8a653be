"""Where the messages of an HTTP/1.1 connection begin and end; nothing else is looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

_LONGEST_HEAD = 64 * 1024


@dataclass(frozen=True, slots=True)
class Head:
    """A start line, and what follows it."""

    start: str
    length: int | None = None
    """Bytes of the body, where that is told."""
    chunked: bool = False

    def word(self, position: int) -> str:
        """A word of the start line: 0 and 1 are method and target, or 1 is the status."""
        words = self.start.split(" ")
        return words[position] if position < len(words) else ""

    @classmethod
    def parse(cls, text: str) -> Head:
        start, *lines = text.split("\r\n")
        fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = fields.get("content-length", "")
        chunked = "chunked" in fields.get("transfer-encoding", "").lower()
        return cls(start, int(length) if length.isdigit() else None, chunked)


class End(Enum):
    """The last byte of a message."""

    MESSAGE = auto()


Event: TypeAlias = Head | End


class _Part(Enum):
    HEAD = auto()
    BODY = auto()
    CHUNK_SIZE = auto()
    CHUNK = auto()
    TRAILER = auto()
    UNREADABLE = auto()
    """A body until the connection ends, or no HTTP at all, such as TLS."""


class Messages:
    """Reads one direction of a connection, piece by piece."""

    def __init__(self, has_body: Callable[[Head], bool], *, until_close: bool) -> None:
        self._has_body = has_body
        self._until_close = until_close
        """Whether a body of untold length goes on until the connection ends, as in answers."""
        self._part = _Part.HEAD
        self._buffer = bytearray()
        self._left = 0

    def feed(self, data: bytes) -> Iterator[Event]:
        """What begins and what ends in this piece."""
        self._buffer += data
        while self._buffer and self._part is not _Part.UNREADABLE:
            before = self._part, len(self._buffer)
            yield from self._step()
            if before == (self._part, len(self._buffer)):
                return
        if self._part is _Part.UNREADABLE:
            self._buffer.clear()

    def _step(self) -> Iterator[Event]:
        if self._part in {_Part.BODY, _Part.CHUNK}:
            taken = min(self._left, len(self._buffer))
            del self._buffer[:taken]
            self._left -= taken
            if self._left:
                return
            if self._part is _Part.BODY:
                yield self._ended()
            else:
                self._part = _Part.CHUNK_SIZE
        elif self._part is _Part.HEAD:
            yield from self._head()
        else:
            yield from self._line_of_chunks()

    def _head(self) -> Iterator[Event]:
        size = self._buffer.find(b"\r\n\r\n", 0, _LONGEST_HEAD)
        if self._buffer[0] < ord("A") or (size < 0 and len(self._buffer) >= _LONGEST_HEAD):
            self._part = _Part.UNREADABLE
        if self._part is _Part.UNREADABLE or size < 0:
            return
        head = Head.parse(self._buffer[:size].decode("latin-1"))
        del self._buffer[: size + 4]
        yield head
        if not self._has_body(head) or head.length == 0:
            yield self._ended()
        elif head.chunked:
            self._part = _Part.CHUNK_SIZE
        elif head.length is not None:
            self._part, self._left = _Part.BODY, head.length
        elif self._until_close:
            self._part = _Part.UNREADABLE
        else:
            yield self._ended()

    def _line_of_chunks(self) -> Iterator[Event]:
        line, found, _ = self._buffer.partition(b"\r\n")
        if not found:
            return
        del self._buffer[: len(line) + 2]
        if self._part is _Part.TRAILER:
            if not line:
                yield self._ended()
            return
        try:
            size = int(line.partition(b";")[0], 16)
        except ValueError:
            self._part = _Part.UNREADABLE
            return
        self._part, self._left = (_Part.CHUNK, size + 2) if size else (_Part.TRAILER, 0)

    def _ended(self) -> End:
        self._part = _Part.HEAD
        return End.MESSAGE
