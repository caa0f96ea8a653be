"""Real images, a real registry, and the clients that people pull with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from integration import busybox, images
from integration.images import Image, Media
from integration.samples import suffix
from manifest_tool.oci.platform import Platform
from tests import harness
from tests.integration import clients as programs
from tests.integration.clients import Clients

REPOSITORY, TAG = "tools/busybox", "1.35"

pytestmark = pytest.mark.docker_registry


@cache
def build(media: Media) -> tuple[Image, ...]:
    return busybox.build(media)


@dataclass(frozen=True, slots=True)
class Published:
    """An index in a registry, and the images that it was made of."""

    host: str
    images: tuple[Image, ...]

    @property
    def reference(self) -> str:
        return f"{self.host}/{REPOSITORY}:{TAG}"

    @property
    def platforms(self) -> list[Platform]:
        return [image.platform for image in self.images]


@pytest.fixture(params=["docker", "oci"])
def published(request: pytest.FixtureRequest, docker_registry: str, tmp_path: Path) -> Published:
    """Each image in a repository of its own, and an index over them in another one."""
    media: Media = request.param
    try:
        built = build(media)
    except busybox.Unavailable as reason:
        pytest.skip(f"no real images: {reason}")
    lines = [f"image: {docker_registry}/{REPOSITORY}:{TAG}", "manifests:"]
    for image in built:
        repository = f"busybox-{suffix(image.platform)}"
        images.push(docker_registry, repository, image, TAG)
        lines += [f"  - image: {docker_registry}/{repository}:{TAG}", f"    platform: {image.platform}"]
    spec = tmp_path / "spec.yaml"
    spec.write_text("\n".join(lines))
    done = harness.program(["push", "from-spec", str(spec), "--type", media])
    assert done.code == 0, done.stderr
    return Published(docker_registry, built)


def name(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def platforms(index: str) -> list[Platform]:
    return [Platform.from_json(entry["platform"]) for entry in json.loads(index)["manifests"]]


@pytest.fixture
def clients() -> Iterator[Clients]:
    with programs.clients() as found:
        yield found


def test_skopeo_finds_the_image_of_each_platform(published: Published, clients: Clients, tmp_path: Path) -> None:
    source = f"docker://{published.reference}"
    raw = clients.skopeo("inspect", "--tls-verify=false", "--raw", source)
    assert platforms(raw) == published.platforms
    for image in published.images:
        chosen = programs.overrides(image.platform)
        told = json.loads(clients.skopeo(*chosen, "inspect", "--tls-verify=false", source))
        assert told["Architecture"] == image.platform.architecture
        assert told["Layers"] == [f"sha256:{name(layer)}" for layer in image.layers]
        folder = tmp_path / suffix(image.platform)
        clients.skopeo(*chosen, "copy", "--src-tls-verify=false", source, f"dir:{folder}")
        assert (folder / "manifest.json").read_bytes() == image.manifest
        for blob in image.blobs:
            assert (folder / name(blob)).read_bytes() == blob


def test_docker_lists_the_platforms(published: Published, clients: Clients) -> None:
    told = clients.docker_manifest("inspect", "--insecure", published.reference)
    assert platforms(told) == published.platforms


@pytest.mark.integration
def test_podman_pulls_the_image_of_each_platform(published: Published, clients: Clients) -> None:
    for image in published.images:
        chosen = programs.wanted(image.platform)
        clients.podman("pull", "--quiet", "--tls-verify=false", *chosen, published.reference)
        [pulled] = json.loads(clients.podman("image", "inspect", published.reference))
        assert pulled["Architecture"] == image.platform.architecture
        assert pulled["Id"] == name(image.config)
