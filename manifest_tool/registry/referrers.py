"""Referrers by the tag schema, for registries that list none (distribution-spec § Referrers Tag Schema)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from manifest_tool.oci import media_type as types

if TYPE_CHECKING:
    from manifest_tool.oci.digest import Digest
    from manifest_tool.oci.manifest import Manifest


def tag(subject: Digest) -> str:
    """The tag under which the referrers of a manifest are listed."""
    return f"{subject.algorithm[:32]}-{subject.hex[:64]}"


def entry(referrer: Manifest) -> dict[str, Any]:
    """What a list of referrers says of one."""
    kind = referrer.artifact_type or (referrer.config.media_type if referrer.config else "")
    fields = {
        "mediaType": referrer.media_type,
        "digest": str(referrer.digest),
        "size": referrer.size,
        "artifactType": kind,
        "annotations": dict(referrer.annotations),
    }
    return {name: value for name, value in fields.items() if value}


def listing(before: Manifest | None, referrer: Manifest) -> bytes | None:
    """The list with one more referrer, or none where it has it."""
    document = json.loads(before.raw) if before else {}
    if before and any(listed.digest == referrer.digest for listed in before.manifests):
        return None
    entries = [*(document.get("manifests") or ()), entry(referrer)]
    return json.dumps({**document, "schemaVersion": 2, "mediaType": types.OCI_INDEX, "manifests": entries}).encode()
