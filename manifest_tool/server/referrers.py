"""Referrers: the manifests that say they are about another one (distribution-spec § Listing Referrers)."""

from __future__ import annotations

import json
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from aiohttp import web

from manifest_tool.oci import media_type as types
from manifest_tool.oci.manifest import MAX_SIZE, Manifest
from manifest_tool.server.pages import page

if TYPE_CHECKING:
    from manifest_tool.oci.digest import Digest
    from manifest_tool.server.call import Call
    from manifest_tool.server.store import Stored

_ROOM = MAX_SIZE - 1024
"""Bytes that the entries of a page may take: clients read no index that is larger than a manifest."""


async def get(call: Call) -> web.Response:
    """Answer with an index; an empty one where nothing is known."""
    stored = call.store.referrers(call.repository, call.digest)
    found = [entry for digest, manifest in stored.items() if (entry := _entry(digest, manifest))]
    headers = {"Content-Type": types.OCI_INDEX}
    if wanted := call.request.query.get("artifactType"):
        # Some clients leave the plus of a media type as it is, which in a query is a space.
        wanted = wanted.replace(" ", "+")
        found = [entry for entry in found if entry.get("artifactType") == wanted]
        headers["OCI-Filters-Applied"] = "artifactType"
    entries = {str(entry["digest"]): _json(entry) for entry in found}
    shown, link = page(call, entries, lambda names: _fit([entries[name] for name in names]))
    index = _json({"schemaVersion": 2, "mediaType": types.OCI_INDEX, "manifests": []})
    body = index.replace(b"[]", b"[%b]" % b",".join(entries[name] for name in shown))
    return web.Response(body=body, headers={**headers, **link})


def _json(document: object) -> bytes:
    # Without escapes, so that an entry is no longer than what it is read from; what is no text is not passed on.
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def _fit(entries: list[bytes]) -> int:
    """How many entries one page holds; one always, as it is about as long as a part of its manifest."""
    sizes = accumulate(len(entry) + len(",") for entry in entries)
    return max(1, bisect_right(list(sizes), _ROOM))


def _entry(digest: Digest, stored: Stored) -> dict[str, Any] | None:
    try:
        manifest = Manifest.parse(stored.raw, stored.media_type, digest)
    except ValueError:
        return None  # put past the checks, by a test
    entry: dict[str, Any] = {"mediaType": manifest.media_type, "digest": str(digest), "size": manifest.size}
    config = "" if manifest.config is None else manifest.config.media_type
    if artifact_type := manifest.artifact_type or config:
        entry["artifactType"] = artifact_type
    if manifest.annotations:
        entry["annotations"] = dict(manifest.annotations)
    return entry
