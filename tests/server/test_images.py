"""The sample images are real ones, and other clients read them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from integration import images
from manifest_tool.oci import media_type as types
from manifest_tool.oci.manifest import Manifest
from manifest_tool.oci.platform import Platform

if TYPE_CHECKING:
    from manifest_tool.server.serve import Running

skopeo = pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not installed")


def name(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@pytest.mark.parametrize("media", ["docker", "oci"])
def test_samples(media: images.Media) -> None:
    samples = images.sample_images(media=media)
    assert samples == images.sample_images(media=media)
    assert len({sample.digest for sample in samples}) == 6
    for sample, platform in zip(samples, images.PLATFORMS, strict=True):
        manifest, config = Manifest.parse(sample.manifest), json.loads(sample.config)
        assert manifest.digest == sample.digest
        assert manifest.media_type == (types.DOCKER_MANIFEST if media == "docker" else types.OCI_MANIFEST)
        assert [str(blob.digest) for blob in manifest.blobs] == [name(blob) for blob in sample.blobs]
        assert Platform.from_json(config) == platform
        (layer,) = sample.layers
        unpacked = gzip.decompress(layer)
        assert config["rootfs"]["diff_ids"] == [name(unpacked)]
        with tarfile.open(fileobj=io.BytesIO(unpacked)) as archive:
            assert archive.getnames() == ["bin", "bin/hello", "etc", "etc/motd", "etc/os-release"]
            assert archive.getmember("bin/hello").mode == 0o755
            motd = archive.extractfile("etc/motd")
            assert motd is not None
            assert motd.read() == f"Hello from {platform}\n".encode()


def test_push(registry: Running) -> None:
    samples = images.sample_images()
    for made in (samples[0], images.attested_index(samples[1]), images.index(samples, media="docker")):
        digest = images.push(registry.host, "a/b", made, "tag")
        assert registry.manifest("a/b", "tag") == registry.manifest("a/b", digest) == (made.media_type, made.manifest)
    assert images.push(registry.host, "a/c", samples[0]) == samples[0].digest
    assert registry.tags("a/c") == {}


def test_push_says_what_was_refused(registry: Running) -> None:
    with pytest.raises(ConnectionError, match="NAME_INVALID"):
        images.push(registry.host, "A", images.sample_images()[0])


def copy(*arguments: str) -> None:
    command = ["skopeo", "--insecure-policy", "copy", "--quiet", "--all", "--preserve-digests", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@skopeo
@pytest.mark.parametrize("media", ["docker", "oci"])
def test_skopeo_copies_in_and_out(registry: Running, tmp_path: Path, media: images.Media) -> None:
    index = images.index(images.sample_images(media=media), media=media)
    images.push(registry.host, "source", index, "1.0")
    out, back = tmp_path / "out", tmp_path / "back"
    copy("--src-tls-verify=false", f"docker://{registry.host}/source:1.0", f"dir:{out}")
    copy("--dest-tls-verify=false", f"dir:{out}", f"docker://{registry.host}/a/copy:2.0")
    copy("--src-tls-verify=false", f"docker://{registry.host}/a/copy:2.0", f"dir:{back}")
    assert registry.manifest("a/copy", "2.0") == (index.media_type, index.manifest)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {
        path.name: path.read_bytes() for path in back.iterdir()
    }
    assert (back / "manifest.json").read_bytes() == index.manifest


@skopeo
def test_skopeo_inspects_and_deletes(registry: Running) -> None:
    sample = images.sample_images()[1]
    images.push(registry.host, "a", sample, "tag")
    target = f"docker://{registry.host}/a:tag"
    shown = subprocess.run(["skopeo", "inspect", "--tls-verify=false", target], capture_output=True, check=True)
    assert json.loads(shown.stdout)["Digest"] == str(sample.digest)
    assert json.loads(shown.stdout)["RepoTags"] == ["tag"]
    subprocess.run(["skopeo", "delete", "--tls-verify=false", target], check=True)
    assert registry.manifest("a", "tag") is None
