"""An exchange as it went over the wire, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING

from manifest_tool.conformance.clean import clean, clean_line

if TYPE_CHECKING:
    from manifest_tool.conformance.result import Exchange

_MOST = 20
"""Exchanges of one check that are shown; an index of many images takes hundreds."""
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


def text(exchange: Exchange) -> str:
    """All of it."""
    return "\n".join(lines(exchange))


def texts(exchanges: Sequence[Exchange]) -> Iterator[str]:
    """Each of the last ones, and before them how many there were; the last one decided."""
    if len(exchanges) > _MOST:
        yield f"… ({len(exchanges) - _MOST} requests before)"
    yield from map(text, exchanges[-_MOST:])


def lines(exchange: Exchange, most: int = 1000, longest: int = 10_000) -> Iterator[str]:
    """With ``>`` before what was sent, ``<`` before what came, and ``!`` before why nothing came.

    ``most`` is how many lines of a body are shown, ``longest`` how much of each line.
    """
    for line in _lines(exchange, most):
        yield line if len(line) <= longest else f"{line[:longest]}…"


def _lines(exchange: Exchange, most: int) -> Iterator[str]:
    yield clean_line(f"> {exchange.method} {exchange.url}")
    yield from (clean_line(f"> {name}: {value}") for name, value in exchange.request_headers)
    yield from _body(">", exchange.request_body, most)
    if exchange.status:
        yield f"< {status(exchange)}"
    yield from (clean_line(f"< {name}: {value}") for name, value in exchange.headers)
    yield from _body("<", exchange.body, most)
    if exchange.error:
        yield clean_line(f"! {exchange.error}")


def brief(exchange: Exchange) -> str:
    """On one line."""
    return clean_line(f"{exchange.method} {exchange.url}: {status(exchange) or 'no answer'}")


def status(exchange: Exchange) -> str:
    """The status in a number and in words, if there is one."""
    return f"{exchange.status} {_PHRASES.get(exchange.status, '')}".rstrip() if exchange.status else ""


def _body(mark: str, body: str, most: int) -> Iterator[str]:
    if not body:
        return
    found = clean(body).rstrip("\n").split("\n")
    yield mark
    yield from (f"{mark} {line}".rstrip() for line in found[:most])
    if len(found) > most:
        yield f"{mark} … ({len(found) - most} more lines)"
