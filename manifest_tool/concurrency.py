"""Several things at once, each brought to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable
from typing import Any, Generic, TypeVar

from manifest_tool.errors import ManifestToolError

T = TypeVar("T")
U = TypeVar("U")
K = TypeVar("K", bound=Hashable)


async def outcomes(awaitables: Iterable[Awaitable[T]]) -> list[T | ManifestToolError]:
    """Every result or error of ours, in order; any other exception is raised once all have ended."""
    found = await asyncio.gather(*awaitables, return_exceptions=True)
    results: list[T | ManifestToolError] = []
    for item in found:
        if isinstance(item, BaseException) and not isinstance(item, ManifestToolError):
            raise item
        results.append(item)
    return results


async def together(awaitables: Iterable[Awaitable[T]]) -> list[T]:
    """Every result in order; the first error is raised, once all have ended."""
    results: list[T] = []
    for item in await outcomes(awaitables):
        if isinstance(item, ManifestToolError):
            raise item
        results.append(item)
    return results


async def both(first: Awaitable[T], second: Awaitable[U]) -> tuple[T, U]:
    """Two results of different kinds; an error is raised, the first one's rather, once both have ended."""
    tasks = asyncio.ensure_future(first), asyncio.ensure_future(second)
    await outcomes(tasks)
    return tasks[0].result(), tasks[1].result()


def begun(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Work that several wait for, and perhaps nobody to its end."""
    task = asyncio.ensure_future(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task


class Flights(Generic[K, T]):
    """Work that is done once for all who ask for it while it is under way."""

    def __init__(self) -> None:
        self._flights: dict[K, asyncio.Task[T]] = {}

    async def join(self, key: K, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of the work with this key; it goes on where somebody who waits for it is cancelled."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = begun(work())
            flight.add_done_callback(lambda _: self._flights.pop(key))
        return await asyncio.shield(flight)
