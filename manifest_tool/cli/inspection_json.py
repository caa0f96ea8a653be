"""What was inspected, as one object of our own; pure. docs/inspect.md says what its keys mean."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from manifest_tool.cli.text import safe_json
from manifest_tool.inspector import blobs, platform_of

if TYPE_CHECKING:
    from manifest_tool.inspector import Child, Inspected
    from manifest_tool.oci.descriptor import Descriptor
    from manifest_tool.oci.platform import Platform


def text(found: Inspected) -> str:
    """The object; every key is there, whatever was found."""
    document = {
        "schemaVersion": 1,
        "reference": str(found.reference),
        **_pointer(found.manifest.descriptor),
        "platform": _platform(platform_of(found.config)),
        "annotations": dict(found.manifest.annotations),
        "artifactType": found.manifest.artifact_type or None,
        **_content(found),
        "referrers": None if found.referrers is None else [_referrer(entry) for entry in found.referrers],
    }
    return safe_json(json.dumps(document, indent=2)) + "\n"


def _child(child: Child) -> dict[str, Any]:
    entry, manifest = child.descriptor, child.manifest
    return {
        **_pointer(entry),
        "platform": _platform(entry.platform or platform_of(child.config)),
        "annotations": dict(entry.annotations),
        "artifactType": entry.artifact_type or (manifest.artifact_type if manifest else "") or None,
        "attestationFor": entry.describes if entry.is_attestation else None,
        "manifestAnnotations": dict(manifest.annotations) if manifest else {},
        **_content(child),
    }


def _content(node: Inspected | Child) -> dict[str, Any]:
    """What a manifest itself says; nothing where it was not opened."""
    manifest = node.manifest
    subject, config = (manifest.subject, manifest.config) if manifest else (None, None)
    return {
        "subject": _pointer(subject) if subject else None,
        "config": _blob(config) if config else None,
        "layers": [_blob(layer) for layer in manifest.layers] if manifest else [],
        "manifests": [_child(child) for child in node.children],
        "totalSize": sum(blob.size for blob in blobs(node).values()) if manifest else None,
    }


def _referrer(entry: Descriptor) -> dict[str, Any]:
    return {**_pointer(entry), "artifactType": entry.artifact_type or None, "annotations": dict(entry.annotations)}


def _blob(entry: Descriptor) -> dict[str, Any]:
    return {**_pointer(entry), "annotations": dict(entry.annotations)}


def _pointer(entry: Descriptor) -> dict[str, Any]:
    return {"mediaType": entry.media_type, "digest": str(entry.digest), "size": entry.size}


def _platform(platform: Platform) -> dict[str, Any] | None:
    return platform.to_json() if platform else None
