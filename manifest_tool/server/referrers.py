"""Referrers: the manifests that say they are about another one (distribution-spec § Listing Referrers)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from manifest_tool.oci import media_type as types
from manifest_tool.server.validation import subject_of

if TYPE_CHECKING:
    from manifest_tool.oci.digest import Digest
    from manifest_tool.server.call import Call
    from manifest_tool.server.store import Stored


async def get(call: Call) -> web.Response:
    """Answer with an index; an empty one where nothing is known."""
    subject, stored = call.digest, call.store.manifests(call.repository)
    found = [entry for digest, manifest in stored.items() if (entry := _entry(digest, manifest, subject))]
    headers = {"Content-Type": types.OCI_INDEX}
    if wanted := call.request.query.get("artifactType"):
        found = [entry for entry in found if entry.get("artifactType") == wanted]
        headers["OCI-Filters-Applied"] = "artifactType"
    found.sort(key=lambda entry: str(entry["digest"]))
    index = {"schemaVersion": 2, "mediaType": types.OCI_INDEX, "manifests": found}
    return web.Response(body=json.dumps(index).encode(), headers=headers)


def _entry(digest: Digest, stored: Stored, subject: Digest) -> dict[str, Any] | None:
    try:
        document = json.loads(stored.raw)
        if subject_of(document) != subject:
            return None
    except (ValueError, AttributeError):
        return None  # put past the checks, by a test
    entry = {"mediaType": stored.media_type, "digest": str(digest), "size": len(stored.raw)}
    config = document.get("config")
    artifact_type = document.get("artifactType") or (config or {}).get("mediaType")
    if artifact_type:
        entry["artifactType"] = artifact_type
    if annotations := document.get("annotations"):
        entry["annotations"] = annotations
    return entry
