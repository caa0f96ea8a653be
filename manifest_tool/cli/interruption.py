"""Ctrl-C, SIGTERM and the end of its time: what is under way is given up in good order, and soon."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Coroutine
from types import FrameType, TracebackType
from typing import Any, Self, TypeVar

import typer

from manifest_tool.cli import render, streams
from manifest_tool.errors import Unreachable

T = TypeVar("T")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
PATIENCE = 0.9
"""Seconds after which the process ends whatever still runs, such as a thread that resolves a name."""


async def heeding(work: Coroutine[Any, Any, T], patience: float = PATIENCE) -> T:
    """Do the work until a signal cancels it; what a cancelled work says of itself is told."""
    stop = _Stop(asyncio.current_task(), patience)
    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        return await work
    except asyncio.CancelledError as cancelled:
        if not stop.number:
            raise
        stop.tell(str(cancelled))
        raise typer.Exit(stop.code) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Stop:
    """What the signals do; they are heeded even while something holds up the loop."""

    def __init__(self, task: asyncio.Task[Any] | None, patience: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = task
        self._patience = patience
        self._told = False
        self.number = 0
        """Of the signal that came first."""

    @property
    def code(self) -> int:
        """What a shell reports of a process that the signal ended."""
        return 128 + self.number

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        if not self.number:
            self.number = number
            timer = threading.Timer(self._patience, self._end)
            timer.daemon = True
            timer.start()
        if self._task is not None:
            self._loop.call_soon_threadsafe(self._task.cancel)

    def tell(self, done: str = "") -> None:
        """Say so, and what was done."""
        self._told = True
        streams.tell(_with("interrupted", done))

    def _end(self) -> None:
        if not self._told:
            self.tell()
        os._exit(self.code)


class Limit:
    """The time that a run may take. Enter it around all that the work needs to end."""

    def __init__(self, seconds: float, patience: float = PATIENCE) -> None:
        self._seconds = seconds
        self._done = ""
        self._timer = threading.Timer(seconds + patience, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()

    async def keep(self, work: Coroutine[Any, Any, T]) -> T:
        """Do the work until its time is over; raises `Unreachable` with what a cancelled work says of itself."""
        limit = asyncio.timeout(self._seconds)
        try:
            async with limit:
                return await self._noting(work)
        except TimeoutError:
            if not limit.expired():
                raise
            raise self._error() from None
        finally:
            if not limit.expired():
                self._timer.cancel()

    async def _noting(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await work
        except asyncio.CancelledError as cancelled:
            self._done = str(cancelled)
            raise

    def _error(self) -> Unreachable:
        return Unreachable(_with(f"the {self._seconds:g} s that --timeout gives are over", self._done))

    def _end(self) -> None:
        problem = self._error()
        render.error(problem)
        os._exit(problem.exit_code)


def _with(what: str, done: str) -> str:
    return f"{what}; {done}; running it again completes it" if done else what
