"""Referrers: the manifests that say they are about another one (distribution-spec § Listing Referrers)."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from manifest_tool.oci import media_type as types
from manifest_tool.oci.manifest import MAX_SIZE, Manifest
from manifest_tool.server import pages

if TYPE_CHECKING:
    from manifest_tool.oci.digest import Digest
    from manifest_tool.server.call import Call

_ROOM = MAX_SIZE - 1024
"""Bytes that the entries of a page may take: clients read no index that is larger than a manifest."""


async def get(call: Call) -> web.Response:
    """Answer with an index; an empty one where nothing is known."""
    return await asyncio.to_thread(_answer, call, call.digest)


def _answer(call: Call, subject: Digest) -> web.Response:
    """Read one manifest after the other, up to the end of a page: all together may be more than there is memory."""
    last, most = pages.asked(call)
    # Some clients leave the plus of a media type as it is, which in a query is a space.
    wanted = call.request.query.get("artifactType", "").replace(" ", "+")
    headers = {"Content-Type": types.OCI_INDEX, **({"OCI-Filters-Applied": "artifactType"} if wanted else {})}
    found, room = list[bytes](), _ROOM
    for digest in sorted(call.store.referrers(call.repository, subject)):
        entry = _entry(call, digest, wanted) if str(digest) > last else None
        if entry is None:
            continue
        room -= len(entry) + len(",")
        # One is always told, as it is about as long as a part of its manifest.
        if len(found) == most or (found and room < 0):
            headers.update(pages.link(call, last) if found else {})
            break
        found.append(entry)
        last = str(digest)
    index = _json({"schemaVersion": 2, "mediaType": types.OCI_INDEX, "manifests": []})
    return web.Response(body=index.replace(b"[]", b"[%b]" % b",".join(found)), headers=headers)


def _entry(call: Call, digest: Digest, wanted: str) -> bytes | None:
    """What is told of a manifest; nothing where it is gone, of another type than is wanted, or no manifest at all."""
    stored = call.store.manifest(call.repository, digest)
    try:
        manifest = Manifest.parse(stored.raw, stored.media_type, digest) if stored else None
    except ValueError:
        return None  # put past the checks, by a test
    if manifest is None:
        return None
    entry: dict[str, Any] = {"mediaType": manifest.media_type, "digest": str(digest), "size": manifest.size}
    config = "" if manifest.config is None else manifest.config.media_type
    artifact_type = manifest.artifact_type or config
    if wanted and artifact_type != wanted:
        return None
    if artifact_type:
        entry["artifactType"] = artifact_type
    if manifest.annotations:
        entry["annotations"] = dict(manifest.annotations)
    return _json(entry)


def _json(document: object) -> bytes:
    # Without escapes, so that an entry is no longer than what it is read from; what is no text is not passed on.
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
