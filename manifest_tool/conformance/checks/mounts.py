"""Blobs taken over from another repository (distribution-spec § Mounting a blob from another repository)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifest_tool.conformance import blobs, images, manifests
from manifest_tool.conformance.check import Check, Failed, Group, Unsupported
from manifest_tool.conformance.probe import expect
from manifest_tool.conformance.record import words
from manifest_tool.conformance.session import Session
from manifest_tool.errors import Unauthorized
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.reference import Repository
from manifest_tool.registry.auth import Access

if TYPE_CHECKING:
    from manifest_tool.conformance.probe import Probe
    from manifest_tool.registry.answers import Answer

_COPIED = "blobs are copied instead"


async def _cross(probe: Probe) -> str | None:
    digest = await probe.put_blob(data := probe.data(), probe.site.other)
    _mounted(await _mount(probe, digest, probe.site.other))
    await _is_there(probe, digest, data)
    return None


async def _usable(probe: Probe) -> str | None:
    """There are registries that accept a mount, and have nothing afterwards that a manifest may point to."""
    image = images.image(probe.nonce())
    for blob in (image.config, image.layer):
        await probe.put_blob(blob.raw, probe.site.other)
        _mounted(await _mount(probe, blob.digest, probe.site.other))
    await manifests.put(probe, image.manifest, what="a manifest that uses what was mounted")
    return None


async def _same(probe: Probe) -> str | None:
    digest = await probe.put_blob(data := probe.data())
    _mounted(await _mount(probe, digest, probe.repository))
    await _is_there(probe, digest, data)
    return None


async def _anonymous(probe: Probe) -> str | None:
    digest = await probe.put_blob(data := probe.data(), probe.site.other)
    answer = await _mount(probe, digest, None)
    if answer.status == 202:
        raise Unsupported(
            "POST without from was answered with 202: the registry looks in no other repository by itself"
        )
    _mounted(answer)
    await _is_there(probe, digest, data)
    return None


async def _unknown(probe: Probe) -> str | None:
    return await _declined(probe, probe.site.other, "a mount of a blob that is nowhere")


async def _no_source(probe: Probe) -> str | None:
    source = Repository(probe.repository.registry, f"{probe.repository.name}-not-there")
    return await _declined(probe, source, "a mount from a repository that is not there")


async def _declined(probe: Probe, source: Repository, what: str) -> str | None:
    """What cannot be mounted becomes an upload, which has to work."""
    digest = Digest.of(data := probe.data())
    answer = await _mount(probe, digest, source)
    if 400 <= answer.status < 500:
        raise Unsupported(f"{what} was answered with {words(answer)}, where 202 should open an upload; {_COPIED}")
    if answer.status == 201:
        raise Failed(f"{what} was answered with 201")
    session = Session.of(probe, expect(answer, 202, what=what), probe.repository)
    expect(await session.close(digest, data), 201, what="PUT in the upload that was opened in place of a mount")
    await blobs.exact(probe, digest, data)
    return None


async def _mount(probe: Probe, digest: Digest, source: Repository | None) -> Answer:
    """Ask for a mount with the rights that a push asks for; raises `Unsupported` where no token has them."""
    query = {"mount": str(digest)} | ({"from": source.name} if source else {})
    need = Access.to(probe.repository, "pull", "push") | (Access.to(source, "pull") if source else Access())
    try:
        return await probe.ask("POST", probe.repository.uploads_path, query=query, need=need)
    except Unauthorized as error:
        raise Unsupported(f"no token is given for both repositories: {error}; {_COPIED}") from None


def _mounted(answer: Answer) -> None:
    """Hold an answer to being a mount; whatever else is said clearly, a push copies the blob."""
    if answer.status == 202:
        raise Unsupported(f"POST was answered with 202: the registry does not mount the blob; {_COPIED}")
    if 400 <= answer.status < 500:
        raise Unsupported(f"POST was answered with {words(answer)}, where 201 was expected; {_COPIED}")
    expect(answer, 201, what="POST of a mount")
    if not answer.headers.get("Location"):
        raise Failed("the Location of the blob is missing in the answer 201")


async def _is_there(probe: Probe, digest: Digest, data: bytes) -> None:
    head = await blobs.read(probe, digest, "HEAD")
    if head.status != 200:
        raise Failed(f"the mount was answered with 201, but HEAD of the blob with {head.status}")
    await blobs.exact(probe, digest, data)


_AFTER = ("blob-put",)

CHECKS = Group(
    "mounts",
    (
        Check("mount-cross", "a blob of another repository is mounted", _cross, after=_AFTER),
        Check("mount-usable", "what is mounted can be used by a manifest", _usable, after=("mount-cross",)),
        Check("mount-same", "a blob of the same repository is mounted", _same, after=_AFTER),
        Check("mount-anonymous", "a blob is mounted from wherever it is", _anonymous, after=_AFTER),
        Check("mount-unknown", "a mount of what is nowhere opens an upload", _unknown, after=_AFTER),
        Check("mount-no-source", "a mount from nowhere opens an upload", _no_source, after=_AFTER),
    ),
)
