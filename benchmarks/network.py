"""The proxy process, as the rest of the program handles it."""

from __future__ import annotations

import http.client
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.counter import Asked, Counts

_PINGS = 10


@dataclass(frozen=True, slots=True)
class Seen:
    """What the proxy saw of a run."""

    counts: Counts
    asked: tuple[Asked, ...]


class Network:
    """Slow lines to any number of origins, and one count of what goes over them."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def open(self, upstream: str) -> str:
        """Put a line before an origin; gives the ``host:port`` of its near end."""
        return f"127.0.0.1:{self._ask({'open': upstream})['port']}"

    def begin(self, seconds: float) -> None:
        """Start a run at this round-trip time."""
        self._ask({"begin": seconds})

    def end(self) -> Seen:
        """What was seen since."""
        answer = self._ask({"end": True})
        asked = tuple(Asked(**one) for one in answer.pop("asked"))
        return Seen(Counts(**answer), asked)

    def _ask(self, command: dict[str, Any]) -> dict[str, Any]:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the proxy has no pipes")
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the proxy has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def network() -> Iterator[Network]:
    """Start the proxy, for as long as the context lasts."""
    command = [sys.executable, "-m", "benchmarks.proxy"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Network(process)
    finally:
        process.communicate()


def measured(lines: Network, host: str, seconds: float) -> float:
    """The round-trip time that a request really takes: one over an open connection, the median of several."""
    lines.begin(seconds)
    connection = http.client.HTTPConnection(host, timeout=30)
    try:
        return statistics.median([_ping(connection) for _ in range(_PINGS)][1:])
    finally:
        connection.close()


def _ping(connection: http.client.HTTPConnection) -> float:
    started = time.monotonic()
    connection.request("GET", "/v2/")
    connection.getresponse().read()
    return time.monotonic() - started
