"""A conformance run as text: a table, what went over the wire where it fails, what that means for a push; pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from manifest_tool.cli.colours import Paint
from manifest_tool.conformance import transcript
from manifest_tool.conformance.clean import clean_line
from manifest_tool.conformance.features import summary
from manifest_tool.conformance.result import Outcome, State

if TYPE_CHECKING:
    from manifest_tool.conformance.result import Feature, Report, Result

PLAIN = Paint()
_GREEN, _RED, _YELLOW, _BLUE = 32, 31, 33, 34
_COLOURS = {Outcome.PASS: _GREEN, Outcome.FAIL: _RED, Outcome.UNSUPPORTED: _YELLOW, Outcome.UNTRIED: _BLUE}
_AT_FAULT = frozenset({Outcome.FAIL, Outcome.UNSUPPORTED})
_LABEL = max(map(len, Outcome))
_INDENT = 2 + _LABEL + 2
_LEAST, _MOST = 60, 120
_LINES, _LONGEST = 12, 240
"""Lines of a body that are shown, and how much of each."""
_BEFORE = 4
"""Requests before the one that decided."""
_NAMED = 10
"""References that are left and shown."""
_SHADES = {State.WORKS: _GREEN, State.FALLS_BACK: _YELLOW, State.MISSING: _RED, State.UNTRIED: _BLUE}


def text(report: Report, paint: Paint = PLAIN, width: int = 80) -> str:
    """The human form, for a terminal of so many columns."""
    width = min(max(width, _LEAST), _MOST)
    lines = [clean_line(report.subject), ""]
    for title, results in report.groups:
        lines += [paint.name(clean_line(title)), *(line for result in results for line in _row(result, paint, width))]
    for result in report.results:
        if result.outcome is Outcome.FAIL:
            lines += ["", *_failure(result, paint, width)]
    lines += ["", *_features(report.features, paint, width), *_left(report), *_notices(report, width)]
    lines += [f"{_counts(report)} in {report.seconds:.1f} s", *_verdict(report, paint, width)]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _row(result: Result, paint: Paint, width: int) -> Iterator[str]:
    words, detail = result.title, result.detail
    if result.outcome in _AT_FAULT:
        words += f" [{result.id}{', needed' if result.needed else ''}]"
    elif detail and len(f"{words} ({detail})") <= width - _INDENT:
        words, detail = f"{words} ({detail})", ""
    yield from _labelled(result.outcome, _COLOURS[result.outcome], words, paint, width)
    yield from _wrapped(detail, width, " " * _INDENT)


def _labelled(label: str, colour: int, words: str, paint: Paint, width: int) -> Iterator[str]:
    first, *rest = _wrapped(words, width, " " * _INDENT) or [""]
    yield f"  {paint.bold(colour, label)}{' ' * (_LABEL - len(label))}  {first.lstrip()}"
    yield from rest


def _wrapped(words: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        clean_line(words),
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _failure(result: Result, paint: Paint, width: int) -> Iterator[str]:
    first, *rest = _wrapped(f"{result.id}: {result.title}", width, "")
    yield paint.bold(_RED, result.id) + first.removeprefix(result.id)
    yield from rest
    yield from _wrapped(result.detail, width, "  ")
    before, last = result.exchanges[:-1], result.exchanges[-1:]
    if len(before) > _BEFORE:
        yield f"  … ({len(before) - _BEFORE} requests before)"
    yield from (f"  {transcript.brief(exchange)}" for exchange in before[-_BEFORE:])
    for exchange in last:
        yield from (f"  {line}" for line in transcript.lines(exchange, _LINES, _LONGEST))


def _features(features: Sequence[Feature], paint: Paint, width: int) -> Iterator[str]:
    if features:
        yield paint.name("what a push uses")
    for feature in features:
        words = f"{feature.name}: {feature.otherwise}" if feature.state is State.FALLS_BACK else feature.name
        yield from _labelled(feature.state, _SHADES[feature.state], words, paint, width)
    if features:
        yield ""


def _left(report: Report) -> Iterator[str]:
    if report.left:
        yield "kept in the registry:" if report.kept else "not removed from the registry:"
        yield from (f"  {clean_line(name)}" for name in report.left[:_NAMED])
        if len(report.left) > _NAMED:
            yield f"  … ({len(report.left) - _NAMED} more; --format json and --html list all)"
        yield ""


def _notices(report: Report, width: int) -> Iterator[str]:
    for notice in report.notices:
        yield from _wrapped(f"note: {notice}", width, "")


def _counts(report: Report) -> str:
    return ", ".join(f"{report.count(outcome)} {outcome.counted}" for outcome in Outcome)


def _verdict(report: Report, paint: Paint, width: int) -> Iterator[str]:
    if report.interrupted:
        yield "interrupted: this is what was found until then"
        return
    for line in _wrapped(summary(report), width, ""):
        yield paint.bold(_GREEN, line) if report.sufficient else line
