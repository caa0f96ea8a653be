"""A log of the requests that a registry answered, for tests to look into."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware

WRITES = frozenset({"PUT", "POST", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class Request:
    """A request that was answered."""

    method: str
    path: str
    """As it came, without the query."""
    query: str = ""
    """As it came, without the question mark."""
    status: int = 200
    """0 where a fault cut the connection before any answer."""
    started: float = 0.0
    """When its head had come, by the monotonic clock."""
    ended: float = 0.0
    """When its answer was ready to be sent."""
    headers: Mapping[str, str] = field(default_factory=dict, hash=False, repr=False)
    body_bytes: int = 0

    def __str__(self) -> str:
        query = f"?{self.query}" if self.query else ""
        return f"{self.method} {self.path}{query} {self.status}"


def rounds(requests: Iterable[Request]) -> int:
    """How many round trips stood one after the other: the most requests of which no two overlapped in time."""
    count, latest = 0, -math.inf
    for request in sorted(requests, key=lambda request: request.ended):
        if request.started > latest:
            count, latest = count + 1, request.ended
    return count


class RequestLog:
    """The requests so far, in the order in which they came; safe to read while the registry serves."""

    def __init__(self, requests: Iterable[Request] = ()) -> None:
        self._lock = threading.Lock()
        self._requests = list(requests)

    def append(self, request: Request) -> None:
        with self._lock:
            self._requests.append(request)

    def clear(self) -> None:
        with self._lock:
            self._requests.clear()

    def __iter__(self) -> Iterator[Request]:
        with self._lock:
            return iter(sorted(self._requests, key=lambda request: request.started))

    def __len__(self) -> int:
        return len(self._requests)

    def __getitem__(self, position: int) -> Request:
        return list(self)[position]

    def __str__(self) -> str:
        return "\n".join(map(str, self))

    def where(self, wanted: Callable[[Request], bool]) -> list[Request]:
        """The requests that ``wanted`` holds for."""
        return [request for request in self if wanted(request)]

    def by_method(self, *methods: str) -> list[Request]:
        """The requests by these methods."""
        return self.where(lambda request: request.method in methods)

    def reads(self) -> list[Request]:
        """The requests that change nothing."""
        return self.where(lambda request: request.method not in WRITES)

    def writes(self) -> list[Request]:
        """The requests that change something."""
        return self.by_method(*WRITES)

    def rounds(self) -> int:
        """How many round trips stood one after the other."""
        return rounds(self)


def recorder(log: RequestLog) -> Middleware:
    """The middleware that fills a log.

    An entry is made before its answer is sent, so whoever has the answer finds the request in the log.
    """

    @web.middleware
    async def record(request: web.Request, handler: Handler) -> web.StreamResponse:
        started, status = time.monotonic(), 500
        try:
            response = await handler(request)
            status = response.status
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            log.append(_request(request, status, started))
        return response

    return record


def _request(request: web.Request, status: int, started: float) -> Request:
    return Request(
        method=request.method,
        path=request.rel_url.raw_path,
        query=request.rel_url.raw_query_string,
        status=status,
        started=started,
        ended=time.monotonic(),
        headers=request.headers,
        body_bytes=request.content.total_bytes,
    )
