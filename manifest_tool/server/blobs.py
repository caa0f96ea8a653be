"""Blobs: reading and deleting them (distribution-spec § Pulling blobs)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from manifest_tool.server import content, refusals

if TYPE_CHECKING:
    from manifest_tool.server.call import Call


async def get(call: Call) -> web.Response:
    """Answer GET and HEAD."""
    blob = call.store.blob(call.repository, call.digest)
    if blob is None:
        raise refusals.blob_unknown(call.digest)
    return content.serve(call, call.digest, "application/octet-stream", blob)


async def delete(call: Call) -> web.Response:
    """Take the blob out of this repository; it stays in the others."""
    if not await asyncio.to_thread(call.store.delete_blob, call.repository, call.digest):
        raise refusals.blob_unknown(call.digest)
    return web.Response(status=202)
