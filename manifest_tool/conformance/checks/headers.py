"""What comes with a manifest: its headers, exact to the letter."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from manifest_tool.conformance import manifests
from manifest_tool.conformance.check import Check, Failed, Question, Unsupported
from manifest_tool.conformance.checks.content import AFTER, DIGEST
from manifest_tool.conformance.hold import NO_HEAD, expect, header
from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest

if TYPE_CHECKING:
    from manifest_tool.conformance.images import Content
    from manifest_tool.conformance.probe import Probe
    from manifest_tool.registry.answers import Answer

_Hold: TypeAlias = "Callable[[Answer, Content], None]"


async def _head(probe: Probe) -> str | None:
    tag = probe.tag("head")
    image = await manifests.pushed(probe, tag)
    for which in (tag, image.manifest.digest):
        is_head(await manifests.read(probe, which, "HEAD"))
    return None


def is_head(answer: Answer) -> None:
    """Hold an answer to HEAD to have found something; raises `Unsupported`, `Failed`."""
    if answer.status in NO_HEAD:
        raise Unsupported(f"HEAD of a manifest was answered with {answer.status}")
    expect(answer, 200)


def _of_each(name: str, hold: _Hold) -> Question:
    """A question about every answer that has a manifest: to GET and to HEAD, by tag and by digest."""

    async def ask(probe: Probe) -> str | None:
        tag = probe.tag(name)
        content = (await manifests.pushed(probe, tag)).manifest
        for method in ("GET", "HEAD"):
            for which in (tag, content.digest):
                answer = await manifests.read(probe, which, method)
                if method == "GET" or answer.status == 200:
                    hold(expect(answer, 200), content)
        return None

    return ask


def is_digest(answer: Answer, content: Content) -> None:
    """Hold an answer to tell the digest of a manifest, by whichever algorithm; raises `Unsupported`, `Failed`."""
    if DIGEST not in answer.headers:
        raise Unsupported(f"{DIGEST} is missing from the answer to {answer.method}")
    sha512 = answer.headers[DIGEST].startswith("sha512:")
    header(answer, DIGEST, str(Digest.of(content.raw, "sha512") if sha512 else content.digest))


def _type(answer: Answer, content: Content) -> None:
    header(answer, "Content-Type", content.media_type)


def is_length(answer: Answer, content: Content) -> None:
    """Hold an answer to tell the length of a manifest; raises `Unsupported`, `Failed`."""
    if "Content-Length" not in answer.headers:
        raise Unsupported(f"Content-Length is missing from the answer to {answer.method}")
    header(answer, "Content-Length", str(len(content.raw)))


async def _uncompressed(probe: Probe) -> str | None:
    tag = probe.tag("uncompressed")
    image = await manifests.pushed(probe, tag)
    answer = await manifests.read(probe, tag, headers={"Accept": types.ACCEPT, "Accept-Encoding": "gzip"})
    is_uncompressed(answer)
    manifests.same(answer, image.manifest, "GET by tag")
    return None


def is_uncompressed(answer: Answer) -> None:
    """Hold an answer to come as it is; raises `Failed`."""
    encoding = answer.headers.get("Content-Encoding", "identity")
    if encoding != "identity":
        raise Failed(
            f"Content-Encoding is {encoding!r}: clients that ask for it by themselves, as all in Go do, "
            "are then not told how long the manifest is"
        )


async def _etag(probe: Probe) -> str | None:
    image = await manifests.pushed(probe, probe.tag("etag"))
    digest = image.manifest.digest
    tag = expect(await manifests.read(probe, digest), 200).headers.get("ETag")
    if tag is None:
        raise Unsupported("ETag is missing")
    again = await manifests.read(probe, digest, headers={"Accept": types.ACCEPT, "If-None-Match": tag})
    if again.status == 200:
        raise Unsupported("a manifest that is as it was is sent again to whoever has it")
    expect(again, 304)
    other = await manifests.read(probe, digest, headers={"Accept": types.ACCEPT, "If-None-Match": '"other"'})
    manifests.same(other, image.manifest, "GET by who has another manifest")
    return None


CHECKS = (
    Check("manifest-head", "HEAD tells whether a manifest exists", _head, after=AFTER),
    Check("digest-header", "Docker-Content-Digest of a manifest is right", _of_each("digest", is_digest), after=AFTER),
    Check("content-type", "Content-Type of a manifest is its media type", _of_each("type", _type), after=AFTER),
    Check("content-length", "Content-Length of a manifest is right", _of_each("length", is_length), after=AFTER),
    Check("uncompressed", "a manifest is sent without compression", _uncompressed, after=AFTER),
    Check("etag", "a manifest is not sent again to a client that has it (ETag)", _etag, after=AFTER),
)
