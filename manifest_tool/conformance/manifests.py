"""Manifests put into a registry and read back, for the checks of what becomes of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from manifest_tool.concurrency import together
from manifest_tool.conformance.check import Failed, Unsupported, Verdict
from manifest_tool.conformance.record import words
from manifest_tool.conformance.waiting import found, pause
from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.manifest import Manifest
from manifest_tool.registry import answers
from manifest_tool.registry.upload import WRITTEN

if TYPE_CHECKING:
    from manifest_tool.conformance.check import Question
    from manifest_tool.conformance.images import Content, Image
    from manifest_tool.conformance.probe import Probe
    from manifest_tool.registry.answers import Answer

Make: TypeAlias = "Callable[[Probe], Awaitable[Content]]"
_REFUSED = frozenset({400, 403, 404, 405, 406, 409, 412, 413, 415, 422, 501})
"""What a registry says no with."""
_MISSING = frozenset({"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_UNKNOWN"})


def is_refused(answer: Answer) -> bool:
    """Whether this is a clear no."""
    return answer.status in _REFUSED


def lacks_content(answer: Answer) -> bool:
    """Whether a manifest was refused because of what it points to."""
    return answer.status >= 400 and not _MISSING.isdisjoint(answers.exchange(answer).codes)


def not_stored(answer: Answer, what: str, *, whole: bool = True) -> Verdict:
    """The verdict on an answer that is no success; ``whole``: all that the manifest points to was acknowledged."""
    text = f"{what} was answered with {words(answer)}"
    if whole and lacks_content(answer):
        return Failed(f"{text}, though all that it points to was stored")
    return Unsupported(text) if is_refused(answer) else Failed(text)


async def patiently(probe: Probe, content: Content, which: str | Digest = "") -> tuple[Answer, int]:
    """PUT a manifest, again while what it points to is not seen, as a push does; the last answer, and its number."""
    tries = 1
    while lacks_content(answer := await probe.put_manifest(content, which)):
        if not await pause(probe.site, tries, words(answer)):
            break
        tries += 1
    return answer, tries


async def put(
    probe: Probe, content: Content, which: str | Digest = "", what: str = "the manifest", *, whole: bool = True
) -> Answer:
    """Put a manifest under a tag, or else its digest; ``whole``: all that it points to was acknowledged.

    Raises `Unsupported` where the registry refuses it, and `Failed` where it breaks over it, or lost what was there.
    """
    answer, _ = await patiently(probe, content, which)
    if answer.status not in WRITTEN:
        raise not_stored(answer, f"PUT of {what}", whole=whole)
    return answer


async def put_blobs(probe: Probe, *made: Image) -> None:
    """Upload what images are made of, each blob once."""
    blobs = {blob.digest: blob.raw for image in made for blob in (image.config, image.layer)}
    await together(probe.put_blob(raw) for raw in blobs.values())


async def push(probe: Probe, *made: Image) -> None:
    """Push images by digest."""
    await put_blobs(probe, *made)
    await together(put(probe, image.manifest, what="an image") for image in made)


async def pushed(probe: Probe, tag: str = "") -> Image:
    """Make an image and push it, under a tag or else its digest."""
    image = probe.image()
    await put_blobs(probe, image)
    await put(probe, image.manifest, tag, "an image")
    return image


async def read(
    probe: Probe, which: str | Digest, method: str = "GET", headers: Mapping[str, str] | None = None
) -> Answer:
    """GET or HEAD what was put before; looked for again while it is not there."""
    path, headers = probe.repository.manifest_path(which), headers or {"Accept": types.ACCEPT}
    return await found(probe.site, lambda: probe.ask(method, path, headers=headers))


async def exact(probe: Probe, which: str | Digest, content: Content) -> Answer:
    """GET what was put, and hold it to its bytes, and to be of use to a client; raises `Failed`."""
    answer = await read(probe, which)
    same(answer, content, f"GET by {'digest' if isinstance(which, Digest) else 'tag'}")
    try:
        Manifest.parse(answer.body, answer.headers.get("Content-Type", ""))
    except ValueError as error:
        raise Failed(f"a manifest of the type {content.media_type} cannot be read: {error}") from None
    return answer


def same(answer: Answer, content: Content, what: str) -> None:
    """Hold an answer to the bytes that were put; raises `Failed`."""
    if answer.status != 200:
        raise Failed(f"{what} was answered with {words(answer)}, where 200 was expected: it was stored before")
    if answer.body != content.raw:
        raise Failed(
            f"{what} gives {len(answer.body)} bytes with the digest {Digest.of(answer.body)}, "
            f"where {len(content.raw)} with {content.digest} were put"
        )


async def kept(probe: Probe, content: Content, tag: str, what: str, *, whole: bool = True) -> Answer:
    """Put a manifest under a tag, and have it back to the byte by tag and by digest; the answer to the PUT."""
    answer = await put(probe, content, tag, what, whole=whole)
    for which in (tag, content.digest):
        await exact(probe, which, content)
    return answer


def keeping(name: str, what: str, make: Make, *, whole: bool = True) -> Question:
    """Whether a manifest is taken, and comes back as it was; ``make`` pushes what it points to, all of it
    where it is ``whole``.
    """

    async def ask(probe: Probe) -> str | None:
        await kept(probe, await make(probe), probe.tag(name), what, whole=whole)
        return None

    return ask
