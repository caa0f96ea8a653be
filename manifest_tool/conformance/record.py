"""Exchanges as text: what was asked and answered, short enough to read, and without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from yarl import URL

from manifest_tool.conformance.result import Exchange
from manifest_tool.registry import answers, redact

if TYPE_CHECKING:
    from manifest_tool.errors import RegistryError
    from manifest_tool.registry.answers import Answer
    from manifest_tool.registry.transport import Request

_MOST = 2_000
_SECRET = frozenset({"authorization", "cookie", "set-cookie", "proxy-authorization"})
_URLS = frozenset({"location", "content-location"})


def answered(request: Request, answer: Answer, seconds: float) -> Exchange:
    """A request with its answer."""
    return Exchange(
        request.method,
        redact.url(request.url),
        answer.status,
        _headers(request.headers),
        _sent(request),
        _headers(answer.headers),
        _text(answer.body),
        seconds=seconds,
    )


def unanswered(request: Request, error: RegistryError, seconds: float) -> Exchange:
    """A request to which nothing came that is an answer."""
    status = error.exchange.status if error.exchange else 0
    return Exchange(
        request.method,
        redact.url(request.url),
        status,
        _headers(request.headers),
        _sent(request),
        error=str(error),
        seconds=seconds,
    )


def words(answer: Answer) -> str:
    """A status with what the registry says about it."""
    detail = answers.exchange(answer).detail
    return f"{answer.status} ({detail})" if detail else str(answer.status)


def _headers(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, _value(name.lower(), value)) for name, value in headers.items())


def _value(name: str, value: str) -> str:
    if name in _SECRET:
        return "…"
    if name in _URLS:
        try:
            return redact.url(URL(value, encoded=True))
        except ValueError:
            return "…"
    return value[:_MOST]


def _sent(request: Request) -> str:
    if callable(request.body):
        return "(a stream)"
    return _text(request.body or b"")


def _text(body: bytes) -> str:
    text = body[:_MOST].decode(errors="replace")
    if not text.isprintable() and any(not (c.isprintable() or c in "\r\n\t") for c in text):
        return f"({len(body)} bytes)"
    return f"{text}… ({len(body)} bytes)" if len(body) > _MOST else text
