"""When a request is tried again, and after how long."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
_MOST_DOUBLINGS = 30
_CLEAR = frozenset({401, 403, 404, 405, 501})
"""Statuses that no code makes temporary."""
_TEMPORARY = frozenset({"TOOMANYREQUESTS", "BLOB_UPLOAD_INVALID", "UNKNOWN", "UNAVAILABLE"})
_FINAL = frozenset({"DENIED", "UNAUTHORIZED", "NAME_INVALID"})


def is_temporary(status: int, codes: Collection[str] = ()) -> bool:
    """Whether the same request may be answered better later; the codes decide where the status does not."""
    if status == 429 or _FINAL.intersection(codes):
        return status == 429
    # An upload that the registry has lost is begun anew.
    if status in STATUSES or "BLOB_UPLOAD_UNKNOWN" in codes:
        return True
    return status >= 400 and status not in _CLEAR and bool(_TEMPORARY.intersection(codes))


@dataclass(frozen=True, slots=True)
class Retry:
    """Exponential back-off with full jitter, bounded in attempts and in each pause."""

    attempts: int = 5
    base: float = 0.5
    """Seconds; the first pause is somewhere between nothing and this."""
    longest: float = 30.0
    longest_asked: float = 60.0
    """Seconds that a ``Retry-After`` may ask for."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    clock: Callable[[], float] = time.monotonic

    def pause(self, attempt: int, headers: Mapping[str, str] | None = None) -> float:
        """Seconds before the next try, ``attempt`` being how many have failed; negative: do not try again."""
        if attempt >= self.attempts:
            return -1.0
        asked = self.asked(headers or {})
        if asked is None:
            return self.random() * min(self.longest, self.base * 2.0 ** min(attempt - 1, _MOST_DOUBLINGS))
        return asked if asked <= self.longest_asked else -1.0

    def asked(self, headers: Mapping[str, str]) -> float | None:
        """What ``Retry-After`` asks for in seconds, given in seconds or as a date (RFC 9110 § 10.2.3)."""
        text = headers.get("Retry-After", "").strip()
        if not text:
            return None
        if text.isascii() and text.isdecimal():
            return float(text)
        try:
            when = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        if when.tzinfo is None:
            when = when.replace(tzinfo=UTC)
        return max(0.0, (when - self.now()).total_seconds())
