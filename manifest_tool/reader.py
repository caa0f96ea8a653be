"""What manifests point to, read and held against what they say of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from manifest_tool.errors import InvalidContent, NotFound

if TYPE_CHECKING:
    from manifest_tool.oci.descriptor import Descriptor
    from manifest_tool.oci.manifest import Manifest
    from manifest_tool.oci.reference import Reference, Repository
    from manifest_tool.registry.client import Client

MAX_ENTRIES = 2_000
"""The most entries of an index, those of the indexes in it included, that are followed."""


async def child(repository: Repository, descriptor: Descriptor, client: Client) -> Manifest:
    """The manifest that an entry of an index points to; raises `InvalidContent` where it is gone or another one."""
    try:
        found = await client.get_manifest(repository, descriptor.digest)
    except NotFound as error:
        raise InvalidContent(
            f"an index of {repository} lists {descriptor.digest}, which is not there",
            error.exchange,
            hint="a clean-up of untagged manifests may have removed it; push that image again",
        ) from None
    if found.size != descriptor.size or found.media_type != descriptor.media_type:
        raise InvalidContent(
            f"{repository}@{descriptor.digest} has {found.size} bytes of type {found.media_type!r}, but the index says"
            f" {descriptor.size} of {descriptor.media_type!r}"
        )
    return found


async def config(image: Reference, descriptor: Descriptor, client: Client) -> dict[str, Any]:
    """The config of an image, which is a JSON object; raises `InvalidContent` where it is none."""
    raw = await client.read_blob(image.repository, descriptor)
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise InvalidContent(f"the config {descriptor.digest} of {image} is not a JSON object")
    return document
