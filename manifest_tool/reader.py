"""What manifests point to, read and held against what they say of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from manifest_tool.errors import InvalidContent, NotFound, PlatformNotFound
from manifest_tool.oci import media_type as types
from manifest_tool.oci import strict_json
from manifest_tool.oci.platform import Platform

if TYPE_CHECKING:
    from manifest_tool.oci.descriptor import Descriptor
    from manifest_tool.oci.manifest import Manifest
    from manifest_tool.oci.reference import Reference, Repository
    from manifest_tool.registry.client import Client

MAX_ENTRIES = 2_000
"""The most entries of an index, those of the indexes in it included, that are followed."""
MAX_BYTES = 64 * 1024 * 1024
"""The most that the manifests of these entries may have together."""
MAX_DEPTH = 8
_NAMED = 50


def check(name: str, entries: Collection[Descriptor], depth: int = 1) -> None:
    """Raise `InvalidContent` where an index lists more than is followed, or lies too deep in others."""
    if depth > MAX_DEPTH:
        raise InvalidContent(f"{name} is an index nested deeper than {MAX_DEPTH} levels, which is not followed")
    if len(entries) > MAX_ENTRIES:
        raise InvalidContent(f"{name} has {len(entries)} entries; at most {MAX_ENTRIES} are followed")
    size = sum(entry.size for entry in entries)
    if size > MAX_BYTES:
        raise InvalidContent(f"{name} lists manifests of {size} bytes; at most {MAX_BYTES} are read")


def choose(images: Sequence[Descriptor], wanted: Platform) -> list[Descriptor]:
    """The images of an index that a platform asks for.

    An exact match comes before what merely satisfies: ``linux/arm`` is ``arm/v7`` where there is one.
    """
    exact = [image for image in images if image.platform and image.platform.normalized() == wanted.normalized()]
    return exact or [image for image in images if image.platform and image.platform.satisfies(wanted)]


def missing(name: str, images: Sequence[Descriptor], wanted: Platform, *, hint: str = "") -> PlatformNotFound:
    """The error of an index in which there is no such image."""
    have = named(image.platform for image in images)
    return PlatformNotFound(f"the index {name} has no image for {wanted}; it has {have}", hint=hint)


def named(platforms: Iterable[Platform | None]) -> str:
    """Platforms on one line of an error, each once, and not all of very many."""
    names = list(dict.fromkeys(" ".join(str(platform).split()) for platform in platforms if platform))
    rest = [f"{len(names) - _NAMED} more"] if len(names) > _NAMED else []
    return ", ".join([*names[:_NAMED], *rest]) or "no platform"


async def child(repository: Repository, descriptor: Descriptor, client: Client) -> Manifest:
    """The manifest that an entry of an index points to; raises `InvalidContent` where it is gone or another one."""
    try:
        found = await client.resolve(repository, descriptor.digest, limit=descriptor.size)
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
        document = strict_json.decode(raw)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise InvalidContent(f"the config {descriptor.digest} of {image} is not a JSON object")
    return document


async def platform(image: Reference, manifest: Manifest, client: Client) -> Platform:
    """What the config of an image says of its platform; open for what is no image."""
    found = manifest.config
    if found is None or found.media_type not in types.CONFIGS:
        return Platform()
    return Platform.from_json(await config(image, found, client))
