"""How fast registries are asked: not while they ask us to wait, gently from then on, and not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING

from manifest_tool.errors import Unreachable
from manifest_tool.events import Observer, Waiting
from manifest_tool.registry import links, redact

if TYPE_CHECKING:
    from yarl import URL

    from manifest_tool.registry.links import Origin
    from manifest_tool.registry.retry import Retry

_GENTLY = 4
"""Requests at once to an origin that has found us too eager."""
_PROOF = 50
"""Good answers after which one more at once is tried."""


class _Turns(asyncio.Semaphore):
    """How many requests an origin gets at once; more with time."""

    def __init__(self) -> None:
        super().__init__(_GENTLY)
        self._good = 0

    @property
    def has_grown(self) -> bool:
        return self._good >= _PROOF

    def answered(self) -> None:
        """Count a good answer."""
        self._good += 1
        if self._good % _PROOF == 0:
            self.release()


class Pace:
    """One gate for each origin, and one end for all tries."""

    def __init__(self, retry: Retry, seconds: float, observe: Observer) -> None:
        self._retry = retry
        self._seconds = seconds
        self._observe = observe
        self._end = retry.clock() + seconds
        self._closed: dict[Origin, float] = {}
        """Until when nothing is sent to an origin, on the clock."""
        self._told: dict[Origin, float] = {}
        """The last of these times that was told."""
        self._turns: dict[Origin, _Turns] = {}

    def heed(self, url: URL, status: int, headers: Mapping[str, str]) -> None:
        """Take to heart what an answer says of how fast its origin may be asked."""
        origin = links.origin(url)
        if status not in {429, 503}:
            if origin in self._turns:
                self._turns[origin].answered()
            return
        turns = self._turns.get(origin)
        if status == 429 and (turns is None or turns.has_grown):
            self._turns[origin] = _Turns()
        asked = self._retry.asked(headers)
        if asked and asked <= self._retry.longest_asked:
            self._closed[origin] = max(self._closed.get(origin, 0.0), self._retry.clock() + asked)

    def turn(self, url: URL) -> AbstractAsyncContextManager[None]:
        """A request's turn at its origin; nothing that waits for another request may hold one."""
        return self._turns.get(links.origin(url)) or nullcontext()

    async def opened(self, url: URL) -> None:
        """Wait until an origin may be asked again, and say so once, however many wait."""
        origin, reason = links.origin(url), f"{redact.host(url)} asked to be left alone"
        while (until := self._closed.get(origin, 0.0)) > self._retry.clock():
            seconds = until - self._retry.clock()
            self._check(seconds, reason)
            if self._told.get(origin) != until:
                self._told[origin] = until
                self._observe(Waiting(reason, seconds))
            await self._retry.sleep(seconds)
            if self._closed.get(origin) == until:
                del self._closed[origin]

    async def pause(self, failed: int, reason: str, headers: Mapping[str, str] | None = None) -> bool:
        """Wait before the next try, and say so; false where there is to be none, an error where its time is over."""
        seconds = self._retry.pause(failed, headers)
        if seconds < 0:
            return False
        self._check(seconds, reason)
        self._observe(Waiting(reason, seconds))
        await self._retry.sleep(seconds)
        return True

    def _check(self, seconds: float, reason: str) -> None:
        if self._retry.clock() + seconds > self._end:
            when = self._retry.now() + timedelta(seconds=seconds)
            raise Unreachable(
                f"another try in {seconds:.0f} s would be past the {self._seconds:.0f} s that a run may take: {reason}",
                hint=f"run it again after {when:%Y-%m-%d %H:%M:%S} UTC",
            )
