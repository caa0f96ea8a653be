"""How soon what was written is seen: there are registries that show it only in a while."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from manifest_tool.concurrency import together
from manifest_tool.conformance import images, manifests
from manifest_tool.conformance.check import Check, Failed
from manifest_tool.conformance.record import words
from manifest_tool.conformance.waiting import AT_ONCE, told, until
from manifest_tool.registry.upload import WRITTEN

if TYPE_CHECKING:
    from manifest_tool.conformance.images import Content
    from manifest_tool.conformance.probe import Probe
    from manifest_tool.oci.digest import Digest
    from manifest_tool.registry.answers import Answer

_PATIENCE = 30.0
"""Seconds in which everything is to be seen by everybody."""
_READERS = 8
_AFTER = ("manifest-bytes",)
_CHILDREN = ("linux/amd64", "linux/arm64", "linux/s390x", "linux/ppc64le")


async def _tag(probe: Probe) -> str:
    tag = probe.tag("visible-tag")
    content = (await manifests.pushed(probe, tag)).manifest
    return await _seen(probe, tag, content)


async def _child(probe: Probe) -> str:
    content = (await manifests.pushed(probe)).manifest
    return await _seen(probe, content.digest, content)


async def _readers(probe: Probe) -> str:
    tag = probe.tag("visible-readers")
    content = (await manifests.pushed(probe, tag)).manifest
    return await _seen(probe, tag, content, _READERS)


async def _moved(probe: Probe) -> str:
    tag = probe.tag("visible-move")
    await manifests.pushed(probe, tag)
    content = (await manifests.pushed(probe, tag)).manifest
    return await _seen(probe, tag, content, _READERS)


async def _seen(probe: Probe, which: str | Digest, content: Content, readers: int = 1) -> str:
    """Look until every reader has the manifest; how long that took."""

    async def look() -> list[Answer]:
        return await together(probe.get_manifest(which) for _ in range(readers))

    found, seconds = await until(probe.site, look, lambda found: _all_are(found, content), _PATIENCE)
    if not _all_are(found, content):
        missed = [answer for answer in found if not _all_are([answer], content)]
        got = words(missed[0]) if missed[0].status != 200 else "something else"
        raise Failed(f"{len(missed)} of {readers} readers were given {got} even after {seconds:.0f} s")
    return told(seconds)


def _all_are(found: Sequence[Answer], content: Content) -> bool:
    return all(answer.status == 200 and answer.body == content.raw for answer in found)


async def _index_at_once(probe: Probe) -> str:
    """Put an index as soon as its images are acknowledged, and as patiently as a push does."""
    nonce, clock = probe.nonce(), probe.site.patience.clock
    children = [images.image(nonce, platform) for platform in _CHILDREN]
    await manifests.push(probe, *children)
    index = images.index([child.descriptor() for child in children])
    started = clock()
    answer, tries = await manifests.patiently(probe, index, probe.tag("at-once"))
    if answer.status not in WRITTEN:
        which = f" (attempt {tries})" if tries > 1 else ""
        raise manifests.not_stored(answer, f"PUT of an index right after its images{which}")
    return f"{told(clock() - started)}, attempt {tries}" if tries > 1 else AT_ONCE


CHECKS = (
    Check("visible-tag", "a new tag can be read", _tag, after=_AFTER),
    Check("visible-child", "a manifest pushed by digest can be read", _child, after=_AFTER),
    Check("visible-readers", f"a new tag can be read by {_READERS} readers at once", _readers, after=_AFTER),
    Check("visible-move", "a moved tag is read as the new manifest", _moved, after=("tag-move",)),
    Check("visible-index", "an index is stored right after its images", _index_at_once, after=("index-oci",)),
)
