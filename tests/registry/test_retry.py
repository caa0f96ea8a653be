"""When a request is tried again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_tool.registry.retry import Retry

_NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_RETRY = Retry(random=lambda: 1.0, now=lambda: _NOW)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("Fri, 02 Jan 2026 03:04:12 GMT", 7.0),
        ("Fri, 02 Jan 2026 04:04:12 +0100", 7.0),
        ("Fri, 02 Jan 2026 03:04:12 -0000", 7.0),
        ("Friday, 02-Jan-26 03:04:12 GMT", 7.0),
        ("Fri Jan  2 03:04:12 2026", 7.0),
        ("Fri, 02 Jan 2026 03:00:00 GMT", 0.0),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("²", None),
        ("Fri, 99 Jan 2026 03:04:12 GMT", None),
        ("Fri, 02 Jan 99999999999999999999 03:04:12 GMT", None),
        ("Fri, 02 Jan 2026 03:04:12 +99999999999999", None),
    ],
)
def test_what_is_asked_for(text: str, seconds: float | None) -> None:
    assert _RETRY.asked({"Retry-After": text}) == seconds


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ [+-]?\d*", fullmatch=True))
def test_no_text_is_too_odd(text: str) -> None:
    asked = _RETRY.asked({"Retry-After": text})
    assert asked is None or asked >= 0


def test_what_is_asked_for_is_waited_for_up_to_a_limit() -> None:
    assert _RETRY.pause(1, {"Retry-After": "60"}) == 60
    assert _RETRY.pause(1, {"Retry-After": "61"}) < 0
    assert _RETRY.pause(1, {"Retry-After": "9" * 400}) < 0
    assert _RETRY.pause(5, {"Retry-After": "1"}) < 0


def test_nonsense_leaves_the_back_off() -> None:
    assert _RETRY.pause(1, {"Retry-After": "soon"}) == _RETRY.base


def test_pauses_double_up_to_the_longest() -> None:
    retry = Retry(attempts=10**6, random=lambda: 1.0)
    assert [retry.pause(attempt) for attempt in range(1, 9)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert retry.pause(999_999) == 30


@pytest.mark.parametrize("attempts", [0, 1, 2, 5])
def test_attempts_are_counted(attempts: int) -> None:
    retry = Retry(attempts=attempts)
    assert [retry.pause(failed) >= 0 for failed in range(1, 7)] == [failed < attempts for failed in range(1, 7)]


@given(st.integers(1, 100), st.floats(0, 1))
def test_jitter_stays_within_bounds(attempt: int, drawn: float) -> None:
    retry = Retry(attempts=101, random=lambda: drawn)
    assert 0 <= retry.pause(attempt) <= min(retry.longest, retry.base * 2.0 ** (attempt - 1))
