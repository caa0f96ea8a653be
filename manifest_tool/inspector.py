"""Reference → what lies there: the manifest, what it points to, and what the configs say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from manifest_tool import reader
from manifest_tool.concurrency import together
from manifest_tool.oci import media_type as types

if TYPE_CHECKING:
    from manifest_tool.oci.descriptor import Descriptor
    from manifest_tool.oci.manifest import Manifest
    from manifest_tool.oci.reference import Reference
    from manifest_tool.registry.client import Client

Config: TypeAlias = Mapping[str, Any]
"""A config as it stands; a hostile one has any value anywhere."""


@dataclass(frozen=True, slots=True)
class Child:
    """One entry of an index."""

    descriptor: Descriptor
    """As it stands in the index."""
    manifest: Manifest | None = None
    """None for a nested index, and for whatever else is no image manifest."""
    config: Config | None = field(default=None, hash=False)
    """None where it was not read, or is not JSON."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """What lies under a reference."""

    reference: Reference
    """Pinned to the digest that was found."""
    manifest: Manifest
    config: Config | None = field(default=None, hash=False)
    """Of an image; None where it is not JSON."""
    children: tuple[Child, ...] = ()
    """Of an index, in its order."""


async def inspect(reference: Reference, client: Client, *, child_configs: bool = False) -> Inspected:
    """Read what lies under a reference.

    All children of an index are read at once; their configs too, behind each its manifest, where ``child_configs``
    asks for them.
    """
    top = await client.get_manifest(reference.repository, reference.which)
    pinned = reference.with_digest(top.digest)
    if not top.is_index:
        return Inspected(pinned, top, await _config(pinned, top, client))
    reader.check(str(pinned), top.manifests)
    children = await together(_child(pinned, entry, client, configs=child_configs) for entry in top.manifests)
    return Inspected(pinned, top, children=tuple(children))


async def _child(index: Reference, descriptor: Descriptor, client: Client, *, configs: bool) -> Child:
    if descriptor.media_type not in types.MANIFESTS:
        return Child(descriptor)
    manifest = await reader.child(index.repository, descriptor, client)
    image = index.with_digest(descriptor.digest)
    return Child(descriptor, manifest, await _config(image, manifest, client) if configs else None)


async def _config(image: Reference, manifest: Manifest, client: Client) -> Config | None:
    """The config of an image, or of an artifact that has a JSON one too."""
    config = manifest.config
    if config is None or not config.media_type.endswith("json"):
        return None
    return await reader.config(image, config, client)
