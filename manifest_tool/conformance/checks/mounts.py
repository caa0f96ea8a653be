"""Blobs taken over from another repository (distribution-spec § Mounting a blob from another repository)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifest_tool.conformance import blobs, manifests
from manifest_tool.conformance.check import Check, Failed, Group, Unsupported, Untried
from manifest_tool.conformance.checks.content import AFTER
from manifest_tool.conformance.hold import expect, optional, stored
from manifest_tool.conformance.record import words
from manifest_tool.conformance.session import Session
from manifest_tool.errors import RegistryError, Unauthorized
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.reference import Repository
from manifest_tool.registry.auth import Access

if TYPE_CHECKING:
    from manifest_tool.conformance.probe import Probe
    from manifest_tool.registry.answers import Answer

_COPIED = "blobs are copied instead"


async def _cross(probe: Probe) -> str | None:
    digest = await _elsewhere(probe, data := probe.data())
    _mounted(await _mount(probe, digest, probe.site.other))
    await _is_there(probe, digest, data)
    return None


async def _location(probe: Probe) -> str | None:
    answer = _mounted(await _mount(probe, await _elsewhere(probe, probe.data()), probe.site.other))
    if not answer.headers.get("Location"):
        raise Failed("the Location of the blob is missing in the answer 201")
    return None


async def _usable(probe: Probe) -> str | None:
    """There are registries that accept a mount, and have nothing afterwards that a manifest may point to."""
    image = probe.image()
    for blob in (image.config, image.layer):
        await _elsewhere(probe, blob.raw)
        _mounted(await _mount(probe, blob.digest, probe.site.other))
    await manifests.put(probe, image.manifest, what="a manifest that uses what was mounted")
    return None


async def _same(probe: Probe) -> str | None:
    digest = await probe.put_blob(data := probe.data())
    _mounted(await _mount(probe, digest, probe.repository))
    await _is_there(probe, digest, data)
    return None


async def _anonymous(probe: Probe) -> str | None:
    digest = await _elsewhere(probe, data := probe.data())
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
    stored(await session.close(digest, data), "PUT in the upload that was opened in place of a mount")
    await blobs.exact(probe, digest, data)
    return None


async def _elsewhere(probe: Probe, data: bytes) -> Digest:
    """Put a blob into the second repository; raises `Untried` where nothing can be put there."""
    try:
        return await probe.put_blob(data, probe.site.other)
    except (Failed, RegistryError) as error:
        raise Untried(f"nothing can be put into {probe.site.other}: {error}") from None


async def _mount(probe: Probe, digest: Digest, source: Repository | None) -> Answer:
    """Ask for a mount with the rights that a push asks for; raises `Unsupported` where no token has them."""
    query = {"mount": str(digest)} | ({"from": source.name} if source else {})
    need = Access.to(probe.repository, "pull", "push") | (Access.to(source, "pull") if source else Access())
    try:
        return await probe.ask("POST", probe.repository.uploads_path, query=query, need=need)
    except Unauthorized as error:
        raise Unsupported(f"no token is given for both repositories: {error}; {_COPIED}") from None


def _mounted(answer: Answer) -> Answer:
    """Hold an answer to being a mount; whatever else is said clearly, a push copies the blob."""
    if answer.status == 202:
        raise Unsupported(f"POST was answered with 202: the registry does not mount the blob; {_COPIED}")
    return optional(answer, 201, what="POST of a mount", otherwise=_COPIED)


async def _is_there(probe: Probe, digest: Digest, data: bytes) -> None:
    found = await blobs.read(probe, digest)
    if found.status != 200:
        raise Failed(f"the mount was answered with 201, but GET of the blob with {words(found)}")
    await blobs.exact(probe, digest, data)


_AFTER = ("blob-put",)

CHECKS = Group(
    "mounts",
    (
        Check("mount-cross", "a blob is mounted from another repository", _cross, after=_AFTER),
        Check(
            "mount-location", "a mount is answered with 201 and the blob's Location", _location, after=("mount-cross",)
        ),
        Check("mount-usable", "a mounted blob can be used in a manifest", _usable, after=("mount-cross", *AFTER)),
        Check("mount-same", "a blob is mounted from the same repository", _same, after=_AFTER),
        Check("mount-anonymous", "a blob is mounted without naming a repository", _anonymous, after=_AFTER),
        Check("mount-unknown", "a mount of an unknown blob opens an upload", _unknown, after=_AFTER),
        Check("mount-no-source", "a mount from an unknown repository opens an upload", _no_source, after=_AFTER),
    ),
)
