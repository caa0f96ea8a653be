"""Writes end, whatever becomes of who asked for them; and nobody is told of what does not matter."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from manifest_tool.conformance.writes import Writes, unattended


async def test_a_write_goes_on_without_who_asked_for_it() -> None:
    writes, done, go = Writes(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await go.wait()
        done.set()

    asking = asyncio.ensure_future(writes.finish(work()))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    go.set()
    await writes.settle(10)
    assert done.is_set()


async def test_a_write_that_takes_too_long_is_given_up() -> None:
    writes, ended = Writes(), asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    asking = asyncio.ensure_future(writes.finish(work()))
    await asyncio.sleep(0)
    await writes.settle(0.01)
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert ended.is_set()


async def test_an_error_is_for_who_asked() -> None:
    async def work() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await Writes().finish(work())


@pytest.mark.parametrize(("error", "told"), [(ConnectionResetError(), 0), (ValueError(), 1)])
async def test_the_end_of_a_connection_is_no_news(error: Exception, told: int) -> None:
    heard: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: heard.append(context))
    with unattended():
        loop.call_exception_handler({"message": "Task exception was never retrieved", "exception": error})
    assert len(heard) == told
    loop.call_exception_handler({"message": "afterwards", "exception": error})
    assert len(heard) == told + 1
