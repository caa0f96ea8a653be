"""Reference → which platforms it supports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from manifest_tool import reader
from manifest_tool.concurrency import together
from manifest_tool.oci import media_type as types
from manifest_tool.oci.descriptor import REFERENCE_TYPE, Descriptor
from manifest_tool.oci.platform import Platform

if TYPE_CHECKING:
    from manifest_tool.oci.digest import Digest
    from manifest_tool.oci.manifest import Manifest
    from manifest_tool.oci.reference import Reference
    from manifest_tool.registry.client import Client

_READ = 16
"""Images of an index that are read where it does not tell their platforms; strangers write indexes."""


@dataclass(frozen=True, slots=True)
class Support:
    """What lies under a reference, as far as it tells of platforms."""

    digest: Digest
    media_type: str
    size: int
    """Bytes."""
    manifests: tuple[Descriptor, ...]
    """The images of an index in its order, or the image itself; one without a platform is for nobody knows which."""
    attestations: int = 0
    """Entries of the index that are about others, and no images."""

    @property
    def is_index(self) -> bool:
        """Whether this is a Docker manifest list or an OCI image index."""
        return self.media_type in types.INDEXES

    def missing(self, wanted: Iterable[Platform]) -> tuple[Platform, ...]:
        """The platforms of these that no image is for."""
        have = [manifest.platform for manifest in self.manifests if manifest.platform]
        return tuple(want for want in wanted if not any(platform.satisfies(want) for platform in have))

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Read what `to_json` gave; raises `ValueError` where it is anything else."""
        manifests = value.get("manifests") if isinstance(value, dict) else None
        attestations = value.get("attestations") if isinstance(value, dict) else None
        if not isinstance(manifests, list) or not isinstance(attestations, int) or attestations < 0:
            raise ValueError("it tells of no platforms")
        itself = Descriptor.from_json(value)
        if itself.media_type not in types.INDEXES | types.MANIFESTS:
            raise ValueError(f"its media type is {itself.media_type!r}")
        entries = tuple(map(Descriptor.from_json, manifests))
        return cls(itself.digest, itself.media_type, itself.size, entries, attestations)

    def to_json(self) -> dict[str, Any]:
        """An object of the kind that the OCI image-spec calls descriptor, with those of the images in it."""
        return {
            "mediaType": self.media_type,
            "digest": str(self.digest),
            "size": self.size,
            "manifests": [_entry(manifest) for manifest in self.manifests],
            "attestations": self.attestations,
        }


async def find(reference: Reference, client: Client) -> Support:
    """Ask a registry: one GET of an index that tells the platforms of its images; an image's config is read too."""
    top = await client.get_manifest(reference.repository, reference.which)
    pinned = reference.with_digest(top.digest)
    if not top.is_index:
        platform = await _platform(pinned, top, client)
        return Support(top.digest, top.media_type, top.size, (replace(top.descriptor, platform=platform),))
    reader.check(str(pinned), top.manifests)
    images = [entry for entry in top.manifests if REFERENCE_TYPE not in entry.annotations]
    silent = [entry for entry in images if not entry.platform and entry.media_type in types.MANIFESTS][:_READ]
    found = await together(_read(pinned, entry, client) for entry in silent)
    told = dict(zip((entry.digest for entry in silent), found, strict=True))
    shown = tuple(_plain(entry, entry.platform or told.get(entry.digest)) for entry in images)
    return Support(top.digest, top.media_type, top.size, shown, len(top.manifests) - len(images))


async def _read(index: Reference, entry: Descriptor, client: Client) -> Platform | None:
    image = await reader.child(index.repository, entry, client)
    return await _platform(index.with_digest(entry.digest), image, client)


async def _platform(reference: Reference, image: Manifest, client: Client) -> Platform | None:
    """What the config of an image says; none for an artifact whose config says nothing of it."""
    if image.config is None or not image.config.media_type.endswith("json"):
        return None
    return Platform.from_json(await reader.config(reference, image.config, client)) or None


def _plain(entry: Descriptor, platform: Platform | None) -> Descriptor:
    """Without what is of no interest here."""
    return Descriptor(entry.media_type, entry.digest, entry.size, platform)


def _entry(manifest: Descriptor) -> Mapping[str, Any]:
    return {
        "mediaType": manifest.media_type,
        "digest": str(manifest.digest),
        "size": manifest.size,
        "platform": manifest.platform.to_json() if manifest.platform else None,
    }
