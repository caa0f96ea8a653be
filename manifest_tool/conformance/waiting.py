"""Looking again for what a registry may show only in a while."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from manifest_tool.events import Waiting

if TYPE_CHECKING:
    from manifest_tool.conformance.site import Site
    from manifest_tool.registry.answers import Answer

T = TypeVar("T")

AT_ONCE = "at once"
_MISSING = 404
_PATIENCE = 10.0
"""Seconds in which what was stored is to be seen; how long it takes is a check of its own."""
_SHORTEST, _LONGEST = 0.1, 2.0
"""Seconds between two looks; each pause is twice the last."""


async def until(
    site: Site, look: Callable[[], Awaitable[T]], good: Callable[[T], bool], seconds: float
) -> tuple[T, float]:
    """Look until what is seen is good, or for so long; what was seen last, and after how many seconds.

    What is good at the first look took none.
    """
    started, pause, found = site.patience.clock(), _SHORTEST, await look()
    if good(found):
        return found, 0.0
    while (waited := site.patience.clock() - started) < seconds:
        await site.patience.sleep(min(pause, seconds - waited))
        pause, found = min(pause * 2, _LONGEST), await look()
        if good(found):
            break
    return found, site.patience.clock() - started


async def found(site: Site, look: Callable[[], Awaitable[Answer]]) -> Answer:
    """The answer to who looks for what was stored; looked for again while it is not there."""
    answer, _ = await until(site, look, lambda answer: answer.status != _MISSING, _PATIENCE)
    return answer


async def pause(site: Site, failed: int, reason: str, headers: Mapping[str, str] | None = None) -> bool:
    """Wait before another try as a push does; false where a push would make none."""
    seconds = site.patience.pause(failed, headers)
    if seconds < 0:
        return False
    site.sender.transport.observe(Waiting(reason, seconds))
    await site.patience.sleep(seconds)
    return True


def told(seconds: float) -> str:
    """How long something took, for people."""
    return f"after {seconds:.1f} s" if seconds else AT_ONCE
