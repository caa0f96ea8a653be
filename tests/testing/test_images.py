"""Images made in memory: real ones, and the same at every time."""

from __future__ import annotations

import gzip
import io
import json
import tarfile

import pytest

from manifest_tool.errors import InvalidPlatform
from manifest_tool.oci.manifest import Manifest
from manifest_tool.testing import images


def test_an_image_greets_from_its_platform() -> None:
    made = images.image("linux/arm64")
    assert made == images.image("linux/arm64")
    assert made.digest != images.image("linux/arm64", labels={"a": "b"}).digest != images.image("linux/amd64").digest
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(made.layers[0]))) as archive:
        motd = archive.extractfile("etc/motd")
        assert motd is not None
        assert motd.read() == b"Hello from linux/arm64\n"
    assert json.loads(images.image(layers=[]).manifest)["layers"] == []


@pytest.mark.parametrize("platform", ["", "linux", "linux/", "/amd64", "linux/arm/v7/x"])
def test_no_platform(platform: str) -> None:
    with pytest.raises(InvalidPlatform):
        images.image(platform)


def test_the_bytes_never_change() -> None:
    layer = images.root_file_system({"a/b": b"text"})
    assert layer[:10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    made = images.image("windows(10.0.1)/amd64", [layer], labels={"a": "b"})
    config = json.loads(made.config)
    assert config["os.version"] == "10.0.1"
    assert config["config"]["Labels"] == {"a": "b"}


def test_an_attestation_is_beside_its_image() -> None:
    image = images.image()
    index = Manifest.parse(images.attested_index(image).manifest)
    first, second = index.manifests
    assert (first.digest, first.is_attestation) == (image.digest, False)
    assert (second.is_attestation, second.describes) == (True, str(image.digest))
    assert str(second.platform) == "unknown/unknown"


def test_a_list_of_contents_is_about_its_image() -> None:
    image = images.image()
    made = Manifest.parse(images.sbom(image).manifest)
    assert made.subject == Manifest.parse(image.manifest).descriptor
    assert made.artifact_type == "application/spdx+json"
