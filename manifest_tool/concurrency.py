"""Several things at once, each brought to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import TypeVar

from manifest_tool.errors import ManifestToolError

T = TypeVar("T")
U = TypeVar("U")


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
