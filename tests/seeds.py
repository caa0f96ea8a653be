"""Images put straight into an embedded registry, one short call each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from integration import images
from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.platform import Platform
from manifest_tool.server.serve import Running
from manifest_tool.testing import registries


def build(platform: str, *, name: str = "", layers: int = 1, media: images.Media = "docker") -> images.Image:
    """An image for a platform; other names make other layers."""
    packed = [images.root_file_system({"id": f"{platform} {name} {count}".encode()}) for count in range(layers)]
    return images.image(Platform.parse(platform), packed, media=media)


def put(registry: Running, repository: str, tag: str, image: images.Image | images.Index) -> Digest:
    """Put an image, or an index with its images, under a tag."""
    return registries.put(registry, f"{repository}:{tag}" if tag else repository, image)


def put_image(registry: Running, reference: str, platform: str, *, layers: int = 1) -> Digest:
    """Build an image and put it under ``repository:tag``."""
    repository, _, tag = reference.partition(":")
    return put(registry, repository, tag, build(platform, name=reference, layers=layers))


def index_of(
    entries: Sequence[Mapping[str, Any]], *, media_type: str = types.OCI_INDEX, **fields: object
) -> tuple[bytes, str]:
    """The bytes and the type of an index over any descriptors."""
    document = {"schemaVersion": 2, "mediaType": media_type, "manifests": list(entries), **fields}
    return json.dumps(document).encode(), media_type


def descriptor(raw: bytes, media_type: str, **fields: object) -> dict[str, Any]:
    """What points to some bytes."""
    return {"mediaType": media_type, "digest": str(Digest.of(raw)), "size": len(raw), **fields}


def spec(registry: str, target: str, *entries: str, tags: Sequence[str] = (), more: str = "") -> str:
    """A spec; an entry is ``repository:tag``, with `` os/arch/variant`` behind it where it declares a platform."""
    lines = [f"image: {registry}/{target}", f"tags: {json.dumps(list(tags))}", "manifests:"]
    for entry in entries:
        reference, _, platform = entry.partition(" ")
        first, slash, _ = reference.partition("/")
        host = "" if slash and ":" in first else f"{registry}/"
        lines.append(f"  - image: {host}{reference}")
        if platform:
            parsed = Platform.parse(platform)
            fields = {"os": parsed.os, "architecture": parsed.architecture, "variant": parsed.variant}
            lines.append(f"    platform: {json.dumps({key: value for key, value in fields.items() if value})}")
    return "\n".join([*lines, more, ""])
