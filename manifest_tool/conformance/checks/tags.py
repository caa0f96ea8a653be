"""Tags: put, moved, put again, and fought over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifest_tool.concurrency import together
from manifest_tool.conformance import manifests
from manifest_tool.conformance.check import Check, Failed, Unsupported
from manifest_tool.conformance.checks.content import AFTER
from manifest_tool.conformance.record import words
from manifest_tool.conformance.waiting import until
from manifest_tool.registry.upload import WRITTEN

if TYPE_CHECKING:
    from manifest_tool.conformance.images import Content
    from manifest_tool.conformance.probe import Probe
    from manifest_tool.registry.answers import Answer

_PATIENCE = 30.0
_IMMUTABLE = "tags are immutable: publish each version under a new tag"
_TAG_HEADER = "OCI-Tag"


async def _several(probe: Probe) -> str | None:
    """Put a manifest by its digest, then tag it, as a push does with images and with the index."""
    content = (await manifests.pushed(probe)).manifest
    tags = [probe.tag(f"several-{name}") for name in "abc"]
    first, *others = tags
    await manifests.put(probe, content, first)
    await together(manifests.put(probe, content, tag) for tag in others)
    for tag in tags:
        await manifests.exact(probe, tag, content)
    return None


async def _move(probe: Probe) -> str | None:
    tag = probe.tag("move")
    first, second = await manifests.pushed(probe, tag), probe.image()
    await manifests.put_blobs(probe, second)
    await manifests.exact(probe, tag, first.manifest)
    answer, _ = await manifests.patiently(probe, second.manifest, tag)
    if manifests.is_refused(answer):
        raise Unsupported(f"{_IMMUTABLE}; PUT under a tag that is taken was answered with {words(answer)}")
    if answer.status not in WRITTEN:
        raise Failed(f"PUT under a tag that is taken was answered with {words(answer)}")
    if not await _becomes(probe, tag, second.manifest):
        raise Failed(f"PUT under a tag that is taken was answered with {answer.status}, but the tag did not move")
    before = await probe.get_manifest(first.manifest.digest)
    if before.status == 404:
        return "the manifest that the tag named before is gone"
    manifests.same(before, first.manifest, "GET by digest of the manifest that the tag named before")
    return None


async def _again(probe: Probe) -> str | None:
    tag = probe.tag("again")
    content = (await manifests.pushed(probe, tag)).manifest
    answer = await probe.put_manifest(content, tag)
    if manifests.is_refused(answer):
        raise Unsupported(f"PUT of the same manifest under the same tag was answered with {words(answer)}")
    if answer.status not in WRITTEN:
        raise Failed(f"PUT of the same manifest under the same tag was answered with {words(answer)}")
    await manifests.exact(probe, tag, content)
    return None


async def _parameter(probe: Probe) -> str | None:
    image, tags = probe.image(), [probe.tag("parameter-a"), probe.tag("parameter-b")]
    await manifests.put_blobs(probe, image)
    path = f"{probe.repository.manifest_path(image.manifest.digest)}?tag={'&tag='.join(tags)}"
    headers = {"Content-Type": image.manifest.media_type}
    answer = await probe.ask("PUT", path, headers=headers, body=image.manifest.raw)
    if answer.status not in WRITTEN:
        raise manifests.not_stored(answer, "PUT by digest with tags")
    told = _told(answer)
    if not told:
        found = [tag for tag in tags if (await probe.get_manifest(tag, "HEAD")).status == 200]
        if found:
            raise Failed(f"PUT by digest with tags sets {', '.join(found)}, but {_TAG_HEADER} is missing")
        raise Unsupported(f"PUT by digest with tags sets none, and {_TAG_HEADER} is missing")
    if told != set(tags):
        raise Failed(f"{_TAG_HEADER} tells {', '.join(sorted(told))}, where {', '.join(tags)} were asked for")
    for tag in tags:
        await manifests.exact(probe, tag, image.manifest)
    return None


def _told(answer: Answer) -> set[str]:
    lines = answer.headers.getall(_TAG_HEADER, [])
    return {tag.strip() for line in lines for tag in line.split(",") if tag.strip()}


async def _race(probe: Probe) -> str | None:
    tag, pair = probe.tag("race"), [probe.image() for _ in range(2)]
    await manifests.put_blobs(probe, *pair)
    ended = [answer for answer, _ in await together(manifests.patiently(probe, one.manifest, tag) for one in pair)]
    for answer in ended:
        if answer.status not in WRITTEN and not manifests.is_refused(answer):
            raise Failed(f"one of two PUTs under the same tag was answered with {words(answer)}")
    stored = [image.manifest for image, answer in zip(pair, ended, strict=True) if answer.status in WRITTEN]
    found = await manifests.read(probe, tag)
    if found.status != 200:
        raise Failed(f"after two PUTs under the same tag, GET was answered with {words(found)}")
    if found.body not in {content.raw for content in stored}:
        raise Failed("after two PUTs under the same tag, GET gives neither of the two manifests")
    for content in stored:
        await manifests.exact(probe, content.digest, content)
    return None if len(stored) == len(pair) else "one of the two was refused"


async def _becomes(probe: Probe, tag: str, content: Content) -> bool:
    """Whether a tag is seen to mean this, sooner or later."""
    found, _ = await until(
        probe.site, lambda: probe.get_manifest(tag), lambda found: found.body == content.raw, _PATIENCE
    )
    return found.body == content.raw


CHECKS = (
    Check("tag-several", "a manifest can have several tags", _several, needed=True, after=AFTER),
    Check("tag-move", "a tag can be moved to another manifest", _move, after=AFTER),
    Check("tag-again", "a manifest can be pushed again under its tag", _again, after=AFTER),
    Check("tag-parameter", "a manifest is pushed and tagged in one request (?tag=)", _parameter, after=AFTER),
    Check("tag-race", "two pushes of one tag at once leave one of the two there", _race, after=AFTER),
)
