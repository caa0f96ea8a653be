"""Answers that carry content: whole, in part, or not at all where the client has it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiohttp import web

from manifest_tool.server import refusals
from manifest_tool.server.sending import Part

if TYPE_CHECKING:
    from manifest_tool.oci.digest import Digest
    from manifest_tool.server.call import Call
    from manifest_tool.server.store import Blob

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


def serve(call: Call, digest: Digest, media_type: str, blob: Blob) -> web.Response:
    """Answer GET or HEAD with the content that ``digest`` names."""
    etag = f'"{digest}"'
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Type": media_type,
        "Docker-Content-Digest": str(digest),
        "ETag": etag,
    }
    if _has(call, etag):
        return web.Response(status=304, headers=headers)
    size = blob.size
    span = _span(call.header("Range"), size) if _takes_range(call, etag) else None
    if span:
        headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{size}"
    part = span or range(size)
    # By hand: for a HEAD of nothing, aiohttp would leave it out.
    headers["Content-Length"] = str(len(part))
    body = None if call.request.method == "HEAD" or not part else Part(blob, part)
    return web.Response(status=206 if span else 200, headers=headers, body=body)


def _has(call: Call, etag: str) -> bool:
    """Whether the client has the content, or would have any (RFC 9110 § 13.1.2)."""
    known = ", ".join(call.request.headers.getall("If-None-Match", ()))
    return etag in known or known.strip() == "*"


def _takes_range(call: Call, etag: str) -> bool:
    return call.request.method == "GET" and call.header("If-Range") in {"", etag}


def _span(header: str, size: int) -> range | None:
    """The part that a ``Range`` asks for; none where it asks for the whole or in a way not served here."""
    matched = _RANGE.fullmatch(header.replace(" ", ""))
    if matched is None or matched[0] == "bytes=-":
        return None
    first, last = matched.groups()
    if not first:
        span = range(max(size - int(last), 0), size)
    else:
        span = range(int(first), min(int(last) + 1, size) if last else size)
    if not span:
        raise refusals.range_not_satisfiable(size)
    return span
