"""Spec → sources: every image found, pinned and described; all at once, in the order of the spec."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from manifest_tool import reader
from manifest_tool.concurrency import outcomes, together
from manifest_tool.errors import InvalidContent, ManifestToolError, NotFound, PlatformNotFound, ResolveError
from manifest_tool.events import Noticed, Observer, Resolved
from manifest_tool.oci import media_type as types
from manifest_tool.oci.platform import Platform
from manifest_tool.registry.auth import NO_ACCESS, Access

if TYPE_CHECKING:
    from manifest_tool.oci.descriptor import Descriptor
    from manifest_tool.oci.digest import Digest
    from manifest_tool.oci.manifest import Manifest
    from manifest_tool.oci.reference import Reference, Repository
    from manifest_tool.registry.client import Client
    from manifest_tool.spec.model import Entry, Spec


@dataclass(frozen=True, slots=True)
class Image:
    """One manifest that the index will point to."""

    repository: Repository
    """Where it lies."""
    manifest: Manifest
    descriptor: Descriptor
    """What points to it: the entry of the index that it came from, else one without a platform."""


@dataclass(frozen=True, slots=True)
class Source:
    """An entry of the spec, found."""

    entry: Entry
    reference: Reference
    """Pinned to the digest that was found."""
    images: tuple[Image, ...]
    """The image itself, or what was chosen out of an index: its images, then their attestations."""
    from_index: bool
    platform: Platform
    """What the config of an image says; open where it was not read."""


def access(spec: Spec) -> Access:
    """The rights that reading the sources of a spec takes."""
    rights = NO_ACCESS
    for entry in spec.entries:
        rights |= Access.to(entry.reference.repository, "pull")
    return rights


@asynccontextmanager
async def resolving(
    spec: Spec, client: Client, *, ignore_missing: bool, observe: Observer
) -> AsyncIterator[Resolution]:
    """Begin to resolve a spec; what is under way when the context is left is given up."""
    resolution = Resolution(spec, client, ignore_missing=ignore_missing, observe=observe)
    try:
        yield resolution
    finally:
        await resolution.abandon()


class Resolution:
    """Finds the sources of a spec, and reads of each what its config says as soon as it is found."""

    def __init__(self, spec: Spec, client: Client, *, ignore_missing: bool, observe: Observer) -> None:
        self._spec = spec
        self._client = client
        self._ignore_missing = ignore_missing
        self._observe = observe
        self._described: dict[int, asyncio.Task[Source]] = {}
        """By the numbers of the entries."""

    async def found(self) -> tuple[Source, ...]:
        """Every source with all manifests below it; raises `ResolveError` with every failure.

        With ``ignore_missing``, an entry whose reference is not there is left out with a notice, so long as one is
        there.
        """
        entries = self._spec.entries
        sources, failures = _sorted_out(entries, await outcomes(map(self._find, entries)))
        missing = [(where, error) for where, error in failures if isinstance(error, NotFound)]
        if failures and (not self._ignore_missing or len(missing) < len(failures) or not sources):
            raise ResolveError(failures)
        for where, error in missing:
            self._observe(Noticed(f"{where}: {error}; left out, as --ignore-missing asks"))
        return sources

    async def described(self, sources: Sequence[Source]) -> tuple[Source, ...]:
        """The same sources with what their configs say about the platform; an index tells that by itself."""
        ended = await outcomes(self._described[source.entry.number] for source in sources)
        described, failures = _sorted_out([source.entry for source in sources], ended)
        if failures:
            raise ResolveError(failures)
        return described

    async def abandon(self) -> None:
        """Read nothing more."""
        for reading in self._described.values():
            reading.cancel()
        await asyncio.gather(*self._described.values(), return_exceptions=True)

    async def _find(self, entry: Entry) -> Source:
        source = await _find(entry, self._client, self._observe)
        self._described[entry.number] = asyncio.ensure_future(_describe(source, self._client))
        return source


def _sorted_out(
    entries: Sequence[Entry], found: Sequence[Source | ManifestToolError]
) -> tuple[tuple[Source, ...], list[tuple[str, ManifestToolError]]]:
    failures = [(e.where, item) for e, item in zip(entries, found, strict=True) if isinstance(item, ManifestToolError)]
    return tuple(item for item in found if isinstance(item, Source)), failures


async def _find(entry: Entry, client: Client, observe: Observer) -> Source:
    repository = entry.reference.repository
    top = await client.resolve(repository, entry.reference.which)
    images: tuple[Image, ...] = (Image(repository, top, top.descriptor),)
    if top.is_index:
        leaves = await _Walk(repository, client, observe).leaves(top, 1)
        images = tuple(await together(_child(repository, leaf, client) for leaf in _choose(entry, leaves)))
    reference = entry.reference.with_digest(top.digest)
    observe(Resolved(reference))
    return Source(entry, reference, images, top.is_index, Platform())


class _Walk:
    """One way through an index and the indexes in it, each visited once."""

    def __init__(self, repository: Repository, client: Client, observe: Observer) -> None:
        self._repository = repository
        self._client = client
        self._observe = observe
        self._seen: set[Digest] = set()
        self._entries: list[Descriptor] = []

    async def leaves(self, index: Manifest, depth: int) -> list[Descriptor]:
        """What the index points to in the end, in order, nested indexes opened up."""
        name = f"{self._repository}@{index.digest}"
        self._entries += index.manifests
        reader.check(name, self._entries, depth)
        branches = await together(self._branch(descriptor, depth) for descriptor in index.manifests)
        return [leaf for branch in branches for leaf in branch]

    async def _branch(self, descriptor: Descriptor, depth: int) -> list[Descriptor]:
        if descriptor.media_type in types.INDEXES:
            if descriptor.digest in self._seen:
                return []
            self._seen.add(descriptor.digest)
            nested = await reader.child(self._repository, descriptor, self._client)
            return await self.leaves(nested, depth + 1)
        if descriptor.media_type in types.MANIFESTS:
            return [descriptor]
        if descriptor.platform and not descriptor.artifact_type:
            raise InvalidContent(
                f"{self._repository}@{descriptor.digest}, for {descriptor.platform}, is of type"
                f" {descriptor.media_type!r}, which is no image's"
            )
        self._observe(
            Noticed(f"{self._repository}@{descriptor.digest} is of type {descriptor.media_type!r}, and is left out")
        )
        return []


async def _child(repository: Repository, descriptor: Descriptor, client: Client) -> Image:
    return Image(repository, await reader.child(repository, descriptor, client), descriptor)


def _choose(entry: Entry, leaves: Sequence[Descriptor]) -> list[Descriptor]:
    """The images of an index that the entry's platform asks for, and after them what attests to these."""
    attestations = [leaf for leaf in leaves if leaf.is_attestation]
    images = [leaf for leaf in leaves if not leaf.is_attestation]
    wanted = entry.platform
    if not wanted:
        return [*_with_platform(entry, images), *attestations]
    chosen = reader.choose(images, wanted)
    if not chosen:
        hint = "an entry's platform chooses among the images of an index; without one, all are taken"
        raise reader.missing(str(entry.reference), images, wanted, hint=hint)
    digests = {str(image.digest) for image in chosen}
    return [*chosen, *(attestation for attestation in attestations if attestation.describes in digests)]


def _with_platform(entry: Entry, images: list[Descriptor]) -> list[Descriptor]:
    if not images:
        raise PlatformNotFound(f"the index {entry.reference} has no image")
    if unnamed := [str(image.digest) for image in images if not image.platform]:
        raise InvalidContent(
            f"the index {entry.reference} does not tell the platform of {', '.join(unnamed)}",
            hint="give the entry the platform of the image that is wanted, or name that image by its digest",
        )
    return images


async def _describe(source: Source, client: Client) -> Source:
    if source.from_index:
        return source
    return replace(source, platform=await reader.platform(source.reference, source.images[0].manifest, client))
