"""What real registries do wrong, each as an action for the embedded one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from aiohttp import web

from manifest_tool.server import wire
from manifest_tool.server.actions import Close, NoMount, PhantomMount, digest_header

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

    from manifest_tool.server.faults import Faults

_IMMUTABLE = b'{"errors":[{"code":"DENIED","message":"the tag is immutable"}]}'


class Rewritten:
    """Write a manifest anew, as Go would, under the digest of what was put."""

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response = cast("web.Response", await handler(request))
        body = await wire.collect(response)
        if response.status == 200 and body:
            response.headers.popall("Content-Length", None)
            response.body = json.dumps(json.loads(body), separators=(",", ":"), sort_keys=True).encode()
        return response


@dataclass(slots=True)
class Lagging:
    """See a tag only some time after it was put."""

    seconds: float
    _put: dict[str, float] = field(default_factory=dict)

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        path = request.rel_url.raw_path
        if request.method == "PUT":
            response = await handler(request)
            self._put.setdefault(path, time.monotonic())
            return response
        if time.monotonic() < self._put.get(path, 0.0) + self.seconds and request.method in {"GET", "HEAD"}:
            return web.Response(status=404, body=b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"not here yet"}]}')
        return await handler(request)


class Careless:
    """Take chunks in whatever order they come."""

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        headers = request.headers.copy()
        headers.popall("Content-Range", None)
        return await handler(request.clone(headers=headers))


@dataclass(slots=True)
class Immutable:
    """Put each tag once."""

    _put: set[str] = field(default_factory=set)

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        path = request.rel_url.raw_path
        if path in self._put:
            return web.Response(status=400, body=_IMMUTABLE, content_type="application/json")
        self._put.add(path)
        return await handler(request)


_TAGS = r"/manifests/[a-z]+-"

FAULTS: dict[str, Callable[[Faults], object]] = {
    "manifests are written anew": lambda faults: faults.add(Rewritten(), method="GET", path="/manifests/"),
    "mounts are taken and nothing is there": lambda faults: faults.add(PhantomMount(), method="POST", path="mount="),
    "mounts are declined": lambda faults: faults.add(NoMount(), method="POST", path="mount="),
    "tags lag behind": lambda faults: faults.add(Lagging(0.4), path=_TAGS),
    "the digest of another manifest": lambda faults: faults.add(
        digest_header(f"sha256:{'0' * 64}"), method="GET", path="/manifests/"
    ),
    "no digests": lambda faults: faults.add(digest_header(None), path="/manifests/"),
    "chunks in any order": lambda faults: faults.add(Careless(), path="/blobs/uploads/."),
    "tags are immutable": lambda faults: faults.add(Immutable(), method="PUT", path=_TAGS),
    "blobs are cut off": lambda faults: faults.add(Close(after=20), method="GET", path="/blobs/sha"),
}
"""What puts each in force."""
