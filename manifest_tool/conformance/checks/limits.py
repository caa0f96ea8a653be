"""How much a registry takes: large manifests, long tags, many requests at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from manifest_tool.concurrency import together
from manifest_tool.conformance import blobs, images, manifests
from manifest_tool.conformance.check import Check, Failed, Group, Unsupported
from manifest_tool.conformance.checks.content import AFTER
from manifest_tool.conformance.hold import expect, optional, stored
from manifest_tool.conformance.record import words
from manifest_tool.errors import Unreachable
from manifest_tool.registry.upload import WRITTEN

if TYPE_CHECKING:
    from manifest_tool.conformance.images import Content
    from manifest_tool.conformance.probe import Probe

_MIB = 1024 * 1024
_LARGE = 3_900_000
"""Bytes; the spec wants at least 4 MiB to be taken."""
_TOO_LARGE = 5 * _MIB
_AT_ONCE = 32
_TAG = 128
"""Characters that a tag may have."""


async def _large(probe: Probe) -> str | None:
    content = await _padded(probe, _LARGE)
    answer, _ = await manifests.patiently(probe, content)
    optional(answer, *WRITTEN, what=f"PUT of a manifest of {_LARGE} bytes")
    found = expect(await manifests.read(probe, content.digest), 200, what=f"GET of a manifest of {_LARGE} bytes")
    if found.body != content.raw:
        raise Failed(f"GET of a manifest of {_LARGE} bytes gives {len(found.body)} other bytes")
    return None


async def _too_large(probe: Probe) -> str | None:
    what = f"a manifest of {_TOO_LARGE} bytes"
    try:
        answer = await probe.put_manifest(await _padded(probe, _TOO_LARGE))
    except Unreachable as error:
        raise Unsupported(f"{what} is not refused in words: {error}") from None
    if answer.status in WRITTEN:
        return f"{what} is taken"
    if 400 <= answer.status < 500 and answer.status != 413:
        raise Unsupported(f"PUT of {what} was answered with {words(answer)}, where 413 would say why")
    expect(answer, 413, what=f"PUT of {what}")
    return f"{what} is refused"


async def _chunked(probe: Probe) -> str | None:
    image = probe.image()
    await manifests.put_blobs(probe, image)
    manifest = image.manifest
    headers = {"Content-Type": manifest.media_type}
    path = probe.repository.manifest_path(manifest.digest)
    answer = await probe.ask("PUT", path, headers=headers, body=blobs.streamed(manifest.raw))
    if answer.status == 411:
        raise Unsupported(f"PUT of a manifest without a Content-Length was answered with {words(answer)}")
    stored(answer, "PUT of a manifest without a Content-Length")
    found = expect(await manifests.read(probe, manifest.digest), 200)
    if found.body != manifest.raw:
        raise Failed("GET of a manifest that was put without a Content-Length gives other bytes")
    return None


async def _long_tag(probe: Probe) -> str | None:
    tag = probe.tag("").ljust(_TAG, "x")
    image = probe.image()
    await manifests.put_blobs(probe, image)
    answer, _ = await manifests.patiently(probe, image.manifest, tag)
    stored(answer, f"PUT under a tag of {_TAG} characters")
    expect(await manifests.read(probe, tag), 200, what=f"GET by a tag of {_TAG} characters")
    return None


async def _burst(probe: Probe) -> str | None:
    digest = await probe.put_blob(data := probe.data())
    await blobs.exact(probe, digest, data)
    started, before = time.monotonic(), probe.site.put_off.total()
    found = await together(probe.get_blob(digest) for _ in range(_AT_ONCE))
    for answer in found:
        expect(answer, 200, what=f"one of {_AT_ONCE} requests at once")
    put_off = probe.site.put_off.total() - before
    return f"in {time.monotonic() - started:.1f} s" + (f", {put_off} times put off" if put_off else "")


async def _padded(probe: Probe, size: int) -> Content:
    """A manifest of so many bytes."""
    image = probe.image()
    await manifests.put_blobs(probe, image)
    bare = len(images.with_fields(image.manifest, annotations={"padding": ""}).raw)
    return images.with_fields(image.manifest, annotations={"padding": "x" * (size - bare)})


CHECKS = Group(
    "limits",
    (
        Check("manifest-large", "a manifest of 3.9 MB is stored", _large, after=AFTER),
        Check("manifest-too-large", "a manifest of 5 MiB is stored, or refused with 413", _too_large, after=AFTER),
        Check("manifest-chunked", "a manifest is stored without a Content-Length", _chunked, after=AFTER),
        Check("tag-long", f"a tag may have {_TAG} characters", _long_tag, after=AFTER),
        Check("burst", f"{_AT_ONCE} requests at once are answered", _burst, needed=True, after=("blob-put",)),
    ),
)
