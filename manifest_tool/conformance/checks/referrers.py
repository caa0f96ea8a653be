"""Referrers: what says that it is about something, listed there (distribution-spec § Listing Referrers)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from manifest_tool.conformance import images, manifests
from manifest_tool.conformance.check import Check, Failed, Unsupported
from manifest_tool.conformance.checks.content import AFTER
from manifest_tool.conformance.hold import header, optional
from manifest_tool.conformance.waiting import until
from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.manifest import Manifest
from manifest_tool.registry import referrers

if TYPE_CHECKING:
    from manifest_tool.conformance.images import Content
    from manifest_tool.conformance.probe import Probe
    from manifest_tool.registry.answers import Answer

_PATIENCE = 10.0
_SIGNATURE = "application/vnd.example.manifest-tool.signature"
_OTHER = "application/vnd.example.manifest-tool.other"
_APPLIED = "OCI-Filters-Applied"
_OTHERWISE = "clients fall back to the tag schema"


async def _unknown(probe: Probe) -> str | None:
    answer = await ask(probe, Digest.of(probe.data()))
    header(answer, "Content-Type", types.OCI_INDEX)
    found = entries(answer)
    if found:
        raise Failed(f"{len(found)} referrers are listed of what is not there")
    return None


async def _subject(probe: Probe) -> str | None:
    subject, artifact = await _pair(probe, _SIGNATURE)
    answer = await manifests.put(probe, artifact, what="an artifact with a subject")
    found = answer.headers.get("OCI-Subject")
    if found is None:
        listing = await probe.ask("GET", probe.repository.referrers_path(subject.digest))
        if listing.status == 200:
            raise Failed("OCI-Subject is missing, though the registry lists referrers")
        raise Unsupported("OCI-Subject is missing: the registry does not list what has a subject")
    header(answer, "OCI-Subject", str(subject.digest))
    return None


async def _listed(probe: Probe) -> str | None:
    annotations = {"org.opencontainers.image.title": "a tëst"}
    subject, artifact = await _pair(probe, _SIGNATURE, annotations=annotations)
    await manifests.put(probe, artifact, what="an artifact with a subject")
    await _lists(probe, subject, artifact.descriptor(artifactType=_SIGNATURE, annotations=annotations))
    return None


async def _image(probe: Probe) -> str | None:
    subject = (await manifests.pushed(probe)).manifest
    image = images.image(probe.nonce(), subject=subject.descriptor())
    await manifests.push(probe, image)
    await _lists(probe, subject, image.manifest.descriptor(artifactType=types.OCI_CONFIG))
    return None


async def _index(probe: Probe) -> str | None:
    image = await manifests.pushed(probe)
    subject = image.manifest
    index = images.index([image.descriptor()], subject=subject.descriptor(), artifactType=_SIGNATURE)
    await manifests.put(probe, index, what="an index with a subject")
    await _lists(probe, subject, index.descriptor(artifactType=_SIGNATURE))
    return None


async def _filter(probe: Probe) -> str | None:
    subject, one = await _pair(probe, _SIGNATURE)
    other = images.artifact(probe.nonce(), _OTHER, _OTHER, subject=subject.descriptor())
    await manifests.push(probe, other)
    await manifests.put(probe, one, what="an artifact with a subject")
    for content in (one, other.manifest):
        await _lists(probe, subject, content.descriptor())
    answer = await ask(probe, subject.digest, {"artifactType": _SIGNATURE})
    found = {entry.get("digest") for entry in entries(answer)}
    applied = "artifactType" in [name.strip() for name in answer.headers.get(_APPLIED, "").split(",")]
    if str(one.digest) not in found:
        raise Failed("a referrer of the type that is asked for is left out")
    if str(other.manifest.digest) not in found and not applied:
        raise Failed(f"referrers of other types are left out, but {_APPLIED} does not say so")
    if str(other.manifest.digest) in found and applied:
        raise Failed(f"{_APPLIED} says that referrers of other types are left out, but they are not")
    if not applied:
        raise Unsupported("referrers of all types are listed, whichever is asked for")
    return None


async def _tag_schema(probe: Probe) -> str | None:
    subject, artifact = await _pair(probe, _SIGNATURE)
    await manifests.put(probe, artifact, what="an artifact with a subject")
    raw = referrers.listing(None, Manifest.parse(artifact.raw)) or b""
    listing = images.Content(raw, types.OCI_INDEX)
    await manifests.kept(probe, listing, referrers.tag(subject.digest), "an index of referrers under their tag")
    return None


async def _pair(probe: Probe, artifact_type: str, **more: object) -> tuple[Content, Content]:
    """An image, and an artifact about it whose blobs are there."""
    subject = (await manifests.pushed(probe)).manifest
    made = images.artifact(probe.nonce(), artifact_type, artifact_type, subject=subject.descriptor(), **more)
    await manifests.put_blobs(probe, made)
    return subject, made.manifest


async def ask(probe: Probe, subject: Digest, query: Mapping[str, str] | None = None) -> Answer:
    """The list of referrers; raises `Unsupported` where the registry has none."""
    path = probe.repository.referrers_path(subject)
    answer = await probe.ask("GET", path, query=query, headers={"Accept": types.OCI_INDEX})
    kind = answer.headers.get("Content-Type", "")
    if answer.status == 200 and types.essence(kind) == "text/html":
        raise Unsupported(f"GET of referrers was answered with a page; {_OTHERWISE}")
    return optional(answer, 200, what="GET of referrers", otherwise=_OTHERWISE)


def entries(answer: Answer) -> list[dict[str, Any]]:
    """What is listed; raises `Failed` where that is no index."""
    try:
        index = Manifest.parse(answer.body, types.OCI_INDEX)
        document = json.loads(index.raw)
    except ValueError as error:
        raise Failed(f"the list of referrers is no index: {error}") from None
    if document.get("schemaVersion") != 2 or document.get("mediaType") != types.OCI_INDEX or not index.is_index:
        raise Failed(f"the list of referrers is not an index with schemaVersion 2 and mediaType {types.OCI_INDEX}")
    return list(document.get("manifests") or ())


async def _lists(probe: Probe, subject: Content, wanted: Mapping[str, object]) -> None:
    """Look until something is listed, and hold what is listed to these fields; raises `Failed`."""

    async def look() -> dict[str, Any] | None:
        listed = entries(await ask(probe, subject.digest))
        return next((entry for entry in listed if entry.get("digest") == wanted["digest"]), None)

    found, _ = await until(probe.site, look, lambda found: found is not None, _PATIENCE)
    if found is None:
        raise Failed(f"what has a subject is not among its referrers even after {_PATIENCE:.0f} s")
    for name, value in wanted.items():
        if found.get(name) != value:
            told = repr(found.get(name))[:200]
            raise Failed(f"a referrer is listed with the {name} {told}, where {value!r} was expected")


_API = ("referrers-api",)
CHECKS = (
    Check("referrers-api", "the list of referrers is empty where there are none", _unknown, after=AFTER),
    Check("referrers-subject", "a push with a subject is answered with OCI-Subject", _subject, after=AFTER),
    Check("referrers-artifact", "an artifact is listed as a referrer", _listed, after=_API),
    Check("referrers-image", "an image is listed as a referrer, with its config's type", _image, after=_API),
    Check("referrers-index", "an index is listed as a referrer, with its own type", _index, after=_API),
    Check("referrers-filter", "referrers can be filtered by type (?artifactType=)", _filter, after=_API),
    Check("referrers-tag-schema", "a list of referrers can be stored under a tag", _tag_schema, after=AFTER),
)
