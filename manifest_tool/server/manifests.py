"""Manifests, by tag and by digest (distribution-spec § Pulling manifests, § Pushing manifests)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from aiohttp import web
from multidict import CIMultiDict

from manifest_tool.errors import InvalidReference
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.manifest import MAX_SIZE
from manifest_tool.oci.reference import check_tag
from manifest_tool.server import content, refusals, validation
from manifest_tool.server.memory import MemoryBlob
from manifest_tool.server.receiving import LARGE, pieces
from manifest_tool.server.store import Stored

if TYPE_CHECKING:
    from manifest_tool.server.call import Call
    from manifest_tool.server.validation import Checked

_MANY = 64 * 1024
"""Bytes, beyond which a manifest is large."""
_MOST_TAGS = 50
"""At a time; each comes back in a header of its own, and clients take about a hundred of these."""
_TOLD = 3
"""How many digests a warning names."""


async def get(call: Call) -> web.Response:
    """Answer GET and HEAD."""
    digest = _named(call)
    stored = call.store.manifest(call.repository, digest) if digest else None
    if digest is None or stored is None:
        raise refusals.manifest_unknown(call.argument)
    return content.serve(call, digest, stored.media_type, MemoryBlob(stored.raw))


async def put(call: Call) -> web.Response:
    """Store a manifest by its digest, and tag it."""
    digest, tags = _names(call)
    async with AsyncExitStack() as large:
        raw = await _body(call, large)
        digest, checked = await asyncio.to_thread(_store, call, raw, digest, tags)
    headers = CIMultiDict(
        {"Location": f"/v2/{call.repository}/manifests/{digest}", "Docker-Content-Digest": str(digest)}
    )
    if checked.subject:
        headers["OCI-Subject"] = str(checked.subject)
    headers.extend(("OCI-Tag", tag) for tag in dict.fromkeys(tags))
    if checked.missing:
        headers["Warning"] = _warning(checked.missing)
    return web.Response(status=201, headers=headers)


def _store(call: Call, raw: bytes, digest: Digest | None, tags: Sequence[str]) -> tuple[Digest, Checked]:
    """Under the digest that is asked for, or else its sha256."""
    checked = validation.check(call, raw)
    digest = digest or Digest.of(raw)
    if not digest.matches(raw):
        raise refusals.digest_mismatch(digest)
    call.store.put_manifest(call.repository, digest, Stored(checked.media_type, raw), tags)
    return digest, checked


async def delete(call: Call) -> web.Response:
    """Delete a tag, or a manifest with its tags."""
    if ":" in call.argument:
        found = await asyncio.to_thread(call.store.delete_manifest, call.repository, call.digest)
    else:
        found = await asyncio.to_thread(call.store.delete_tag, call.repository, call.argument)
    if not found:
        raise refusals.manifest_unknown(call.argument)
    return web.Response(status=202)


def _named(call: Call) -> Digest | None:
    if ":" in call.argument:
        return call.digest
    return call.store.tag(call.repository, call.argument)


def _names(call: Call) -> tuple[Digest | None, tuple[str, ...]]:
    """The digest and the tags that the manifest is put under; no digest where the path has a tag."""
    by_digest = ":" in call.argument
    tags = (*(() if by_digest else (call.argument,)), *call.request.query.getall("tag", ()))
    if len(tags) > _MOST_TAGS:
        raise refusals.too_many_tags(_MOST_TAGS)
    for tag in tags:
        try:
            check_tag(tag)
        except InvalidReference:
            raise refusals.tag_invalid(tag) from None
    return call.digest if by_digest else None, tags


def _warning(missing: Sequence[Digest]) -> str:
    """That nobody can pull this yet (distribution-spec § Warnings)."""
    told = [*map(str, missing[:_TOLD]), *([f"{len(missing) - _TOLD} more"] if len(missing) > _TOLD else [])]
    return f'299 - "not in this repository: {", ".join(told)}"'


async def _body(call: Call, large: AsyncExitStack) -> bytes:
    if (call.request.content_length or 0) > MAX_SIZE:
        raise refusals.too_large(MAX_SIZE)
    body, slots = bytearray(), call.request.app[LARGE]
    async for piece in pieces(call.request):
        if len(body) <= _MANY < len(body) + len(piece):
            await large.enter_async_context(slots)
        body += piece
        if len(body) > MAX_SIZE:
            raise refusals.too_large(MAX_SIZE)
    return bytes(body)
