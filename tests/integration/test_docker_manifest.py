"""``manifest`` beside ``docker manifest``: the same commands against equal registries, and the example of its pages."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from integration import images
from manifest_tool.oci import media_type as types
from manifest_tool.oci.platform import Platform
from tests import harness, seeds
from tests.conftest import Program
from tests.harness import Ran

pytestmark = pytest.mark.docker_registry

# https://docs.docker.com/reference/cli/docker/manifest/#create-and-push-a-manifest-list: the images of coolapp, whose
# configs do not all tell what they are for.
EXAMPLE = {
    "coolapp-amd64-linux": "linux/amd64",
    "coolapp-arm-linux": "linux/amd64",
    "coolapp-arm64-linux": "linux/amd64",
    "coolapp-ppc64le-linux": "linux/amd64",
    "coolapp-amd64-windows": "windows(10.0.14393.2189)/amd64",
}
ANNOTATIONS = (
    ("coolapp-arm-linux", "--arch", "arm"),
    ("coolapp-arm64-linux", "--arch", "arm64"),
    ("coolapp-ppc64le-linux", "--arch", "ppc64le"),
)
PLATFORMS = [
    "linux/amd64",
    "linux/arm",
    "linux/arm64",
    "linux/ppc64le",
    "windows/amd64:10.0.14393.2189",
]


def build(media: images.Media) -> dict[str, images.Image]:
    return {name: seeds.build(platform, name=name, media=media) for name, platform in EXAMPLE.items()}


def entries(host: str) -> list[dict[str, Any]]:
    found = harness.get_manifest(host, "coolapp", "v1")
    assert found
    listed: list[dict[str, Any]] = json.loads(found[1])["manifests"]
    return listed


def platforms(listed: Sequence[dict[str, Any]]) -> list[str]:
    return [str(Platform.from_json(entry["platform"])) for entry in listed]


def test_the_example_of_its_documentation(docker_registry: str, program: Program) -> None:
    for name, image in build("docker").items():
        images.push(docker_registry, name, image, "v1")
    target = f"{docker_registry}/coolapp:v1"
    created = program("manifest", "create", target, *(f"{docker_registry}/{name}:v1" for name in EXAMPLE))
    assert (created.code, created.stdout) == (0, f"Created manifest list {target}\n")
    for name, *options in ANNOTATIONS:
        ran = program("manifest", "annotate", target, f"{docker_registry}/{name}:v1", *options)
        assert (ran.code, ran.stdout, ran.stderr) == (0, "", "")
    draft = program("manifest", "inspect", target)
    pushed = program("manifest", "push", target)
    *lines, digest = pushed.stdout.splitlines()
    assert [re.sub(r"[0-9a-f]{64}", "X", line) for line in lines] == [
        f"Pushed ref {docker_registry}/coolapp@sha256:X with digest: sha256:X"
    ] * 5
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", digest)
    assert platforms(entries(docker_registry)) == PLATFORMS
    assert program("manifest", "rm", target).code == 0
    assert program("manifest", "inspect", target).stdout == draft.stdout


@dataclass(frozen=True, slots=True)
class Docker:
    """Docker's program, and a registry with the same images as ours."""

    program: str
    host: str

    def __call__(self, *arguments: str) -> Ran:
        done = subprocess.run([self.program, "manifest", *arguments], capture_output=True, text=True, timeout=60)
        return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def docker(tmp_path: Path) -> Iterator[Docker]:
    program = harness.need("docker")
    with harness.docker_registry(harness.need("docker-registry"), tmp_path / "theirs") as host:
        yield Docker(program, host)


@dataclass(frozen=True, slots=True)
class Both:
    """The same commands given to Docker's program and to ours."""

    docker: Docker
    ours: Program
    host: str

    def __call__(self, command: str, *arguments: str) -> tuple[Ran, Ran]:
        """What both did, their registries called by one name; ``HOST`` stands for that of either."""
        theirs = self.docker(command, "--insecure", *(word.replace("HOST", self.docker.host) for word in arguments))
        ours = self.ours("manifest", command, "--insecure", *(word.replace("HOST", self.host) for word in arguments))
        return self._named(theirs, self.docker.host), self._named(ours, self.host)

    def _named(self, ran: Ran, host: str) -> Ran:
        return Ran(ran.code, ran.stdout.replace(host, "HOST"), ran.stderr.replace(host, "HOST"))


@pytest.fixture(params=["docker", "oci"])
def both(request: pytest.FixtureRequest, docker: Docker, docker_registry: str, program: Program) -> Both:
    for name, image in build(request.param).items():
        for host in (docker.host, docker_registry):
            images.push(host, name, image, "v1")
    return Both(docker, program, docker_registry)


def test_the_same_commands_publish_the_same(both: Both) -> None:
    theirs, ours = both("create", "HOST/coolapp:v1", *(f"HOST/{name}:v1" for name in EXAMPLE))
    assert (theirs.code, theirs.stdout) == (ours.code, ours.stdout)
    for name, *options in (*ANNOTATIONS, ("coolapp-arm-linux", "--variant", "v7")):
        arguments = ["annotate", "HOST/coolapp:v1", f"HOST/{name}:v1", *options]
        theirs = both.docker(*(word.replace("HOST", both.docker.host) for word in arguments))
        ours = both.ours("manifest", *(word.replace("HOST", both.host) for word in arguments))
        assert (theirs.code, theirs.stdout) == (ours.code, ours.stdout) == (0, "")
    for name in EXAMPLE:
        for options in ([], ["-v"]):
            theirs, ours = both("inspect", *options, "HOST/coolapp:v1", f"HOST/{name}:v1")
            assert (theirs.code, theirs.stdout) == (ours.code, ours.stdout)
    theirs, ours = both("push", "-p", "HOST/coolapp:v1")
    assert (theirs.code, ours.code) == (0, 0), (theirs, ours)
    assert sorted(theirs.stdout.splitlines()[:-1]) == sorted(ours.stdout.splitlines()[:-1])
    mine, other = entries(both.host), entries(both.docker.host)
    assert sorted(mine, key=lambda entry: str(entry["digest"])) == sorted(other, key=lambda entry: str(entry["digest"]))
    assert [entry["digest"] for entry in mine] == [str(image.digest) for image in build_of(both)]


def build_of(both: Both) -> list[images.Image]:
    """The images as they were given, in that order."""
    media = harness.get_manifest(both.host, "coolapp-amd64-linux", "v1")
    assert media
    return list(build("oci" if media[0] == types.OCI_MANIFEST else "docker").values())


def test_what_lies_in_a_registry_is_told_to_the_byte_as_by_docker(both: Both) -> None:
    target = f"{both.host}/coolapp:v1"
    assert both.ours("manifest", "create", target, *(f"{both.host}/{name}:v1" for name in EXAMPLE)).code == 0
    for name, *options in ANNOTATIONS:
        assert both.ours("manifest", "annotate", target, f"{both.host}/{name}:v1", *options).code == 0
    assert both.ours("manifest", "push", "--purge", target).code == 0
    for name in ("coolapp:v1", f"{next(iter(EXAMPLE))}:v1"):
        for options in ([], ["-v"]):
            theirs = both.docker("inspect", "--insecure", *options, f"{both.host}/{name}")
            ours = both.ours("manifest", "inspect", *options, f"{both.host}/{name}")
            assert (theirs.code, theirs.stdout) == (0, ours.stdout)


def test_what_is_missing_is_told_in_the_same_words(both: Both) -> None:
    for command in ("push", "rm"):
        theirs = both.docker(command, f"{both.host}/none:v1")
        ours = both.ours("manifest", command, f"{both.host}/none:v1")
        assert (theirs.code, ours.code, theirs.stdout, ours.stdout) == (1, 1, "", "")
        assert f"No such manifest: {both.host}/none:v1" in theirs.stderr
        assert f"No such manifest: {both.host}/none:v1" in ours.stderr
