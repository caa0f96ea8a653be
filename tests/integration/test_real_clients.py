"""Real images, a real registry, and the clients that people pull with."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from integration import busybox, images
from integration.images import Image, Media
from integration.samples import suffix
from manifest_tool.oci.platform import Platform
from tests import harness

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


def run(*command: str, env: Mapping[str, str] | None = None) -> bytes:
    done = subprocess.run(command, capture_output=True, timeout=60, env={**os.environ, **(env or {})})
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def overrides(platform: Platform) -> list[str]:
    """How skopeo is told to pretend to be of a platform."""
    found = ["--override-os", platform.os, "--override-arch", platform.architecture]
    return [*found, "--override-variant", platform.variant] if platform.variant else found


def name(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def platforms(index: bytes) -> list[Platform]:
    return [Platform.from_json(entry["platform"]) for entry in json.loads(index)["manifests"]]


def test_skopeo_finds_the_image_of_each_platform(published: Published, tmp_path: Path) -> None:
    skopeo = harness.need("skopeo")
    source = f"docker://{published.reference}"
    raw = run(skopeo, "inspect", "--tls-verify=false", "--raw", source)
    assert platforms(raw) == published.platforms
    for image in published.images:
        chosen = overrides(image.platform)
        told = json.loads(run(skopeo, *chosen, "inspect", "--tls-verify=false", source))
        assert told["Architecture"] == image.platform.architecture
        assert told["Layers"] == [f"sha256:{name(layer)}" for layer in image.layers]
        folder = tmp_path / suffix(image.platform)
        run(skopeo, "--insecure-policy", *chosen, "copy", "--src-tls-verify=false", source, f"dir:{folder}")
        assert (folder / "manifest.json").read_bytes() == image.manifest
        for blob in image.blobs:
            assert (folder / name(blob)).read_bytes() == blob


def test_docker_lists_the_platforms(published: Published) -> None:
    docker = harness.need("docker")
    told = run(docker, "manifest", "inspect", "--insecure", published.reference)
    assert platforms(told) == published.platforms


@pytest.fixture
def podman() -> Iterator[list[str]]:
    """The beginning of a podman command line, with a storage of its own."""
    program = harness.need("podman")
    with tempfile.TemporaryDirectory(prefix="podman-") as folder:  # pytest's own are too long for podman
        storage = ["--root", f"{folder}/root", "--runroot", f"{folder}/run", "--storage-driver", "vfs"]
        yield [program, *storage, "--cgroup-manager", "cgroupfs", "--events-backend", "file"]


@pytest.mark.integration
def test_podman_pulls_the_image_of_each_platform(published: Published, podman: list[str], tmp_path: Path) -> None:
    accounts = tmp_path / "auth.json"
    accounts.write_text("{}")
    env = {"REGISTRY_AUTH_FILE": str(accounts), "XDG_RUNTIME_DIR": str(tmp_path)}
    for image in published.images:
        platform = image.platform
        wanted = ["--os", platform.os, "--arch", platform.architecture]
        wanted += ["--variant", platform.variant] if platform.variant else []
        run(*podman, "pull", "--quiet", "--tls-verify=false", *wanted, published.reference, env=env)
        pulled = json.loads(run(*podman, "image", "inspect", published.reference, env=env))[0]
        assert pulled["Architecture"] == platform.architecture
        assert pulled["Id"] == name(image.config)
