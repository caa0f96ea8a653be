"""A load of HTTP requests on one registry: connections that each ask, wait for the answer, and ask again.

It reads no more of an answer than where it ends, so that it leaves the machine to the registry that is measured.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from benchmarks.http1 import Head

_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent, in parts that are not put together first, and the status that must come back."""

    parts: Sequence[bytes]
    status: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    head: bytes

    def header(self, name: str) -> str:
        """A header of the answer; empty where it is not there."""
        for line in self.head.decode("latin-1").split("\r\n")[1:]:
            found, _, value = line.partition(":")
            if found.lower() == name.lower():
                return value.strip()
        return ""


Step: TypeAlias = Callable[[Answer | None], Request]
"""Makes a request, from the answer before it where that matters."""
Task: TypeAlias = Sequence[Step]
"""Requests that follow each other on one connection."""


def request(
    method: str, target: str, *, status: int, body: Sequence[bytes] = (), accept: str = "", content_type: str = ""
) -> Request:
    """A request to a registry on loopback."""
    fields = [f"{method} {target} HTTP/1.1", "Host: registry"]
    if accept:
        fields.append(f"Accept: {accept}")
    if content_type:
        fields.append(f"Content-Type: {content_type}")
    if body or method in {"POST", "PUT"}:
        fields.append(f"Content-Length: {sum(map(len, body))}")
    return Request(["\r\n".join([*fields, "", ""]).encode(), *body], status)


def always(wanted: Request) -> Step:
    """A step that needs nothing of what came before it."""
    return lambda _: wanted


async def run(host: str, tasks: Sequence[Task], connections: int) -> float:
    """The seconds that all tasks took, each done once by one of so many connections."""
    address, _, port = host.rpartition(":")
    loop = asyncio.get_running_loop()
    lines = [(await loop.create_connection(_Line, address, int(port)))[1] for _ in range(connections)]
    left: Iterator[Task] = iter(tasks)

    async def one_after_the_other(line: _Line) -> None:
        for task in left:
            answer: Answer | None = None
            for step in task:
                answer = await line.ask(step(answer))

    started = time.monotonic()
    try:
        await asyncio.gather(*map(one_after_the_other, lines))
        return time.monotonic() - started
    finally:
        for line in lines:
            line.close()


class _Line(asyncio.Protocol):
    """A connection."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._left = -1
        """Bytes of the answer's body that are still to come; negative while its head is."""
        self._head = b""
        self._transport: asyncio.Transport | None = None
        self._answered: asyncio.Future[Answer] | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    async def ask(self, wanted: Request) -> Answer:
        if self._transport is None:
            raise ConnectionError("not connected")
        self._answered = asyncio.get_running_loop().create_future()
        for part in wanted.parts:
            self._transport.write(part)
            await self._writable.wait()
        answer = await self._answered
        status = int(answer.head[9:12])
        if status != wanted.status:
            first = bytes(wanted.parts[0]).partition(b"\r\n")[0].decode("latin-1")
            raise RuntimeError(f"{first} was answered with {status}, not {wanted.status}")
        return answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("no stream")
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._left < 0:
            self._buffer += data
            size = self._buffer.find(_END)
            if size < 0:
                return
            self._head = bytes(self._buffer[:size])
            body = len(self._buffer) - size - len(_END)
            self._buffer.clear()
            self._left = (Head.parse(self._head.decode("latin-1")).length or 0) - body
        else:
            self._left -= len(data)
        if self._left <= 0 and self._answered is not None and not self._answered.done():
            self._left = -1
            self._answered.set_result(Answer(self._head))

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._writable.set()
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(exc or ConnectionError("the registry closed the connection"))
