"""Uploads of blobs: in one request, in two, in chunks, or by a mount (distribution-spec § Pushing blobs)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from manifest_tool.server import refusals
from manifest_tool.server.call import Call, parse_digest
from manifest_tool.server.names import is_name
from manifest_tool.server.receiver import RECEIVERS, Receivers
from manifest_tool.server.refusals import Reason, Refusal
from manifest_tool.server.room import Full
from manifest_tool.server.sessions import Superseded, TooMany

if TYPE_CHECKING:
    from manifest_tool.oci.digest import Digest
    from manifest_tool.server.store import Upload

_CHUNK_RANGE = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")


async def begin(call: Call) -> web.Response:
    """Mount a blob, take a whole one, or open a session."""
    query = call.request.query
    if mount := query.get("mount"):
        digest = parse_digest(mount)
        if await _mount(call, digest):
            return _created(call, digest)
    elif whole := query.get("digest"):
        return await _whole(call, parse_digest(whole))
    return _accepted(call, _open(call), 202)


async def status(call: Call) -> web.Response:
    """Say how far the upload is."""
    return _accepted(call, await _session(call), 204)


async def extend(call: Call) -> web.Response:
    """Take a chunk, or all of the rest as a stream."""
    upload = await _session(call)
    turn = upload.take_over()
    _check_order(call, upload)
    _check_room(call)
    with _orderly(call), _receivers(call).receiver(upload, turn) as receiver:
        last = await receiver.receive(call.request)
        if last:
            await asyncio.to_thread(upload.write, last, turn)
    return _accepted(call, upload, 202)


async def finish(call: Call) -> web.Response:
    """Take what is left, and make the blob."""
    upload = await _session(call)
    digest = parse_digest(call.request.query.get("digest", ""))
    turn = upload.take_over()
    _check_order(call, upload)
    _check_room(call)
    with _orderly(call):
        return await _finish(call, upload, digest, turn)


async def cancel(call: Call) -> web.Response:
    """Forget the upload."""
    with _orderly(call):
        if not await asyncio.to_thread(call.store.discard, call.repository, call.argument):
            raise refusals.upload_unknown(call.argument)
    return web.Response(status=204)


async def _mount(call: Call, digest: Digest) -> bool:
    source = call.request.query.get("from", "")
    if source and not is_name(source):
        return False
    return await asyncio.to_thread(call.store.mount, call.repository, digest, source)


async def _whole(call: Call, digest: Digest) -> web.Response:
    _check_room(call)
    upload = _open(call)
    try:
        return await _finish(call, upload, digest, upload.take_over())
    finally:
        # There is nothing left to discard where all went well, and nobody else knows of it where it did not.
        call.store.discard(call.repository, upload.id)


def _open(call: Call) -> Upload:
    try:
        return call.store.begin(call.repository)
    except TooMany as many:
        raise refusals.too_many_uploads(many.seconds) from None


async def _session(call: Call) -> Upload:
    """The upload; a connection over which some of it came may have been lost just now."""
    await _receivers(call).settle(call.argument)
    upload = call.store.upload(call.repository, call.argument)
    if upload is None:
        raise refusals.upload_unknown(call.argument)
    return upload


def _receivers(call: Call) -> Receivers:
    return call.request.app[RECEIVERS]


@contextmanager
def _orderly(call: Call) -> Iterator[None]:
    """Whoever comes last goes on with an upload: the request before it may well have lost its client."""
    try:
        yield
    except Superseded:
        raise refusals.upload_taken(call.argument) from None


def _check_room(call: Call) -> None:
    """Refuse at once what will not fit, before a byte of it is sent where the client waits for that."""
    length, room = call.request.content_length, call.store.room()
    if length and room is not None and length > room:
        raise Full(f"{length} bytes are more than the {room} that are left")


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


async def _finish(call: Call, upload: Upload, digest: Digest, turn: int) -> web.Response:
    upload.expect(digest.hasher())
    with _receivers(call).receiver(upload, turn) as receiver:
        last = await receiver.receive(call.request)
    if not await asyncio.to_thread(_commit, call, upload, digest, last, turn):
        raise refusals.digest_mismatch(digest)
    return _created(call, digest)


def _commit(call: Call, upload: Upload, digest: Digest, last: bytes, turn: int) -> bool:
    if last:
        upload.write(last, turn)
    return call.store.commit(call.repository, upload.id, digest, turn)


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
