"""What a manifest must be before it is stored."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from manifest_tool.oci import media_type as types
from manifest_tool.oci.manifest import Manifest
from manifest_tool.server import refusals

if TYPE_CHECKING:
    from manifest_tool.oci.digest import Digest
    from manifest_tool.server.call import Call


@dataclass(frozen=True, slots=True)
class Checked:
    """What there is to know of a manifest that may be stored."""

    media_type: str
    subject: Digest | None
    missing: tuple[Digest, ...] = ()
    """What it needs and this repository lacks, where the rules allow that."""


def check(call: Call, raw: bytes) -> Checked:
    """Refuse a manifest that no client could use, or whose content this repository lacks where it must not."""
    content_type = types.essence(call.header("Content-Type"))
    try:
        manifest = Manifest.parse(raw, content_type)
        _check(manifest, json.loads(raw), content_type)
    except ValueError as error:
        raise refusals.manifest_invalid(str(error)) from None
    missing = tuple(digest for digest in _needed(manifest) if not _has(call, manifest, digest))
    if missing and not call.rules.sparse:
        raise refusals.content_missing(missing)
    return Checked(manifest.media_type, manifest.subject.digest if manifest.subject else None, missing)


def _check(manifest: Manifest, document: dict[str, Any], content_type: str) -> None:
    version, own = document.get("schemaVersion"), document.get("mediaType")
    if version != 2:
        raise ValueError(f"its schemaVersion is {str(version)[:100]!r}, not 2")
    if not manifest.is_index and manifest.config is None:
        raise ValueError("it is an image without a config")
    if own is not None and own != (content_type or own):
        raise ValueError(f"its mediaType is {str(own)[:100]!r}, but it is sent as {content_type[:100]!r}")


def _needed(manifest: Manifest) -> list[Digest]:
    needed = manifest.manifests if manifest.is_index else manifest.blobs
    return list(dict.fromkeys(one.digest for one in needed))


def _has(call: Call, manifest: Manifest, digest: Digest) -> bool:
    if manifest.is_index:
        return call.store.has_manifest(call.repository, digest)
    return call.store.blob(call.repository, digest) is not None
