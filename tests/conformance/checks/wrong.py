"""What registries do wrong that only a conformance run looks for; each is an action of a fault."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler
from multidict import CIMultiDict

from manifest_tool.server.actions import Answer


def refusal(status: int, code: str) -> Answer:
    """A refusal with an error code."""
    body = json.dumps({"errors": [{"code": code, "message": "no"}]}).encode()
    return Answer(status, body, {"Content-Type": "application/json"})


@dataclass(frozen=True, slots=True)
class Deaf:
    """Hear nothing of some headers."""

    names: tuple[str, ...]

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        headers = CIMultiDict(request.headers)
        for name in self.names:
            headers.popall(name, None)
        return await handler(request.clone(headers=headers))


@dataclass(frozen=True, slots=True)
class Blind:
    """See nothing of the query."""

    names: tuple[str, ...]

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        kept = {name: value for name, value in request.query.items() if name not in self.names}
        return await handler(request.clone(rel_url=request.rel_url.with_query(kept)))


@dataclass(frozen=True, slots=True)
class Instead:
    """Answer something else where the answer would have a status."""

    status: int
    other: int
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    body: bytes = b""

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await handler(request)
        if answer.status != self.status:
            return answer
        return web.Response(status=self.other, headers=self.headers, body=self.body)


@dataclass(frozen=True, slots=True)
class Untaken:
    """Take nothing whose type begins like this."""

    prefix: str

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.headers.get("Content-Type", "").startswith(self.prefix):
            return await handler(request)
        return await refusal(415, "MANIFEST_INVALID")(request, handler)


@dataclass(slots=True)
class Late:
    """Know the blobs of a manifest only after so many tries to put it."""

    tries: int
    _put: Counter[str] = field(default_factory=Counter)

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._put[request.path] += 1
        if self._put[request.path] > self.tries:
            return await handler(request)
        return await refusal(400, "MANIFEST_BLOB_UNKNOWN")(request, handler)
