"""Every kind of image, and what is no image, each kept as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifest_tool.conformance import images, manifests
from manifest_tool.conformance.check import Check
from manifest_tool.conformance.checks.content import AFTER
from manifest_tool.oci import media_type as types

if TYPE_CHECKING:
    from manifest_tool.conformance.images import Content
    from manifest_tool.conformance.manifests import Make
    from manifest_tool.conformance.probe import Probe

_FOREIGN = {types.DOCKER_MANIFEST: types.DOCKER_FOREIGN_LAYER, types.OCI_MANIFEST: types.OCI_FOREIGN_LAYER}


async def _docker(probe: Probe) -> Content:
    image = images.image(probe.nonce(), media_type=types.DOCKER_MANIFEST)
    await manifests.put_blobs(probe, image)
    return image.manifest


async def _foreign(probe: Probe, media_type: str) -> Content:
    """An image with a layer that is fetched from elsewhere, and was never pushed."""
    image = images.image(probe.nonce(), "windows/amd64", media_type)
    await manifests.put_blobs(probe, image)
    elsewhere = images.Content(probe.data(), _FOREIGN[media_type])
    base = elsewhere.descriptor(urls=[f"https://example.com/{elsewhere.digest}"])
    layers = [base, image.layer.descriptor()]
    return images.with_fields(image.manifest, layers=layers)


async def _bare(probe: Probe) -> Content:
    image = images.image(probe.nonce())
    await probe.put_blob(image.config.raw)
    return images.with_fields(image.manifest, layers=[])


async def _artifact(probe: Probe) -> Content:
    made = images.artifact(probe.nonce(), "application/vnd.example.manifest-tool", "application/json")
    await manifests.put_blobs(probe, made)
    return made.manifest


def _kind(name: str, what: str, make: Make, *, whole: bool = True) -> Check:
    return Check(name, f"{what} is stored", manifests.keeping(name, what, make, whole=whole), after=AFTER)


CHECKS = (
    _kind("image-docker", "a Docker image", _docker),
    _kind("image-no-layers", "an image without layers", _bare),
    _kind(
        "image-foreign-layer",
        "a Docker image with a foreign layer",
        lambda probe: _foreign(probe, types.DOCKER_MANIFEST),
        whole=False,
    ),
    _kind(
        "image-nondistributable-layer",
        "an OCI image with a non-distributable layer",
        lambda probe: _foreign(probe, types.OCI_MANIFEST),
        whole=False,
    ),
    _kind("artifact", "an artifact with an empty config", _artifact),
)
