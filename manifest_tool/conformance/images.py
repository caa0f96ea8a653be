"""Tiny images made in memory: valid to every client, and like no others."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest

_STATEMENT = "application/vnd.in-toto+json"
_LAYERS = {types.DOCKER_MANIFEST: types.DOCKER_LAYER, types.OCI_MANIFEST: types.OCI_LAYER}
_CONFIGS = {types.DOCKER_MANIFEST: types.DOCKER_CONFIG, types.OCI_MANIFEST: types.OCI_CONFIG}


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes with a media type: a manifest, or a blob."""

    raw: bytes = field(repr=False)
    media_type: str

    @property
    def digest(self) -> Digest:
        return Digest.of(self.raw)

    def descriptor(self, **more: object) -> dict[str, Any]:
        """What points to this content."""
        return {"mediaType": self.media_type, "size": len(self.raw), "digest": str(self.digest), **more}


@dataclass(frozen=True, slots=True)
class Image:
    """An image of one platform with one layer."""

    manifest: Content
    config: Content
    layer: Content
    platform: Mapping[str, str] = field(default_factory=dict, hash=False)

    def descriptor(self, **more: object) -> dict[str, Any]:
        """What stands for the image in an index."""
        return self.manifest.descriptor(platform=dict(self.platform), **more)


def image(nonce: str, platform: str = "linux/amd64", media_type: str = types.OCI_MANIFEST, **more: object) -> Image:
    """An image of ``os/architecture[/variant]`` whose layer holds the nonce; ``more`` goes into its manifest."""
    layer = _layer(nonce)
    names = dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))
    diff = Digest.of(layer)
    compressed = Content(gzip.compress(layer, mtime=0), _LAYERS[media_type])
    config = Content(
        to_json({**names, "config": {}, "rootfs": {"type": "layers", "diff_ids": [str(diff)]}}), _CONFIGS[media_type]
    )
    document = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": config.descriptor(),
        "layers": [compressed.descriptor()],
        **more,
    }
    return Image(Content(to_json(document), media_type), config, compressed, names)


def artifact(nonce: str, artifact_type: str, layer_type: str, **more: object) -> Image:
    """Something that is no image: an empty config, and a layer of any type that holds the nonce."""
    config = Content(b"{}", types.OCI_EMPTY)
    layer = Content(to_json({"nonce": nonce}), layer_type)
    document = {
        "schemaVersion": 2,
        "mediaType": types.OCI_MANIFEST,
        "artifactType": artifact_type,
        "config": config.descriptor(),
        "layers": [layer.descriptor()],
        **more,
    }
    return Image(Content(to_json(document), types.OCI_MANIFEST), config, layer)


def attestation(nonce: str) -> Image:
    """A statement about an image in the form of one, as BuildKit writes it."""
    made = image(nonce, "unknown/unknown")
    layer = Content(to_json({"_type": "https://in-toto.io/Statement/v0.1", "nonce": nonce}), _STATEMENT)
    entry = layer.descriptor(annotations={"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"})
    return replace(made, manifest=with_fields(made.manifest, layers=[entry]), layer=layer)


def index(entries: list[dict[str, Any]], media_type: str = types.OCI_INDEX, **more: object) -> Content:
    """An index, or manifest list, of these entries; ``more`` goes beside them."""
    document = {"schemaVersion": 2, "mediaType": media_type, "manifests": entries, **more}
    return Content(to_json(document), media_type)


def with_fields(manifest: Content, **fields: object) -> Content:
    """The same manifest with these fields, in place of those that it has by the same names."""
    return Content(to_json({**json.loads(manifest.raw), **fields}), manifest.media_type)


def to_json(document: object) -> bytes:
    """The bytes of a document as they are sent: indented oddly, so that whoever writes it anew is found out."""
    return json.dumps(document, indent=3).encode()


def _layer(nonce: str) -> bytes:
    data, packed = nonce.encode(), io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("nonce")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()
