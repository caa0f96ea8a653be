"""Taking away what was put (distribution-spec § Content Management)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from manifest_tool.conformance import blobs, manifests
from manifest_tool.conformance.check import Check, Failed, Group, Unsupported
from manifest_tool.conformance.checks.content import AFTER
from manifest_tool.conformance.hold import expect, optional
from manifest_tool.conformance.waiting import told, until
from manifest_tool.errors import Unauthorized
from manifest_tool.oci.digest import Digest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from manifest_tool.conformance.images import Image
    from manifest_tool.conformance.probe import Probe
    from manifest_tool.registry.answers import Answer

_DONE = (202, 200, 204)
_PATIENCE = 10.0
"""Seconds in which what was deleted is to be gone."""


async def _tag(probe: Probe) -> str | None:
    tag, other = probe.tag("delete-tag"), probe.tag("delete-tag-2")
    image = await _image(probe, tag, other)
    await _delete(probe, probe.repository.manifest_path(tag), "a tag")
    seconds = await _gone(probe, "the tag", lambda: probe.get_manifest(tag))
    for which, name in ((image.manifest.digest, "manifest"), (other, "other tag of the manifest")):
        answer = await probe.get_manifest(which)
        if answer.status == 404:
            raise Failed(f"with the tag, the {name} is gone: GET was answered with 404")
    return seconds


async def _manifest(probe: Probe) -> str | None:
    tags = probe.tag("delete-manifest"), probe.tag("delete-manifest-2")
    digest = (await _image(probe, *tags)).manifest.digest
    await _delete(probe, probe.repository.manifest_path(digest), "a manifest")
    seconds = await _gone(probe, "the manifest", lambda: probe.get_manifest(digest))
    for tag in tags:
        await _gone(probe, "a tag of the manifest", partial(probe.get_manifest, tag))
    return seconds


async def _blob(probe: Probe) -> str | None:
    digest = await probe.put_blob(data := probe.data())
    await blobs.exact(probe, digest, data)
    await _delete(probe, probe.repository.blob_path(digest), "a blob")
    return await _gone(probe, "the blob", lambda: probe.get_blob(digest))


async def _unknown(probe: Probe) -> str | None:
    path = probe.repository.manifest_path(Digest.of(probe.data()))
    answer = await probe.ask("DELETE", path)
    expect(answer, 404, *_DONE, what="DELETE of a manifest that is not there")
    return f"answered with {answer.status}"


async def _image(probe: Probe, *tags: str) -> Image:
    image = await manifests.pushed(probe, tags[0])
    for tag in tags[1:]:
        await manifests.put(probe, image.manifest, tag)
    names: tuple[str | Digest, ...] = (*tags, image.manifest.digest)
    for which in names:
        # What is not seen yet would pass for deleted.
        await manifests.exact(probe, which, image.manifest)
    return image


async def _delete(probe: Probe, path: str, what: str) -> None:
    """DELETE; raises `Unsupported` at a refusal, and where the account gets no token for it."""
    try:
        answer = await probe.ask("DELETE", path)
    except Unauthorized as error:
        raise Unsupported(f"DELETE of {what} is not allowed: {error}") from None
    optional(answer, *_DONE, what=f"DELETE of {what}")


async def _gone(probe: Probe, what: str, look: Callable[[], Awaitable[Answer]]) -> str | None:
    """How long it took until it was not there any more, where it took any time; raises `Failed`."""
    answer, seconds = await until(probe.site, look, lambda answer: answer.status == 404, _PATIENCE)
    if answer.status != 404:
        raise Failed(f"{what} was deleted, but GET is still answered with {answer.status} after {seconds:.0f} s")
    return f"{what} was gone {told(seconds)}" if seconds else None


CHECKS = Group(
    "deletes",
    (
        Check("delete-tag", "a tag can be deleted, and nothing else goes with it", _tag, after=AFTER),
        Check("delete-manifest", "a manifest can be deleted, and its tags go with it", _manifest, after=AFTER),
        Check("delete-blob", "a blob can be deleted", _blob, after=("blob-put",)),
        Check(
            "delete-unknown",
            "DELETE of an unknown manifest is answered with 404 or 202",
            _unknown,
            after=("delete-manifest",),
        ),
    ),
)
