"""Reference → what lies there: the manifest, what it points to, and what the configs say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from manifest_tool import reader
from manifest_tool.concurrency import both, together
from manifest_tool.errors import PlatformNotFound
from manifest_tool.events import Noticed, Observer, ignore
from manifest_tool.oci import media_type as types
from manifest_tool.oci.platform import Platform
from manifest_tool.oci.reference import Reference

if TYPE_CHECKING:
    from manifest_tool.oci.descriptor import Descriptor
    from manifest_tool.oci.digest import Digest
    from manifest_tool.oci.manifest import Manifest
    from manifest_tool.oci.reference import Repository
    from manifest_tool.registry.client import Client

Config: TypeAlias = Mapping[str, Any]
"""A config as it stands; a hostile one has any value anywhere."""
ANY = Platform()


@dataclass(frozen=True, slots=True)
class Child:
    """One entry of an index."""

    descriptor: Descriptor
    """As it stands in the index."""
    manifest: Manifest | None = None
    """None for what is no manifest, and for what was not asked for."""
    config: Config | None = field(default=None, hash=False)
    """None where it was not read, or is not JSON."""
    children: tuple[Child, ...] = ()
    """Of a nested index that was opened, in its order."""


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
    referrers: tuple[Descriptor, ...] | None = None
    """None where they were not asked for."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How much is read of what an index lists."""

    images: bool = True
    """The manifests of images."""
    configs: bool = False
    """The configs of those whose entry tells no platform."""
    nested: bool = False
    """The indexes in it, and what these list."""


FLAT = Reach()
WHOLE = Reach(configs=True, nested=True)
_INDEXES = Reach(images=False, nested=True)


async def inspect(
    reference: Reference,
    client: Client,
    *,
    platform: Platform = ANY,
    reach: Reach = FLAT,
    referrers: bool = False,
    observe: Observer = ignore,
) -> Inspected:
    """Read what lies under a reference, or the image for a platform in it.

    All children of an index are read at once, and what refers to it beside them.
    """
    found = await find(reference, client, platform, observe)
    if not referrers:
        return await _filled(found, client, reach)
    listing = client.list_referrers(reference.repository, found.manifest.digest)
    filled, listed = await both(_filled(found, client, reach), listing)
    return replace(filled, referrers=listed)


async def find(reference: Reference, client: Client, platform: Platform = ANY, observe: Observer = ignore) -> Inspected:
    """The manifest alone; of an index the one for a platform, where one is asked for."""
    top, chosen = await _point(reference, client, platform, observe)
    if chosen.digest == top.digest:
        return Inspected(reference.with_digest(top.digest), top)
    # The tag is that of the index.
    pinned = replace(reference, tag="", digest=chosen.digest)
    return Inspected(pinned, await reader.child(reference.repository, chosen, client))


async def digest(reference: Reference, client: Client, platform: Platform = ANY, observe: Observer = ignore) -> Digest:
    """The digest alone: without a platform, by one HEAD where the registry answers it."""
    if platform:
        return (await _point(reference, client, platform, observe))[1].digest
    known = await client.head_manifest(reference.repository, reference.which)
    # What is missing is told by the answer to a GET; that of a HEAD has no words.
    return known or (await client.get_manifest(reference.repository, reference.which)).digest


def blobs(node: Inspected | Child) -> dict[Digest, Descriptor]:
    """The configs and layers of everything below that was read, each once."""
    found = {entry.digest: entry for child in node.children for entry in blobs(child).values()}
    manifest = node.manifest
    own = (*((manifest.config,) if manifest.config else ()), *manifest.layers) if manifest else ()
    return found | {entry.digest: entry for entry in own}


def leaves(children: Iterable[Child]) -> Iterator[Child]:
    """The children, with those of nested indexes in place of these."""
    for child in children:
        if child.descriptor.media_type in types.INDEXES and child.manifest:
            yield from leaves(child.children)
        else:
            yield child


async def _point(
    reference: Reference, client: Client, platform: Platform, observe: Observer
) -> tuple[Manifest, Descriptor]:
    """What lies under a reference, and what is for a platform: an entry of an index, or else the whole."""
    top = await client.get_manifest(reference.repository, reference.which)
    pinned = reference.with_digest(top.digest)
    if platform and top.is_index:
        return top, await _chosen(pinned, top, client, platform, observe)
    if platform:
        await _check(pinned, top, client, platform)
    return top, top.descriptor


async def _chosen(index: Reference, top: Manifest, client: Client, wanted: Platform, observe: Observer) -> Descriptor:
    """What an index points to for a platform, nested indexes looked into."""
    walk = _Walk(index.repository, client, _INDEXES)
    entries = [child.descriptor for child in leaves(await walk.children(top))]
    images = [entry for entry in entries if entry.media_type in types.MANIFESTS and not entry.is_attestation]
    chosen = list({image.digest: image for image in reader.choose(images, wanted)}.values())
    if not chosen:
        raise reader.missing(str(index), images, wanted)
    if len(chosen) > 1:
        first = f"{chosen[0].digest}, for {reader.named([chosen[0].platform])}"
        observe(Noticed(f"{index} has {len(chosen)} images for {wanted}; the first is taken: {first}"))
    return chosen[0]


async def _check(image: Reference, manifest: Manifest, client: Client, wanted: Platform) -> None:
    """Raise `PlatformNotFound` where an image is not for a platform."""
    have = platform_of(await _config(image, manifest, client))
    if not have.satisfies(wanted):
        raise PlatformNotFound(f"{image} is no image for {wanted}; it is for {reader.named([have])}")


def platform_of(config: Config | None) -> Platform:
    """What a config says that its image is for; open where it says nothing."""
    return Platform.from_json(dict(config or {}))


async def _filled(found: Inspected, client: Client, reach: Reach) -> Inspected:
    if not found.manifest.is_index:
        return replace(found, config=await _config(found.reference, found.manifest, client))
    walk = _Walk(found.reference.repository, client, reach)
    return replace(found, children=await walk.children(found.manifest))


class _Walk:
    """One way through an index, and the indexes in it where these are to be opened."""

    def __init__(self, repository: Repository, client: Client, reach: Reach) -> None:
        self._repository = repository
        self._client = client
        self._reach = reach
        self._entries: list[Descriptor] = []

    async def children(self, index: Manifest, depth: int = 1) -> tuple[Child, ...]:
        """What an index lists, in its order."""
        self._entries += index.manifests
        reader.check(f"{self._repository}@{index.digest}", self._entries, depth)
        return tuple(await together(self._child(entry, depth) for entry in index.manifests))

    async def _child(self, descriptor: Descriptor, depth: int) -> Child:
        if descriptor.media_type in types.INDEXES and self._reach.nested:
            index = await reader.child(self._repository, descriptor, self._client)
            return Child(descriptor, index, children=await self.children(index, depth + 1))
        if descriptor.media_type not in types.MANIFESTS or not self._reach.images:
            return Child(descriptor)
        manifest = await reader.child(self._repository, descriptor, self._client)
        return Child(descriptor, manifest, await self._config(descriptor, manifest))

    async def _config(self, descriptor: Descriptor, manifest: Manifest) -> Config | None:
        if not self._reach.configs or descriptor.platform or descriptor.is_attestation:
            return None
        return await _config(Reference(self._repository, digest=descriptor.digest), manifest, self._client)


async def _config(image: Reference, manifest: Manifest, client: Client) -> Config | None:
    """The config of an image, or of an artifact that has a JSON one too."""
    config = manifest.config
    if config is None or not config.media_type.endswith("json"):
        return None
    return await reader.config(image, config, client)
