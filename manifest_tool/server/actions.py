"""The actions of faults: each does one thing that a registry, a proxy or a network may do wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from aiohttp import web
from multidict import CIMultiDict

from manifest_tool.server import wire

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

_FRAMING = frozenset({"content-type", "content-length"})
"""Headers that aiohttp puts back where they are missing."""


async def _answer(request: web.Request, handler: Handler) -> web.Response:
    return cast("web.Response", await handler(request))


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer this and do nothing, or do it first and answer this all the same (``done=True``)."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    done: bool = False

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self.done:
            await handler(request)
        return web.Response(status=self.status, body=self.body, headers=CIMultiDict(self.headers))


@dataclass(frozen=True, slots=True)
class Delay:
    """Do nothing for some seconds first."""

    seconds: float

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        await asyncio.sleep(self.seconds)
        return await handler(request)


@dataclass(frozen=True, slots=True)
class Reset:
    """Reset the connection: at once and with nothing done, or when so many bytes of the body were sent."""

    after: int | None = None

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self.after is None:
            return wire.reset(request)
        response = await _answer(request, handler)
        body = await wire.collect(response)
        wire.send(request, response, body[: self.after], len(body))
        await wire.settle()
        return wire.reset(request, response.status)


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection: at once and with nothing done, or when so many bytes of the body were sent."""

    after: int | None = None

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self.after is None:
            return wire.close(request)
        response = await _answer(request, handler)
        body = await wire.collect(response)
        wire.send(request, response, body[: self.after], len(body))
        return wire.close(request, response.status)


@dataclass(frozen=True, slots=True)
class Length:
    """Claim a ``Content-Length`` that is wrong by so many bytes, send the whole body, and close."""

    by: int

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await _answer(request, handler)
        body = await wire.collect(response)
        wire.send(request, response, body, len(body) + self.by)
        return wire.close(request, response.status)


@dataclass(frozen=True, slots=True)
class Headers:
    """Set headers of the answer; with no value, leave them out."""

    changes: Mapping[str, str | None] = field(hash=False)

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await _answer(request, handler)
        for name, value in self.changes.items():
            response.headers.popall(name, None)
            if value is not None:
                response.headers[name] = value
        dropped = {name.lower() for name, value in self.changes.items() if value is None}
        if not dropped & _FRAMING:
            return response
        body = await wire.collect(response)
        wire.send(request, response, body, None if "content-length" in dropped else len(body))
        return wire.close(request, response.status)


def digest_header(value: str | None) -> Headers:
    """Claim another digest, or with no value none."""
    return Headers({"Docker-Content-Digest": value})


def content_type(value: str | None) -> Headers:
    """Claim another type, or with no value none."""
    return Headers({"Content-Type": value})


@dataclass(frozen=True, slots=True)
class Body:
    """Send another body with the headers of the right one; its length is told as it is."""

    body: bytes

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await _answer(request, handler)
        response.headers.popall("Content-Length", None)
        response.body = self.body
        return response


class Damage:
    """Flip a bit of the last byte of the body."""

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await _answer(request, handler)
        body = await wire.collect(response)
        response.body = body[:-1] + bytes([body[-1] ^ 1]) if body else None
        return response


@dataclass(frozen=True, slots=True)
class Drip:
    """Send the body in small pieces with a pause before each."""

    seconds: float
    piece: int = 1

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await _answer(request, handler)
        body = await wire.collect(response)
        if body:
            response.headers["Content-Length"] = str(len(body))
            response.body = self._pieces(body)
        return response

    async def _pieces(self, body: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(body), self.piece):
            await asyncio.sleep(self.seconds)
            yield body[start : start + self.piece]


class Chunked:
    """Send the body in HTTP chunks, with no ``Content-Length``."""

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await _answer(request, handler)
        response.headers.popall("Content-Length", None)
        response.enable_chunked_encoding()
        return response


class Gzip:
    """Compress the body, whether the client asked for it or not."""

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await _answer(request, handler)
        response.body = await wire.collect(response)
        response.headers.popall("Content-Length", None)
        response.enable_compression(web.ContentCoding.gzip)
        return response


class NoMount:
    """Decline mounts: open an upload (202), as registries do that cannot mount."""

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        kept = {name: value for name, value in request.query.items() if name not in {"mount", "from"}}
        return await handler(request.clone(rel_url=request.rel_url.with_query(kept)))


class PhantomMount:
    """Accept mounts (201) and record nothing."""

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        digest = request.query.get("mount")
        if request.method != "POST" or not digest:
            return await handler(request)
        blobs = request.rel_url.raw_path.rstrip("/").removesuffix("/uploads")
        headers = {"Location": f"{blobs}/{digest}", "Docker-Content-Digest": digest}
        return web.Response(status=201, headers=headers)
