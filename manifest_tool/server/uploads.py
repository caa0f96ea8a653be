"""Uploads of blobs: in one request, in two, in chunks, or by a mount (distribution-spec § Pushing blobs)."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from aiohttp import web

from manifest_tool.server import refusals
from manifest_tool.server.call import CHUNK, Call, parse_digest
from manifest_tool.server.names import is_name
from manifest_tool.server.refusals import Reason, Refusal

if TYPE_CHECKING:
    from manifest_tool.oci.digest import Digest
    from manifest_tool.server.store import Upload

_CHUNK_RANGE = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")


async def begin(call: Call) -> web.Response:
    """Mount a blob, take a whole one, or open a session."""
    query = call.request.query
    if mount := query.get("mount"):
        digest = parse_digest(mount)
        if _mount(call, digest):
            return _created(call, digest)
    elif whole := query.get("digest"):
        digest = parse_digest(whole)
        return await _finish(call, call.store.begin(call.repository), digest)
    return _accepted(call, call.store.begin(call.repository), 202)


async def status(call: Call) -> web.Response:
    """Say how far the upload is."""
    return _accepted(call, _session(call), 204)


async def extend(call: Call) -> web.Response:
    """Take a chunk, or all of the rest as a stream."""
    upload = _session(call)
    _check_order(call, upload)
    await _receive(call, upload)
    return _accepted(call, upload, 202)


async def finish(call: Call) -> web.Response:
    """Take what is left, and make the blob."""
    upload = _session(call)
    digest = parse_digest(call.request.query.get("digest", ""))
    _check_order(call, upload)
    return await _finish(call, upload, digest)


async def cancel(call: Call) -> web.Response:
    """Forget the upload."""
    if not call.store.discard(call.repository, call.argument):
        raise refusals.upload_unknown(call.argument)
    return web.Response(status=204)


def _mount(call: Call, digest: Digest) -> bool:
    source = call.request.query.get("from", "")
    return (not source or is_name(source)) and call.store.mount(call.repository, digest, source)


def _session(call: Call) -> Upload:
    upload = call.store.upload(call.repository, call.argument)
    if upload is None:
        raise refusals.upload_unknown(call.argument)
    return upload


def _check_order(call: Call, upload: Upload) -> None:
    """Refuse a chunk that is not the next one; the session lives on."""
    header = call.header("Content-Range")
    if not header:
        return
    matched = _CHUNK_RANGE.fullmatch(header)
    if matched is None or int(matched[1]) != upload.size:
        reason = Reason("BLOB_UPLOAD_INVALID", "blob upload invalid", f"expected the chunk from {upload.size}")
        raise Refusal(416, reason, headers=_progress(call, upload))
    length = call.request.content_length
    if length is not None and length != int(matched[2]) - int(matched[1]) + 1:
        raise Refusal(400, Reason("SIZE_INVALID", "Content-Range and Content-Length do not agree", header))


async def _receive(call: Call, upload: Upload) -> None:
    async for piece in call.request.content.iter_chunked(CHUNK):
        upload.write(piece)


async def _finish(call: Call, upload: Upload, digest: Digest) -> web.Response:
    await _receive(call, upload)
    # Digesting and syncing a large blob takes its time, and the others should not wait.
    if not await asyncio.to_thread(call.store.commit, call.repository, upload.id, digest):
        raise refusals.digest_mismatch(digest)
    return _created(call, digest)


def _created(call: Call, digest: Digest) -> web.Response:
    location = f"/v2/{call.repository}/blobs/{digest}"
    return web.Response(status=201, headers={"Location": location, "Docker-Content-Digest": str(digest)})


def _accepted(call: Call, upload: Upload, code: int) -> web.Response:
    return web.Response(status=code, headers=_progress(call, upload))


def _progress(call: Call, upload: Upload) -> dict[str, str]:
    return {
        "Location": f"/v2/{call.repository}/blobs/uploads/{upload.id}",
        "Range": f"0-{max(upload.size - 1, 0)}",
        "Docker-Upload-UUID": upload.id,
    }
