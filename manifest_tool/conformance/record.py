"""Exchanges as text: what was asked and answered, short enough to read, and without secrets."""

from __future__ import annotations

import re
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
_URLS = frozenset({"location", "content-location"})
_HIDDEN = r"(?:authoriz|authentication|cookie|credential|key|passw|secret|session|sig|state|token)"
_NAME = re.compile(_HIDDEN, re.IGNORECASE)
"""Headers of which nothing is shown."""
_ACCOUNT = re.compile(
    r"\b(basic|bearer)\s+(?!auth|(?:realm|service|scope|charset|error)=)(?-i:(?=[a-z]*[^a-z\s]))[\w.~+/-]{6,}=*",
    re.IGNORECASE,
)
"""What an account is told by; ``Bearer realm=…`` asks for one, and a plain word is none."""
_PARAMETER = re.compile(rf"([?&;][\w.-]*{_HIDDEN}[\w.-]*=)[^&\s\"'<>]+", re.IGNORECASE)
_FIELD = re.compile(rf"""(["'][\w.-]*{_HIDDEN}[\w.-]*["']\s*:\s*)("[^"]*|'[^']*)""", re.IGNORECASE)
"""Of JSON."""
_LINK = re.compile(r"<([^<>]*)>")


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
        error=_public(str(error)),
        seconds=seconds,
    )


def words(answer: Answer) -> str:
    """A status with what the registry says about it."""
    detail = _public(answers.exchange(answer).detail)
    return f"{answer.status} ({detail})" if detail else str(answer.status)


def _headers(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, _value(name.lower(), value)) for name, value in headers.items())


def _value(name: str, value: str) -> str:
    if _NAME.search(name):
        return "…"
    if name in _URLS:
        return _url(value)
    if name == "link":
        value = _LINK.sub(lambda found: f"<{_url(found[1])}>", value)
    return _public(value[:_MOST])


def _url(text: str) -> str:
    try:
        return redact.url(URL(text, encoded=True))
    except ValueError:
        return "…"


def _public(text: str) -> str:
    """Text of a registry, which may repeat what it was sent, without what looks like a secret."""
    return _FIELD.sub(r'\1"…', _PARAMETER.sub(r"\1…", _ACCOUNT.sub(r"\1 …", text)))


def _sent(request: Request) -> str:
    if callable(request.body):
        return "(a stream)"
    return _text(request.body or b"")


def _text(body: bytes) -> str:
    text = body[:_MOST].decode(errors="replace")
    if not text.isprintable() and any(not (c.isprintable() or c in "\r\n\t") for c in text):
        return f"({len(body)} bytes)"
    text = _public(text)
    return f"{text}… ({len(body)} bytes)" if len(body) > _MOST else text
