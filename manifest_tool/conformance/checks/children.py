"""What points to something that is not there: both to take it and to refuse it is allowed (§ Pushing Manifests)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifest_tool.conformance import images, manifests
from manifest_tool.conformance.check import Check, Failed, Untried
from manifest_tool.conformance.checks.content import AFTER
from manifest_tool.conformance.record import words
from manifest_tool.errors import RegistryError
from manifest_tool.registry import answers
from manifest_tool.registry.upload import WRITTEN

if TYPE_CHECKING:
    from manifest_tool.conformance.images import Content
    from manifest_tool.conformance.probe import Probe


async def _missing_child(probe: Probe) -> str | None:
    there, missing = probe.image(), probe.image("linux/arm64")
    await manifests.push(probe, there)
    index = images.index([there.descriptor(), missing.descriptor()])
    return await _either(probe, index, probe.tag("missing-child"))


async def _child_elsewhere(probe: Probe) -> str | None:
    image, other = probe.image(), probe.site.other
    try:
        await probe.put_image(image, repository=other)
    except (Failed, RegistryError) as error:
        raise Untried(f"nothing can be put into {other}: {error}") from None
    return await _either(probe, images.index([image.descriptor()]), probe.tag("child-elsewhere"))


async def _missing_layer(probe: Probe) -> str | None:
    image = probe.image()
    await probe.put_blob(image.config.raw)
    return await _either(probe, image.manifest, probe.tag("missing-layer"))


async def _missing_config(probe: Probe) -> str | None:
    image = probe.image()
    await probe.put_blob(image.layer.raw)
    return await _either(probe, image.manifest, probe.tag("missing-config"))


async def _missing_subject(probe: Probe) -> str | None:
    subject, image = probe.image(), probe.image()
    await manifests.put_blobs(probe, image)
    content = images.with_fields(image.manifest, subject=subject.manifest.descriptor())
    tag = probe.tag("missing-subject")
    answer, _ = await manifests.patiently(probe, content, tag)
    if answer.status not in WRITTEN:
        raise Failed(
            f"PUT of an image whose subject is not there was answered with {words(answer)}, "
            "where 201 was expected: subject and referrer may be pushed in either order"
        )
    for which in (tag, content.digest):
        await manifests.exact(probe, which, content)
    return None


async def _either(probe: Probe, content: Content, tag: str) -> str:
    """Whether it is taken and kept, or refused and not there; raises `Failed` where it is neither."""
    answer = await probe.put_manifest(content, tag)
    if answer.status in WRITTEN:
        for which in (tag, content.digest):
            await manifests.exact(probe, which, content)
        return "taken"
    if not manifests.is_refused(answer):
        raise Failed(f"PUT was answered with {words(answer)}, where 201 or 400 was expected")
    codes = answers.exchange(answer).codes
    refused = f"refused with {answer.status} {', '.join(dict.fromkeys(codes))[:200] or 'and no code'}"
    found = await probe.get_manifest(tag)
    if found.status < 400:
        raise Failed(f"{refused}, but GET by tag was answered with {found.status}")
    return refused


CHECKS = (
    Check("missing-child", "an index with a missing image is either stored or refused", _missing_child, after=AFTER),
    Check(
        "child-elsewhere",
        "an index of another repository's image is either stored or refused",
        _child_elsewhere,
        after=AFTER,
    ),
    Check("missing-layer", "an image with a missing layer is either stored or refused", _missing_layer, after=AFTER),
    Check("missing-config", "an image with a missing config is either stored or refused", _missing_config, after=AFTER),
    Check("missing-subject", "an image with a missing subject is stored", _missing_subject, after=AFTER),
)
