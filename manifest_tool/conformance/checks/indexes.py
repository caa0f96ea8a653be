"""Every kind of index, each kept as it is."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from manifest_tool.conformance import images, manifests
from manifest_tool.conformance.check import Check
from manifest_tool.conformance.checks.content import AFTER
from manifest_tool.oci import media_type as types

if TYPE_CHECKING:
    from manifest_tool.conformance.images import Content, Image
    from manifest_tool.conformance.manifests import Make
    from manifest_tool.conformance.probe import Probe

_PLATFORMS = ("linux/amd64", "linux/arm64/v8", "linux/arm/v7")
_MANY = 100
_ARTIFACT = "application/vnd.example.manifest-tool+type"
_WINDOWS = {
    "architecture": "arm",
    "os": "windows",
    "os.version": "10.0.17763.5696",
    "os.features": ["win32k"],
    "variant": "v7",
}


async def _images(probe: Probe, media_type: str, platforms: Sequence[str] = _PLATFORMS) -> list[Image]:
    nonce = probe.nonce()
    made = [images.image(nonce, platform, media_type) for platform in platforms]
    await manifests.push(probe, *made)
    return made


async def _of(probe: Probe, media_type: str, *children: str) -> Content:
    """An index of three images whose types are these in turn."""
    made = [await _images(probe, children[number % len(children)], [name]) for number, name in enumerate(_PLATFORMS)]
    return images.index([image.descriptor() for (image,) in made], media_type)


async def _nested(probe: Probe) -> Content:
    first, *others = await _images(probe, types.OCI_MANIFEST)
    inner = images.index([image.descriptor() for image in others])
    await manifests.put(probe, inner, what="the inner index")
    return images.index([first.descriptor(), inner.descriptor()])


async def _attested(probe: Probe, media_type: str) -> Content:
    (image,) = await _images(probe, types.OCI_MANIFEST, _PLATFORMS[:1])
    attestation = images.attestation(probe.nonce())
    await manifests.push(probe, attestation)
    about = {
        "vnd.docker.reference.digest": str(image.manifest.digest),
        "vnd.docker.reference.type": "attestation-manifest",
    }
    return images.index([image.descriptor(), attestation.descriptor(annotations=about)], media_type)


async def _empty(probe: Probe) -> Content:
    return images.index([], annotations={"nonce": probe.nonce()})


async def _without_platform(probe: Probe) -> Content:
    made = await _images(probe, types.OCI_MANIFEST)
    return images.index([image.manifest.descriptor() for image in made])


async def _one(probe: Probe, entry: dict[str, Any], **beside: object) -> Content:
    """An index of one image, with more in its entry and beside it."""
    (image,) = await _images(probe, types.OCI_MANIFEST, _PLATFORMS[:1])
    return images.with_fields(images.index([{**image.descriptor(), **entry}]), **beside)


async def _data(probe: Probe) -> Content:
    (image,) = await _images(probe, types.OCI_MANIFEST, _PLATFORMS[:1])
    return images.index([image.descriptor(data=base64.b64encode(image.manifest.raw).decode())])


async def _large(probe: Probe) -> Content:
    nonce = probe.nonce()
    made = [images.image(nonce, annotations={"number": str(number)}) for number in range(_MANY)]
    await manifests.push(probe, *made)
    return images.index([image.descriptor() for image in made])


async def _subject(probe: Probe) -> Content:
    image = await manifests.pushed(probe)
    return await _one(probe, {}, subject=image.manifest.descriptor(), artifactType=_ARTIFACT)


def _index(name: str, what: str, make: Make, after: tuple[str, ...] = AFTER) -> Check:
    return Check(name, f"{what} is stored", manifests.keeping(name, what, make), after=after)


def _special(name: str, what: str, make: Make) -> Check:
    """A check of an OCI index that has something special."""
    return _index(name, what, make, ("index-oci",))


_OCI, _DOCKER = types.OCI_MANIFEST, types.DOCKER_MANIFEST
_ANNOTATIONS: dict[str, Any] = {"annotations": {"org.opencontainers.image.title": "a tëst"}}
_MADE_UP: dict[str, Any] = {"x-unknown": {"é": [1.5, None]}}
CHECKS = (
    _index("list-docker", "a Docker manifest list", lambda probe: _of(probe, types.DOCKER_LIST, _DOCKER)),
    _index("index-oci", "an OCI index", lambda probe: _of(probe, types.OCI_INDEX, _OCI)),
    _index(
        "list-oci-children", "a Docker manifest list of OCI images", lambda probe: _of(probe, types.DOCKER_LIST, _OCI)
    ),
    _index(
        "index-docker-children", "an OCI index of Docker images", lambda probe: _of(probe, types.OCI_INDEX, _DOCKER)
    ),
    _index(
        "index-mixed", "an OCI index of Docker and OCI images", lambda probe: _of(probe, types.OCI_INDEX, _DOCKER, _OCI)
    ),
    _special("index-nested", "an index that lists an index", _nested),
    _special("index-attestation", "an OCI index with an attestation", lambda probe: _attested(probe, types.OCI_INDEX)),
    _index(
        "list-attestation",
        "a Docker manifest list with an attestation",
        lambda probe: _attested(probe, types.DOCKER_LIST),
    ),
    _special("index-single", "an index of one image", lambda probe: _one(probe, {})),
    _special("index-empty", "an empty index", _empty),
    _special("index-no-platform", "an index of images without platforms", _without_platform),
    _special(
        "index-platform", "an index with all fields of a platform", lambda probe: _one(probe, {"platform": _WINDOWS})
    ),
    _special("index-annotations", "an index with annotations", lambda probe: _one(probe, _ANNOTATIONS, **_ANNOTATIONS)),
    _special(
        "index-artifact-type", "an index with an artifactType", lambda probe: _one(probe, {}, artifactType=_ARTIFACT)
    ),
    _special("index-subject", "an index with a subject", _subject),
    _special("index-data", "an index with a manifest embedded in it (data)", _data),
    _special("index-unknown-fields", "an index with unknown fields", lambda probe: _one(probe, _MADE_UP, **_MADE_UP)),
    _special("index-large", f"an index of {_MANY} images", _large),
)
