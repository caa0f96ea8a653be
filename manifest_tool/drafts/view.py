"""What ``docker manifest inspect`` looks at: images of a draft, or what lies in a registry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from manifest_tool import index, reader, resolver
from manifest_tool.concurrency import together
from manifest_tool.drafts.draft import shown
from manifest_tool.events import ignore
from manifest_tool.oci import media_type as types

if TYPE_CHECKING:
    from manifest_tool.oci.descriptor import Descriptor
    from manifest_tool.oci.manifest import Manifest
    from manifest_tool.oci.reference import Reference
    from manifest_tool.registry.client import Client
    from manifest_tool.resolver import Source
    from manifest_tool.spec.model import Spec


@dataclass(frozen=True, slots=True)
class View:
    """An image, and what a list says, or would say, of it."""

    reference: Reference
    descriptor: Descriptor
    manifest: Manifest | None = None
    """None where it was not read."""


async def of_draft(spec: Spec, client: Client) -> list[View]:
    """The images of a draft, those of indexes among its entries written out; raises `ResolveError`."""
    async with resolver.resolving(spec, client, ignore_missing=False, observe=ignore) as resolution:
        sources = await resolution.described(await resolution.found())
    return [view for source in sources for view in _views(source)]


def alone(views: list[View]) -> View | list[View]:
    """The image where it is the only one, whatever attests to it."""
    images = [view for view in views if not view.descriptor.is_attestation]
    return images[0] if len(images) == 1 else views


def _views(source: Source) -> Iterator[View]:
    reference = shown(source.entry)
    if not source.from_index:
        [image] = source.images
        platform = index.platform_of(source)
        yield View(reference, replace(image.descriptor, platform=platform), image.manifest)
        return
    for image in source.images:
        yield View(reference.with_digest(image.manifest.digest), image.descriptor, image.manifest)


async def of_registry(reference: Reference, client: Client, *, whole: bool) -> View | list[View]:
    """An image, or what an index lists; ``whole``, with the manifests and platforms that this takes more requests for.

    Raises `NotFound`.
    """
    found = await client.get_manifest(reference.repository, reference.which)
    if not found.is_index:
        platform = await reader.platform(reference, found, client) if whole else None
        return View(reference, replace(found.descriptor, platform=platform), found)
    reader.check(str(reference), found.manifests)
    if not whole:
        return [View(reference.with_digest(entry.digest), entry) for entry in found.manifests]
    return await together(_child(reference, entry, client) for entry in found.manifests)


async def _child(reference: Reference, descriptor: Descriptor, client: Client) -> View:
    known = descriptor.media_type in types.MANIFESTS | types.INDEXES
    manifest = await reader.child(reference.repository, descriptor, client) if known else None
    return View(reference.with_digest(descriptor.digest), descriptor, manifest)
