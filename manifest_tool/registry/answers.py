"""Answers of a registry, and the errors that they stand for."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from multidict import CIMultiDict, CIMultiDictProxy

from manifest_tool.errors import Exchange, InvalidContent, NotFound, RegistryError, Unauthorized
from manifest_tool.oci.digest import Digest
from manifest_tool.registry import redact, tls

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

_UNKNOWN = frozenset({"MANIFEST_UNKNOWN", "NAME_UNKNOWN", "BLOB_UNKNOWN"})
_WANTS_TLS = re.compile(r"http request (?:was sent )?to (?:an )?https (?:server|port)", re.IGNORECASE)
_MAX_DETAIL = 300
_MAX_PAGE = 4_000
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')
"""A warning that is meant for people (distribution-spec § Warnings)."""
_MARKUP = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, its headers and a body."""

    method: str
    url: URL
    status: int
    headers: CIMultiDictProxy[str] = field(
        default_factory=lambda: CIMultiDictProxy(CIMultiDict()), hash=False, repr=False
    )
    body: bytes = field(default=b"", repr=False)


def of(method: str, response: aiohttp.ClientResponse, body: bytes) -> Answer:
    """The answer that a response carries."""
    return Answer(method, response.url, response.status, response.headers, body)


def warnings(headers: CIMultiDictProxy[str]) -> list[str]:
    """What a registry wants its users to know."""
    found = (text for line in headers.getall("Warning", []) for text in _WARNING.findall(line))
    return [plain(re.sub(r"\\(.)", r"\1", text))[:_MAX_DETAIL] for text in found]


def exchange(answer: Answer) -> Exchange:
    """The request and the answer, for an error."""
    codes, detail = _errors(answer.body)
    return Exchange(
        answer.method,
        redact.url(answer.url),
        answer.status,
        plain(detail)[:_MAX_DETAIL],
        codes,
        plain(answer.headers.get("Retry-After", ""))[:100],
    )


def error(what: str, answer: Answer, *, hint: str = "") -> RegistryError:
    """The error that an answer stands for; ``what`` says what was asked."""
    about = exchange(answer)
    if answer.status in {401, 403}:
        return Unauthorized(f"not allowed to {what}", about, hint=hint)
    if _is_missing(answer, about):
        return NotFound(f"cannot {what}, it is not there", about, hint=hint)
    return RegistryError(f"cannot {what}", about, hint=hint or _hint(about))


def _is_missing(answer: Answer, about: Exchange) -> bool:
    """Whether a registry says that it does not have what was to be read.

    A page is what a proxy or a balancer says where it finds no registry.
    """
    if answer.method not in {"GET", "HEAD"} or answer.body.lstrip().startswith(b"<"):
        return False
    return answer.status == 404 or (answer.status == 400 and bool(_UNKNOWN & set(about.codes)))


def changed(name: str, answer: Answer, expected: Digest, got: Digest | None = None) -> InvalidContent:
    """The error of bytes that do not have the digest that was expected."""
    got = got or Digest.of(answer.body, expected.algorithm)
    return InvalidContent(
        f"{name} has the digest {got} where {expected} was expected",
        exchange(replace(answer, body=b"")),
        hint="the registry, or something on the way to it, changed the content",
    )


def plain(text: str) -> str:
    """Foreign text on one line, without the characters that act on a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _hint(about: Exchange) -> str:
    if about.status == 400 and _WANTS_TLS.search(about.detail):
        return tls.WANTED
    if about.status == 429 and about.retry_after:
        unit = " seconds" if about.retry_after.isdecimal() else ""
        return f"the registry limits how much may be asked; it names {about.retry_after}{unit} as the time to come back"
    if about.status == 429:
        return "the registry limits how much may be asked; try again later, or log in"
    if about.status == 404 and about.method not in {"GET", "HEAD"}:
        return "the repository may have to be created first"
    if about.status == 404:
        return "this is the answer of a proxy or a balancer, and not of a registry"
    if "immutable" in about.detail.lower() or about.status in {409, 412}:
        return "the tag may be immutable: publish under another one"
    if about.status == 415 or "MANIFEST_INVALID" in about.codes:
        return "the registry may refuse this media type; try --type docker or --type oci"
    return ""


def _errors(body: bytes) -> tuple[tuple[str, ...], str]:
    """The codes and the words of an error body (distribution-spec § Error Codes), or of whatever it is."""
    text = body.decode(errors="replace").strip()
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return (), _page(text)
    found = data.get("errors") if isinstance(data, dict) else None
    items = [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
    if not items:
        return (), _page(text)
    codes = tuple(str(item.get("code") or "") for item in items)
    return codes, "; ".join(map(_words, items))


def _words(item: Mapping[str, Any]) -> str:
    code, message, detail = (item.get(key) or "" for key in ("code", "message", "detail"))
    words = f"{code}: {message}" if message else str(code)
    if not detail:
        return words
    return f"{words} ({detail if isinstance(detail, str) else json.dumps(detail, ensure_ascii=False)})"


def _page(text: str) -> str:
    """What a page says; no more of it is looked at than these patterns get through in no time."""
    text = text[:_MAX_PAGE]
    if not text.startswith("<"):
        return text
    title = _TITLE.search(text)
    return html.unescape(title[1] if title else _MARKUP.sub(" ", text))
