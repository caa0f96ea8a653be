"""Images that are to be listed, looked up in their registries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from manifest_tool import resolver
from manifest_tool.concurrency import outcomes
from manifest_tool.drafts.draft import image_reference
from manifest_tool.errors import ManifestToolError, ResolveError
from manifest_tool.oci import media_type as types
from manifest_tool.oci.kind import Kind
from manifest_tool.oci.platform import Platform
from manifest_tool.registry.auth import Access
from manifest_tool.spec.edit import Item
from manifest_tool.spec.model import Entry, Spec

if TYPE_CHECKING:
    from manifest_tool.events import Observer
    from manifest_tool.oci.reference import Reference
    from manifest_tool.registry.client import Client
    from manifest_tool.resolver import Source

_MAX_TEXT = 128
"""Characters of a value in a spec."""
_OCI = frozenset({types.OCI_INDEX, types.OCI_MANIFEST})


async def look_up(target: Reference, names: Sequence[str], client: Client, observe: Observer) -> list[Item]:
    """Pin every image to what it is now, all at once; raises `ResolveError` with every failure."""
    given = {image_reference(name): name for name in names}
    entries = [Entry(number, image, Platform(), name) for number, (image, name) in enumerate(given.items(), 1)]
    spec = Spec(target.repository, (target.tag,), tuple(entries))
    client = client.expecting(resolver.access(spec))
    async with resolver.resolving(spec, client, ignore_missing=False, observe=observe) as resolution:
        sources = await resolution.described(await resolution.found())
    return [Item(source.reference, _platform(source)) for source in sources]


async def kind_of(spec: Spec, client: Client) -> Kind:
    """What a list becomes where nobody says so: an OCI index where all of it is OCI, else a Docker manifest list.

    Raises `ResolveError`.
    """
    client = client.expecting(Access.to(spec.repository, "pull", "push") | resolver.access(spec))
    references = [entry.reference for entry in spec.entries]
    found = await outcomes(client.resolve(reference.repository, reference.which) for reference in references)
    pairs = list(zip(spec.entries, found, strict=True))
    if failures := [(entry.where, item) for entry, item in pairs if isinstance(item, ManifestToolError)]:
        raise ResolveError(failures)
    manifests = [item for item in found if not isinstance(item, ManifestToolError)]
    is_oci = spec.annotations or all(manifest.media_type in _OCI for manifest in manifests)
    return Kind.OCI if is_oci else Kind.DOCKER


def _platform(source: Source) -> Platform:
    """What an image, or an index of a single one, says of its platform; open where a spec could not say it."""
    images = [image for image in source.images if not image.descriptor.is_attestation]
    in_index = images[0].descriptor.platform if len(images) == 1 else None
    found = (in_index or Platform()) if source.from_index else source.platform
    found = found.spelled()
    return Platform() if found.problem() or not all(map(_can_be_written, _texts(found))) else found


def _texts(platform: Platform) -> tuple[str, ...]:
    return platform.os_version, *platform.os_features


def _can_be_written(text: str) -> bool:
    return text.isprintable() and len(text) <= _MAX_TEXT
