"""A TCP proxy that is as slow as a long line, and counts: a process of its own, ``python -m benchmarks.proxy``.

It takes commands as JSON, a line each, on stdin, and answers each with a line on stdout:

- ``{"open": "HOST:PORT"}`` listens for one more origin and gives ``{"port": N}``;
- ``{"begin": SECONDS}`` starts a run at this round-trip time;
- ``{"end": true}`` gives its ``connections``, ``requests``, ``rounds`` and ``asked``.

It ends with stdin. Nothing is held back where one side is slower than the other: messages are small here.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import select
import selectors
import signal
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.counter import Counter
from benchmarks.http1 import Head, Messages
from benchmarks.line import END, Line, Way


class PreciseSelector(selectors.EpollSelector):
    """epoll counts whole milliseconds, and rounds up; select counts less."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As the original does, but on time."""
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        select.select([self.fileno()], [], [], timeout)
        return super().select(0)


class Watch:
    """Reads along on one connection, and tells the counter."""

    def __init__(self, counter: Counter, connection: int) -> None:
        self._counter = counter
        self._connection = connection
        self._methods: deque[str] = deque()
        self._interim = False
        self._requests = Messages(lambda _: True, until_close=False)
        self._answers = Messages(self._has_body, until_close=True)
        counter.opened(connection)

    def established(self) -> None:
        """The handshake is over."""
        self._counter.established(self._connection)

    def sent(self, data: bytes) -> None:
        """The client sends this."""
        for event in self._requests.feed(data):
            if isinstance(event, Head):
                self._methods.append(event.word(0))
                self._counter.sent(self._connection, event.word(0), event.word(1))

    def delivered(self, data: bytes) -> None:
        """The client gets this."""
        for event in self._answers.feed(data):
            if isinstance(event, Head):
                self._interim = event.word(1).startswith("1")
            elif not self._interim:
                self._done()

    def ended(self) -> None:
        """The server has closed the connection, and so ended an answer of untold length."""
        if self._methods:
            self._done()

    def _done(self) -> None:
        if self._methods:
            self._methods.popleft()
        self._counter.answered(self._connection)

    def _has_body(self, head: Head) -> bool:
        status = head.word(1)
        asked = self._methods[0] if self._methods else ""
        return asked != "HEAD" and not status.startswith("1") and status not in {"204", "304"}


@dataclass(slots=True)
class Run:
    """What is counted together, and how far away everything is meanwhile."""

    rtt: float = 0.0
    counter: Counter = field(default_factory=Counter)
    numbers: Iterator[int] = field(default_factory=itertools.count)


class Far(asyncio.Protocol):
    """The end of a connection at the server."""

    def __init__(self, near: Near) -> None:
        self._near = near

    def data_received(self, data: bytes) -> None:
        """Send it on to the client."""
        self._near.send_down(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the name is asyncio's
        """Tell the client, after what is still on its way."""
        self._near.send_down(END)


class Near(asyncio.Protocol):
    """The end of a connection at the client."""

    def __init__(self, run: Run, host: str, port: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._rtt = run.rtt
        self._upstream = (host, port)
        self._watch = Watch(run.counter, next(run.numbers))
        self._up = Line(self._loop, self._deliver_up)
        self._down = Line(self._loop, self._deliver_down)
        self._way = Way(self._loop, run.rtt)
        self._client: asyncio.Transport | None = None
        self._server: asyncio.Transport | None = None
        self._calling: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Call the server."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("not a stream")
        self._client = transport
        self._down.open()
        if self._rtt:
            self._loop.call_at(self._way.connected, self._watch.established)
        else:
            self._watch.established()
        self._calling = self._loop.create_task(self._call())

    async def _call(self) -> None:
        try:
            self._server, _ = await self._loop.create_connection(lambda: Far(self), *self._upstream)
        except OSError:
            self.send_down(END)
        else:
            self._up.open()

    def data_received(self, data: bytes) -> None:
        """Send it on to the server."""
        self._watch.sent(data)
        self._send_up(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the name is asyncio's
        """Tell the server."""
        self._send_up(END)

    def _send_up(self, data: bytes) -> None:
        self._up.put(data, self._way.up())

    def send_down(self, data: bytes) -> None:
        """Send it on to the client."""
        self._down.put(data, self._way.down())

    def _deliver_up(self, data: bytes) -> None:
        if self._server is None or self._server.is_closing():
            return
        if data:
            self._server.write(data)
        else:
            self._server.close()

    def _deliver_down(self, data: bytes) -> None:
        if self._client is None or self._client.is_closing():
            return
        if data:
            self._watch.delivered(data)
            self._client.write(data)
        else:
            self._watch.ended()
            self._client.close()


class Proxy:
    """All origins behind the same line."""

    def __init__(self) -> None:
        self._run = Run()
        self._servers: list[asyncio.Server] = []

    async def answer(self, command: dict[str, Any]) -> dict[str, Any]:
        """Carry out a command."""
        if "open" in command:
            return {"port": await self._open(command["open"])}
        if "begin" in command:
            self._run = Run(command["begin"])
            return {}
        counter = self._run.counter
        return {**asdict(counter.counts()), "asked": [asdict(asked) for asked in counter.asked]}

    async def _open(self, upstream: str) -> int:
        host, _, number = upstream.rpartition(":")
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Near(self._run, host, int(number)), "127.0.0.1", 0, backlog=1024)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port


async def serve() -> None:
    """Carry out commands until there are no more."""
    loop, proxy = asyncio.get_running_loop(), Proxy()
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := await commands.readline():
        sys.stdout.write(json.dumps(await proxy.answer(json.loads(line))) + "\n")
        sys.stdout.flush()


def main() -> None:
    """Run until stdin ends, whatever the terminal says: whoever started this cleans up first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(PreciseSelector())) as runner:
        runner.run(serve())


if __name__ == "__main__":
    main()
