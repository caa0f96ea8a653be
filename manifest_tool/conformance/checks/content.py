"""What is stored is what was pushed: the same bytes, under their own digest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifest_tool.conformance import images, manifests
from manifest_tool.conformance.check import Check, Failed
from manifest_tool.conformance.hold import expect, header, refused
from manifest_tool.conformance.record import words
from manifest_tool.conformance.waiting import found
from manifest_tool.errors import InvalidDigest
from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.registry import links
from manifest_tool.registry.upload import WRITTEN

if TYPE_CHECKING:
    from manifest_tool.conformance.images import Content
    from manifest_tool.conformance.probe import Probe
    from manifest_tool.registry.answers import Answer

DIGEST = "Docker-Content-Digest"
_NO_DIGEST = "sha256:baddigeststring"


async def _put(probe: Probe) -> str | None:
    """An image as the OCI has it, or else as Docker has it, which then is what all other checks go on with."""
    tag = probe.tag("put")
    image, answer = await _pushed(probe, tag)
    if not manifests.is_refused(answer) or manifests.lacks_content(answer):
        _accepted(answer, image, "an image")
        return None
    probe.site.refused.add(image.media_type)
    docker, second = await _pushed(probe, tag)
    if second.status not in WRITTEN:
        probe.site.refused.clear()
        _accepted(answer, image, "an image")
    _accepted(second, docker, "a Docker image")
    return f"Docker images are taken, but PUT of an OCI image was answered with {words(answer)}"


async def _put_by_digest(probe: Probe) -> str | None:
    content, answer = await _pushed(probe)
    _accepted(answer, content, "an image by its digest")
    await manifests.exact(probe, content.digest, content)
    return None


async def _pushed(probe: Probe, tag: str = "") -> tuple[Content, Answer]:
    """Put an image under a tag or else its digest, and once more where its blobs are not seen, as a push does."""
    image = probe.image()
    await manifests.put_blobs(probe, image)
    answer = await probe.put_manifest(image.manifest, tag)
    if manifests.lacks_content(answer):
        answer = await probe.put_manifest(image.manifest, tag)
    return image.manifest, answer


def _accepted(answer: Answer, content: Content, what: str) -> None:
    """Hold an answer to what a push takes for success; raises `Failed`."""
    if answer.status not in WRITTEN:
        raise Failed(f"PUT of {what} was answered with {words(answer)}")
    _names(answer, content.raw)


async def _get(probe: Probe) -> str | None:
    tag = probe.tag("get")
    image = await manifests.pushed(probe, tag)
    for which in (tag, image.manifest.digest):
        await manifests.exact(probe, which, image.manifest)
    return None


async def _created(probe: Probe) -> str | None:
    image = probe.image()
    await manifests.put_blobs(probe, image)
    answer, _ = await manifests.patiently(probe, image.manifest, probe.tag("created"))
    expect(answer, 201)
    location = answer.headers.get("Location", "")
    if not location:
        raise Failed("Location is missing from the answer to PUT of a manifest")
    try:
        url = links.follow(answer.url, location)
    except ValueError as error:
        raise Failed(f"the Location that PUT of a manifest is answered with {error}") from None
    got = await found(probe.site, lambda: probe.ask("GET", url, headers={"Accept": types.ACCEPT}))
    manifests.same(got, image.manifest, "GET of the Location")
    return None


async def _wrong_digest(probe: Probe) -> str | None:
    image, other = probe.image(), Digest.of(probe.data())
    await manifests.put_blobs(probe, image)
    answer = await probe.put_manifest(image.manifest, other)
    return refused(answer, "a manifest under the digest of something else")


async def _malformed_put(probe: Probe) -> str | None:
    image = probe.image()
    await manifests.put_blobs(probe, image)
    answer = await probe.put_manifest(image.manifest, _NO_DIGEST)
    return refused(answer, f"a manifest under {_NO_DIGEST}")


async def _malformed_get(probe: Probe) -> str | None:
    answer = await probe.get_manifest(_NO_DIGEST)
    return None if answer.status == 404 else refused(answer, f"GET of {_NO_DIGEST}")


async def _sha512(probe: Probe) -> str | None:
    image = probe.image()
    digest = Digest.of(image.manifest.raw, "sha512")
    await manifests.put_blobs(probe, image)
    answer = await manifests.put(probe, image.manifest, digest, "an image by its sha512 digest")
    named = answer.headers.get(DIGEST, "")
    if named and named != str(digest):
        got = await probe.get_manifest(digest)
        raise Failed(
            f"PUT by a sha512 digest was answered with {answer.status}, but what is stored is {named[:200]}; "
            f"GET by the digest that was asked for is answered with {words(got)}"
        )
    answer = await manifests.exact(probe, digest, image.manifest)
    if DIGEST in answer.headers:
        header(answer, DIGEST, str(digest))
    return None


async def _unknown_fields(probe: Probe) -> str | None:
    image = probe.image()
    content = images.with_fields(image.manifest, **{"x-unknown": {"é": [1.5, None, True]}, "": ""})
    await manifests.put_blobs(probe, image)
    await manifests.kept(probe, content, probe.tag("unknown-fields"), "an image with unknown fields")
    return None


def _names(answer: Answer, raw: bytes) -> None:
    """Hold the digest that an answer tells, if it does, to be that of the bytes; raises `Failed`."""
    text = answer.headers.get(DIGEST)
    if text is None:
        return
    try:
        right = Digest.parse(text.strip()).matches(raw)
    except InvalidDigest as error:
        raise Failed(f"{DIGEST} is no digest: {error.reason}") from None
    if not right:
        raise Failed(f"PUT of a manifest was answered with {DIGEST} {text[:200]}, where {Digest.of(raw)} was sent")


AFTER = ("manifest-put",)
BASE = (
    Check("manifest-put", "an image is pushed by tag", _put, needed=True, after=("blob-put",)),
    Check("manifest-put-digest", "an image is pushed by digest", _put_by_digest, needed=True, after=AFTER),
    Check("manifest-bytes", "a manifest is returned byte for byte", _get, needed=True, after=AFTER),
)
"""What everything else about manifests stands on."""
CHECKS = (
    Check("manifest-location", "a push is answered with 201 and the manifest's Location", _created, after=AFTER),
    Check("manifest-unknown-fields", "unknown fields of a manifest are kept", _unknown_fields, after=AFTER),
    Check("manifest-sha512", "a manifest is stored under its sha512 digest", _sha512, after=AFTER),
    Check("manifest-wrong-digest", "a manifest with the wrong digest is refused", _wrong_digest, after=AFTER),
    Check(
        "manifest-bad-digest-put", "PUT of a manifest with a malformed digest is refused", _malformed_put, after=AFTER
    ),
    Check(
        "manifest-bad-digest-get", "GET of a manifest with a malformed digest is refused", _malformed_get, after=AFTER
    ),
)
