"""Clients for a service that goes on and on, one after the other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from manifest_tool.registry.client import Client

_SECONDS = 300.0
_USES = 1_000

Open: TypeAlias = Callable[[], AbstractAsyncContextManager["Client"]]


@dataclass(slots=True)
class _Lease:
    client: Client
    stack: AsyncExitStack
    ends: float
    uses: int = 0
    users: int = 0


class Clients:
    """Lends a client that is replaced now and then: what it has learnt of strangers' registries goes with it."""

    def __init__(
        self,
        open_: Open,
        *,
        seconds: float = _SECONDS,
        uses: int = _USES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open = open_
        self._seconds = seconds
        self._uses = uses
        self._clock = clock
        self._lock = asyncio.Lock()
        self._lease: _Lease | None = None

    @asynccontextmanager
    async def borrowed(self) -> AsyncIterator[Client]:
        """A client that stays open for as long as the context lasts."""
        lease = await self._current()
        try:
            yield lease.client
        finally:
            lease.users -= 1
            if lease is not self._lease and not lease.users:
                await lease.stack.aclose()

    async def close(self) -> None:
        """Close the client that would be lent next."""
        lease, self._lease = self._lease, None
        if lease and not lease.users:
            await lease.stack.aclose()

    async def _current(self) -> _Lease:
        async with self._lock:
            lease = self._lease
            if lease is None or lease.uses >= self._uses or self._clock() >= lease.ends:
                await self.close()
                stack = AsyncExitStack()
                client = await stack.enter_async_context(self._open())
                lease = self._lease = _Lease(client, stack, self._clock() + self._seconds)
            lease.uses += 1
            lease.users += 1
            return lease
