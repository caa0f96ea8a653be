"""The sample images are real ones, and other clients read them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from integration import images
from manifest_tool.oci import media_type as types
from manifest_tool.oci.manifest import Manifest
from manifest_tool.oci.platform import Platform

if TYPE_CHECKING:
    from manifest_tool.server.serve import Running


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
