"""Other clients at ``registry serve``, in memory and on disk, with Docker and OCI types and several platforms."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration import images, trial
from integration.images import Image, Index, Media
from integration.samples import suffix
from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.platform import Platform
from tests import harness
from tests.integration.clients import Clients, clients, overrides, wanted

pytestmark = pytest.mark.integration

PULL = ("pull", "--quiet", "--tls-verify=false")
PUSH = ("push", "--quiet", "--tls-verify=false")


@pytest.fixture(params=["memory", "disk"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    options = [] if request.param == "memory" else ["--root", str(tmp_path / "registry")]
    with trial.registry(*options) as host:
        yield host


@pytest.fixture(name="clients")
def _clients() -> Iterator[Clients]:
    with clients() as found:
        yield found


@pytest.fixture(params=["docker", "oci"])
def media(request: pytest.FixtureRequest) -> Media:
    found: Media = request.param
    return found


@pytest.fixture
def index(host: str, media: Media) -> Index:
    """The sample images for six platforms, in ``app:1.0``."""
    made = images.index(images.sample_images(media=media), media=media)
    images.push(host, "app", made, "1.0")
    return made


def there(host: str, repository: str, which: object) -> tuple[str, bytes]:
    found = harness.get_manifest(host, repository, str(which))
    assert found, f"{repository}:{which}"
    return found


def whole(host: str, repository: str, image: Image) -> bool:
    """Whether an image is in a repository, to the byte."""
    blobs = [f"/v2/{repository}/blobs/{Digest.of(blob)}" for blob in image.blobs]
    assert there(host, repository, image.digest) == (image.media_type, image.manifest)
    return all(harness.request(host, "GET", path)[2] == blob for path, blob in zip(blobs, image.blobs, strict=True))


def platforms(host: str, repository: str, tag: str) -> dict[str, str]:
    """The digests in an index by platform."""
    entries = json.loads(there(host, repository, tag)[1])["manifests"]
    return {str(Platform.from_json(entry["platform"])): entry["digest"] for entry in entries}


def test_skopeo_copies_all_platforms_in_and_out(host: str, index: Index, clients: Clients, tmp_path: Path) -> None:
    def copy(source: str, target: str) -> None:
        trust = ("--src-tls-verify=false", "--dest-tls-verify=false")
        clients.skopeo("copy", "--quiet", "--all", "--preserve-digests", *trust, source, target)

    by_tag, by_digest, pushed = f"{host}/app:1.0", f"{host}/app@{index.digest}", f"{host}/team/app:2.0"
    copy(f"docker://{by_tag}", f"dir:{tmp_path / 'out'}")
    copy(f"docker://{by_digest}", f"dir:{tmp_path / 'again'}")
    copy(f"dir:{tmp_path / 'out'}", f"docker://{pushed}")
    copy(f"docker://{pushed}", f"docker://{host}/mounted:3.0")
    folders = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("out", "again")]
    assert folders[0] == folders[1]
    assert folders[0]["manifest.json"] == index.manifest
    for repository, tag in (("team/app", "2.0"), ("mounted", "3.0")):
        assert there(host, repository, tag) == (index.media_type, index.manifest)
        assert all(whole(host, repository, image) for image in index.images)


def test_skopeo_looks_around_and_deletes(host: str, index: Index, clients: Clients, tmp_path: Path) -> None:
    trust, app = "--tls-verify=false", f"docker://{host}/app"
    assert clients.skopeo("inspect", trust, "--raw", f"{app}:1.0").encode() == index.manifest
    for image in index.images:
        chosen = overrides(image.platform)
        told = json.loads(clients.skopeo(*chosen, "inspect", trust, f"{app}:1.0"))
        assert (told["Architecture"], told["RepoTags"]) == (image.platform.architecture, ["1.0"])
        assert clients.skopeo(*chosen, "inspect", trust, "--raw", "--config", f"{app}:1.0").encode() == image.config
        folder = tmp_path / suffix(image.platform)
        clients.skopeo(*chosen, "copy", "--quiet", "--src-tls-verify=false", f"{app}:1.0", f"dir:{folder}")
        assert (folder / "manifest.json").read_bytes() == image.manifest
    images.push(host, "app", index.images[0], "0.9")
    assert json.loads(clients.skopeo("list-tags", trust, app))["Tags"] == ["0.9", "1.0"]
    clients.skopeo("delete", trust, f"{app}:1.0")
    assert harness.get_manifest(host, "app", "1.0") is harness.get_manifest(host, "app", str(index.digest)) is None
    assert json.loads(clients.skopeo("list-tags", trust, app))["Tags"] == ["0.9"]


def test_podman_pulls_and_pushes(host: str, index: Index, clients: Clients) -> None:
    trust = "--tls-verify=false"
    for image in index.images[:3]:
        for reference in (f"{host}/app:1.0", f"{host}/app@{index.digest}"):
            clients.podman(*PULL, *wanted(image.platform), reference)
            [pulled] = json.loads(clients.podman("image", "inspect", reference))
            assert (pulled["Id"], pulled["Architecture"]) == (Digest.of(image.config).hex, image.platform.architecture)
        name = f"copy:{suffix(image.platform)}"
        clients.podman(*PUSH, "--format", "oci", f"{host}/app:1.0", f"{host}/{name}")
        media_type, raw = there(host, *name.split(":"))
        assert media_type == types.OCI_MANIFEST
        config = json.loads(raw)["config"]["digest"]
        copied = json.loads(harness.request(host, "GET", f"/v2/copy/blobs/{config}")[2])
        assert copied["rootfs"] == json.loads(image.config)["rootfs"]
    _, *listed = clients.podman("search", trust, "--list-tags", f"{host}/copy").splitlines()
    assert [line.split()[-1] for line in listed] == sorted(suffix(image.platform) for image in index.images[:3])


def test_podman_publishes_an_index(host: str, index: Index, clients: Clients) -> None:
    clients.podman("manifest", "create", "list")
    for image in index.images:
        clients.podman("manifest", "add", "--tls-verify=false", "list", f"docker://{host}/app@{image.digest}")
    kind = "v2s2" if index.media_type == types.DOCKER_LIST else "oci"
    clients.podman(
        "manifest", "push", "--all", "--format", kind, "--tls-verify=false", "list", f"docker://{host}/list:1"
    )
    assert there(host, "list", "1")[0] == index.media_type
    assert platforms(host, "list", "1") == {str(image.platform): str(image.digest) for image in index.images}
    assert all(whole(host, "list", image) for image in index.images)


def test_buildah_builds_pushes_and_pulls(host: str, media: Media, clients: Clients, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nARG TARGETARCH\nCOPY hello /\nLABEL for=$TARGETARCH\n")
    (tmp_path / "hello").write_text("hello\n")
    kind = "docker" if media == "docker" else "oci"
    names = ["linux/amd64", "linux/s390x"]
    build = ("bud", "--quiet", "--format", kind, "--platform", ",".join(names), "--manifest", "list")
    clients.buildah(*build, str(tmp_path))
    target = f"docker://{host}/team/built:1"
    pushed = ("manifest", "push", "--all", "--tls-verify=false", "--format", "v2s2" if media == "docker" else "oci")
    clients.buildah(*pushed, "list", target)
    found = platforms(host, "team/built", "1")
    assert sorted(found) == names
    for platform, digest in found.items():
        chosen = wanted(Platform.parse(platform))
        identity = clients.buildah(*PULL, *chosen, f"{host}/team/built:1").split()[-1]
        manifest = json.loads(there(host, "team/built", digest)[1])
        assert manifest["config"]["digest"] == f"sha256:{identity}"
        again = f"{host}/team/built:{platform.rpartition('/')[2]}"
        clients.buildah(*PUSH, "--format", pushed[-1], identity, again)
        assert json.loads(there(host, "team/built", again.rpartition(":")[2])[1])["config"] == manifest["config"]


def test_docker_publishes_an_index(host: str, index: Index, clients: Clients) -> None:
    target = f"{host}/team/list:1"
    children = [f"{host}/app@{image.digest}" for image in index.images]
    clients.docker_manifest("create", "--insecure", target, *children)
    pushed = clients.docker_manifest("push", "--insecure", target)
    media_type, raw = there(host, "team/list", "1")
    assert pushed.split()[-1] == str(Digest.of(raw))
    assert media_type in types.INDEXES
    assert sorted(platforms(host, "team/list", "1").values()) == sorted(str(image.digest) for image in index.images)
    assert all(whole(host, "team/list", image) for image in index.images)
    told = json.loads(clients.docker_manifest("inspect", "--insecure", f"{host}/app:1.0"))
    assert told == json.loads(index.manifest)
    [one, *_] = children
    assert json.loads(clients.docker_manifest("inspect", "--insecure", one)) == json.loads(index.images[0].manifest)


def test_our_own_publishes_and_looks(host: str, index: Index, media: Media, tmp_path: Path) -> None:
    lines = [f"image: {host}/team/app:1", "tags: [latest]", "manifests:"]
    lines += [f"  - image: {host}/app@{image.digest}" for image in index.images]
    spec = tmp_path / "spec.yaml"
    spec.write_text("\n".join(lines))
    done = harness.program(["push", "from-spec", "--type", media, str(spec)])
    assert done.code == 0, done.stderr
    media_type, raw = there(host, "team/app", "1")
    assert (media_type, done.stdout) == (index.media_type, f"Digest: {Digest.of(raw)} {len(raw)}\n")
    assert there(host, "team/app", "latest") == (media_type, raw)
    assert all(whole(host, "team/app", image) for image in index.images)
    assert harness.program(["inspect", "--manifest", f"{host}/team/app:1"]).stdout.encode() == raw
    again = harness.program(["push", "from-spec", "--type", media, str(spec)])
    assert (again.code, again.stdout) == (0, done.stdout)
