"""What lies below a reference that is read: the images of an index, configs and layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from manifest_tool.concurrency import together
from manifest_tool.conformance.check import Failed, Unsupported, Untried
from manifest_tool.conformance.checks import reference
from manifest_tool.conformance.hold import expect, header
from manifest_tool.conformance.manifests import is_refused
from manifest_tool.conformance.record import words
from manifest_tool.errors import InvalidContent
from manifest_tool.oci import media_type as types

if TYPE_CHECKING:
    from manifest_tool.conformance.probe import Probe
    from manifest_tool.oci.descriptor import Descriptor
    from manifest_tool.oci.digest import Digest
    from manifest_tool.oci.manifest import Manifest

_MOST = 200
"""Manifests, and blobs, that are looked for at the most."""


async def children(probe: Probe) -> str | None:
    """Whether everything that an index lists is there."""
    manifest = await reference.get(probe, reference.which(probe))
    if not manifest.is_index:
        return "the reference is an image, and lists none"
    listed = {child.digest: child for child in manifest.manifests}
    await together(_child(probe, child) for child in _some(listed))
    return _counted(listed)


async def _child(probe: Probe, child: Descriptor) -> None:
    answer = await probe.get_manifest(child.digest)
    if answer.status != 200:
        raise Failed(f"{child.digest}, which the index lists, was answered with {words(answer)}")
    if len(answer.body) != child.size:
        raise Failed(f"{child.digest} has {len(answer.body)} bytes, where the index says {child.size}")
    if not child.digest.matches(answer.body):
        raise Failed(f"GET by the digest {child.digest} gives something else")
    if child.media_type in types.INDEXES | types.MANIFESTS:
        probe.site.read[child.digest] = reference.parsed(answer, child.digest)


def _some(found: Mapping[Digest, Descriptor]) -> list[Descriptor]:
    """As many as are looked for."""
    return list(found.values())[:_MOST]


def _counted(found: Mapping[Digest, Descriptor]) -> str:
    left = f"; the other {len(found) - _MOST} were not looked for" if len(found) > _MOST else ""
    return f"{len(_some(found))} of {len(found)} are there{left}"


async def _images(probe: Probe) -> list[Manifest]:
    """The image, or those that an index lists and that were found; not those of the indexes in it."""
    manifest, read = await reference.get(probe, reference.which(probe)), probe.site.read
    listed = [manifest, *(read[child.digest] for child in manifest.manifests if child.digest in read)]
    return [image for image in listed if not image.is_index]


async def blobs(probe: Probe) -> str | None:
    """Whether the configs and layers are there."""
    found = {blob.digest: blob for image in await _images(probe) for blob in image.blobs}
    if not found:
        raise Untried("the reference lists no image")
    await together(_blob(probe, blob) for blob in _some(found))
    return _counted(found)


async def _blob(probe: Probe, blob: Descriptor) -> None:
    answer = await probe.get_blob(blob.digest, "HEAD")
    if answer.status != 200 and answer.status != 404 and is_refused(answer):
        raise Unsupported(f"HEAD of a blob was answered with {answer.status}")
    if answer.status != 200:
        raise Failed(f"HEAD of {blob.digest}, which an image needs, was answered with {answer.status}")
    if answer.headers.get("Content-Length", str(blob.size)) != str(blob.size):
        length = answer.headers["Content-Length"]
        raise Failed(f"HEAD of {blob.digest} tells a length of {length}, where the image says {blob.size}")


async def config(probe: Probe) -> str | None:
    """Whether a config is what it is named by."""
    configs = [image.config for image in await _images(probe) if image.config]
    if not configs:
        raise Untried("the reference lists no image")
    answer = expect(await probe.get_blob(configs[0].digest), 200)
    if not configs[0].digest.matches(answer.body):
        raise Failed(f"GET of the config {configs[0].digest} gives {len(answer.body)} bytes of something else")
    return None


async def part(probe: Probe) -> str | None:
    """Ask for one byte of the smallest blob that has more than one."""
    blobs = sorted((blob.size, blob.digest) for image in await _images(probe) for blob in image.blobs if blob.size > 1)
    if not blobs:
        raise Untried("there is no blob of more than a byte")
    size, digest = blobs[0]
    try:
        answer = await probe.get_blob(digest, headers={"Range": "bytes=1-1"})
    except InvalidContent:
        raise Unsupported("GET of one byte of a blob is answered with all of it") from None
    if answer.status == 200:
        raise Unsupported("GET of one byte of a blob is answered with all of it")
    expect(answer, 206)
    header(answer, "Content-Range", f"bytes 1-1/{size}")
    if len(answer.body) != 1:
        raise Failed(f"GET of one byte of a blob gives {len(answer.body)} bytes")
    return None
