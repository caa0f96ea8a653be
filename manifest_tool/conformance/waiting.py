"""Looking again for what a registry may show only in a while."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from manifest_tool.conformance.site import Site

T = TypeVar("T")

AT_ONCE = "at once"
_SHORTEST, _LONGEST = 0.1, 2.0
"""Seconds between two looks; each pause is twice the last."""


async def until(
    site: Site, look: Callable[[], Awaitable[T]], good: Callable[[T], bool], seconds: float
) -> tuple[T, float]:
    """Look until what is seen is good, or for so long; what was seen last, and after how many seconds.

    What is good at the first look took none.
    """
    retry = site.sender.transport.options.retry
    started, pause, found = retry.clock(), _SHORTEST, await look()
    if good(found):
        return found, 0.0
    while (waited := retry.clock() - started) < seconds:
        await retry.sleep(min(pause, seconds - waited))
        pause, found = min(pause * 2, _LONGEST), await look()
        if good(found):
            break
    return found, retry.clock() - started


def told(seconds: float) -> str:
    """How long something took, for people."""
    return f"after {seconds:.1f} s" if seconds else AT_ONCE
