"""Reference → platforms: what is told, and what that takes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from integration import images
from manifest_tool.errors import InvalidContent
from manifest_tool.oci import media_type as types
from manifest_tool.oci.descriptor import ATTESTATION, REFERENCE_TYPE
from manifest_tool.oci.platform import Platform
from manifest_tool.oci.reference import Reference
from manifest_tool.query.support import Support, find
from manifest_tool.server.serve import Running
from tests import seeds
from tests.registry import parts

ATTESTED = {"annotations": {REFERENCE_TYPE: ATTESTATION}}


async def found(registry: Running, reference: str) -> Support:
    async with parts.client() as client:
        return await find(Reference.parse(f"{registry.host}/{reference}"), client)


def platforms(support: Support) -> list[str]:
    return [str(manifest.platform) for manifest in support.manifests]


def put_index(registry: Running, *entries: dict[str, Any]) -> None:
    registry.put_manifest("app", *seeds.index_of(entries), tag="1")


def put_silent(registry: Running, platform: str) -> dict[str, Any]:
    """Put an image, and give what points to it without its platform."""
    image = seeds.build(platform)
    seeds.put(registry, "app", "", image)
    return seeds.descriptor(image.manifest, image.media_type)


async def test_an_index_is_one_request(embedded: Running) -> None:
    index = images.index([seeds.build("linux/amd64"), seeds.build("linux/arm64/v8"), seeds.build("windows/amd64:10.0")])
    seeds.put(embedded, "app", "1", index)
    support = await found(embedded, "app:1")
    assert platforms(support) == ["linux/amd64", "linux/arm64/v8", "windows/amd64:10.0"]
    assert (support.digest, support.size, support.is_index) == (index.digest, len(index.manifest), True)
    assert [manifest.digest for manifest in support.manifests] == [image.digest for image in index.images]
    assert [request.path for request in embedded.log] == ["/v2/app/manifests/1"]


async def test_an_image_is_two_requests_one_after_the_other(embedded: Running) -> None:
    image = seeds.build("linux/arm/v7")
    seeds.put(embedded, "app", "latest", image)
    support = await found(embedded, "app")
    assert platforms(support) == ["linux/arm/v7"]
    assert (support.manifests[0].digest, support.is_index) == (image.digest, False)
    assert len(embedded.log) == 2


async def test_what_is_about_another_entry_is_counted_apart(embedded: Running) -> None:
    image = seeds.build("linux/amd64", media="oci")
    odd = seeds.descriptor(b"odd", types.OCI_MANIFEST, annotations={REFERENCE_TYPE: "something else"})
    put_index(embedded, image.descriptor, seeds.descriptor(b"about", types.OCI_MANIFEST, **ATTESTED), odd)
    support = await found(embedded, "app:1")
    assert (platforms(support), support.attestations) == (["linux/amd64"], 2)


async def test_an_image_that_the_index_says_nothing_of_is_read(embedded: Running) -> None:
    image = seeds.build("linux/amd64")
    put_index(embedded, image.descriptor, put_silent(embedded, "linux/riscv64"))
    assert platforms(await found(embedded, "app:1")) == ["linux/amd64", "linux/riscv64"]
    assert len(embedded.log) == 3


async def test_no_index_makes_many_images_be_read(embedded: Running) -> None:
    entries = [put_silent(embedded, f"linux/amd64:{number}") for number in range(20)]
    put_index(embedded, *entries)
    support = await found(embedded, "app:1")
    assert [manifest.platform is None for manifest in support.manifests] == [False] * 16 + [True] * 4
    assert len(embedded.log) == 1 + 2 * 16


async def test_what_nobody_can_tell_is_unknown(embedded: Running) -> None:
    nested = seeds.descriptor(b"nested", types.OCI_INDEX)
    artifact = json.dumps(
        {"schemaVersion": 2, "mediaType": types.OCI_MANIFEST, "config": seeds.descriptor(b"x", "text/x"), "layers": []}
    ).encode()
    embedded.put_manifest("app", artifact, types.OCI_MANIFEST)
    put_index(embedded, nested, seeds.descriptor(artifact, types.OCI_MANIFEST))
    assert platforms(await found(embedded, "app:1")) == ["None", "None"]


async def test_a_listed_image_that_is_gone(embedded: Running) -> None:
    put_index(embedded, seeds.descriptor(b"gone", types.OCI_MANIFEST))
    with pytest.raises(InvalidContent, match="which is not there"):
        await found(embedded, "app:1")


async def test_required_platforms_are_told_apart_as_runtimes_do(embedded: Running) -> None:
    about = seeds.descriptor(
        b"about", types.OCI_MANIFEST, **ATTESTED, platform={"architecture": "s390x", "os": "linux"}
    )
    arm = seeds.descriptor(b"arm", types.OCI_MANIFEST, platform={"architecture": "arm64", "os": "linux"})
    put_index(embedded, seeds.descriptor(b"none", types.OCI_INDEX), arm, about)
    support = await found(embedded, "app:1")
    wanted = [Platform.parse(text) for text in ("linux/arm64/v8", "linux/amd64", "linux/s390x", "linux/aarch64")]
    assert [str(platform) for platform in support.missing(wanted)] == ["linux/amd64", "linux/s390x"]


async def test_its_json_is_read_back(embedded: Running) -> None:
    image = seeds.build("windows(10.0.17763.1+win32k)/amd64")
    seeds.put(embedded, "app", "image", image)
    put_index(embedded, image.descriptor, seeds.descriptor(b"nested", types.OCI_INDEX))
    for reference in ("app:1", "app:image"):
        support = await found(embedded, reference)
        assert Support.from_json(json.loads(json.dumps(support.to_json()))) == support


GOOD = Support.from_json(
    {**seeds.descriptor(b"", types.OCI_INDEX), "manifests": [seeds.descriptor(b"", "x")], "attestations": 0}
).to_json()


@pytest.mark.parametrize(
    "change",
    [
        {"digest": "sha256:1"},
        {"size": -1},
        {"mediaType": "text/plain"},
        {"manifests": None},
        {"manifests": [1]},
        {"manifests": [{"digest": "x"}]},
        {"attestations": -1},
        {"attestations": "1"},
    ],
    ids=repr,
)
def test_what_is_no_such_json(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Support.from_json(GOOD | change)


@pytest.mark.parametrize("value", [None, [], "text", {}])
def test_what_is_no_such_object(value: object) -> None:
    with pytest.raises(ValueError, match="no platforms"):
        Support.from_json(value)
