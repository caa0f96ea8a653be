"""Inspecting: everything below a reference, in as few round trips as that takes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from integration import images
from manifest_tool import inspector
from manifest_tool.errors import ExitCode, InvalidContent, ManifestToolError, NotFound, PlatformNotFound
from manifest_tool.events import Noticed
from manifest_tool.inspector import Child, Inspected, Reach
from manifest_tool.oci import media_type as types
from manifest_tool.oci.platform import Platform
from manifest_tool.oci.reference import Reference
from manifest_tool.server.actions import Answer
from manifest_tool.server.serve import Running
from tests import seeds
from tests.registry.parts import Watched, client


async def inspect(registry: Running, name: str, reach: Reach = inspector.FLAT) -> Inspected:
    async with client(attempts=1) as opened:
        return await inspector.inspect(Reference.parse(f"{registry.host}/{name}"), opened, reach=reach)


def put_artifact(registry: Running, config_type: str, config: bytes) -> None:
    """Put ``app:artifact``, which is nothing but a config."""
    registry.put_blob("app", config)
    document = {
        "schemaVersion": 2,
        "mediaType": types.OCI_MANIFEST,
        "config": seeds.descriptor(config, config_type),
        "layers": [],
    }
    registry.put_manifest("app", json.dumps(document).encode(), types.OCI_MANIFEST, "artifact")


def put_index(registry: Running, entries: list[dict[str, Any]]) -> None:
    """Put ``app:index`` over any descriptors."""
    raw, media_type = seeds.index_of(entries)
    registry.put_manifest("app", raw, media_type, "index")


@pytest.mark.parametrize("media", ["docker", "oci"])
async def test_an_image(embedded: Running, media: images.Media) -> None:
    image = seeds.build("linux/arm/v7", media=media)
    digest = seeds.put(embedded, "app", "latest", image)
    found = await inspect(embedded, "app")
    assert str(found.reference) == f"{embedded.host}/app@{digest}"
    assert found.manifest.raw == image.manifest
    assert found.config == json.loads(image.config)
    assert found.children == ()
    assert len(embedded.log) == 2


async def test_an_index(embedded: Running) -> None:
    built = [seeds.build(name) for name in ("linux/amd64", "linux/s390x")]
    seeds.put(embedded, "app", "1", images.index(built))
    found = await inspect(embedded, "app:1")
    assert found.config is None
    assert [str(child.descriptor.platform) for child in found.children] == ["linux/amd64", "linux/s390x"]
    assert [child.manifest and child.manifest.raw for child in found.children] == [one.manifest for one in built]
    assert [child.config for child in found.children] == [None, None]


async def test_configs_tell_the_platforms_that_an_index_does_not(embedded: Running) -> None:
    named, unnamed = seeds.build("linux/amd64"), seeds.build("linux/s390x")
    seeds.put(embedded, "app", "1", images.index([named, unnamed]))
    put_index(embedded, [named.descriptor, seeds.descriptor(unnamed.manifest, unnamed.media_type)])
    found = await inspect(embedded, "app:index", inspector.WHOLE)
    assert [child.config for child in found.children] == [None, json.loads(unnamed.config)]
    assert len(embedded.log) == 4


async def test_by_digest(embedded: Running) -> None:
    digest = seeds.put_image(embedded, "app:1", "linux/amd64")
    found = await inspect(embedded, f"app:other@{digest}")
    assert found.manifest.digest == digest
    assert embedded.log[0].path.endswith(str(digest))


@pytest.mark.parametrize(("reach", "depth"), [(inspector.FLAT, 2), (inspector.WHOLE, 3)])
async def test_the_round_trips_do_not_grow_with_the_platforms(embedded: Running, reach: Reach, depth: int) -> None:
    built = [seeds.build(f"linux/{name}") for name in ("386", "arm64", "ppc64le")]
    seeds.put(embedded, "app", "1", images.index(built))
    put_index(embedded, [seeds.descriptor(one.manifest, one.media_type) for one in built])
    embedded.latency = 0.2
    await inspect(embedded, "app:index", reach)
    assert embedded.log.rounds() == depth
    assert [request.method for request in embedded.log] == ["GET"] * (1 + 3 * (depth - 1))


async def test_500_children(embedded: Running) -> None:
    built = [seeds.build("linux/amd64", name=str(count)) for count in range(500)]
    seeds.put(embedded, "app", "1", images.index(built))
    found = await inspect(embedded, "app:1")
    assert [child.descriptor.digest for child in found.children] == [one.digest for one in built]
    assert len(embedded.log) == 501


async def test_more_children_than_any_index_has(embedded: Running) -> None:
    put_index(embedded, [seeds.descriptor(b"{}", types.OCI_MANIFEST)] * 2_001)
    with pytest.raises(InvalidContent, match="has 2001 entries; at most 2000"):
        await inspect(embedded, "app:index")
    assert len(embedded.log) == 1


async def test_what_is_no_image_in_an_index_is_not_opened(embedded: Running) -> None:
    nested, odd = seeds.index_of([])[0], b"what is it"
    put_index(embedded, [seeds.descriptor(nested, types.OCI_INDEX), seeds.descriptor(odd, "text/x-odd")])
    found = await inspect(embedded, "app:index")
    assert [(child.descriptor.media_type, child.manifest) for child in found.children] == [
        (types.OCI_INDEX, None),
        ("text/x-odd", None),
    ]
    assert len(embedded.log) == 1


async def test_a_child_that_is_gone(embedded: Running) -> None:
    put_index(embedded, [seeds.descriptor(b"{}", types.OCI_MANIFEST)])
    with pytest.raises(InvalidContent, match="which is not there"):
        await inspect(embedded, "app:index")


async def test_nothing_there(embedded: Running) -> None:
    with pytest.raises(NotFound):
        await inspect(embedded, "app:gone")


@pytest.mark.parametrize(("status", "code"), [(401, ExitCode.DENIED), (403, ExitCode.DENIED), (500, ExitCode.REGISTRY)])
@pytest.mark.parametrize("path", ["/manifests/index", "/manifests/sha256:", "/blobs/"])
async def test_a_refusal_anywhere(embedded: Running, path: str, status: int, code: ExitCode) -> None:
    image = seeds.build("linux/amd64")
    seeds.put(embedded, "app", "1", image)
    put_index(embedded, [image.descriptor, seeds.descriptor(image.manifest, image.media_type)])
    embedded.faults.add(Answer(status), path=path)
    with pytest.raises(ManifestToolError) as caught:
        await inspect(embedded, "app:index", inspector.WHOLE)
    assert caught.value.exit_code == code


async def test_an_artifact_with_a_config_of_its_own(embedded: Running) -> None:
    put_artifact(embedded, "application/vnd.wasm.config.v0+json", b'{"os": "wasip1"}')
    assert (await inspect(embedded, "app:artifact")).config == {"os": "wasip1"}


async def test_a_config_that_is_no_json_is_not_read(embedded: Running) -> None:
    put_artifact(embedded, "application/x-tar", b"\x00")
    assert (await inspect(embedded, "app:artifact")).config is None
    assert len(embedded.log) == 1


@pytest.mark.parametrize("config", [b"[]", b"\xff", b"{", b"[" * 100_000])
async def test_a_config_that_is_no_object(embedded: Running, config: bytes) -> None:
    put_artifact(embedded, types.OCI_CONFIG, config)
    with pytest.raises(InvalidContent, match="is not a JSON object"):
        await inspect(embedded, "app:artifact")


# Nested indexes


def nest(registry: Running, depth: int) -> images.Image:
    """Put ``app:index`` over an image that lies so many indexes deep."""
    image = seeds.build("linux/amd64", media="oci")
    seeds.put(registry, "app", "", image)
    entry = image.descriptor
    for _ in range(depth - 1):
        raw, media_type = seeds.index_of([entry])
        registry.put_manifest("app", raw, media_type)
        entry = seeds.descriptor(raw, media_type)
    put_index(registry, [entry])
    return image


async def test_nested_indexes_are_opened_where_they_are_wanted(embedded: Running) -> None:
    image = nest(embedded, 3)
    node: Inspected | Child = await inspect(embedded, "app:index", inspector.WHOLE)
    for _ in range(3):
        [node] = node.children
    assert node.manifest
    assert node.manifest.raw == image.manifest
    assert len(embedded.log) == 4


async def test_a_nest_that_is_too_deep(embedded: Running) -> None:
    nest(embedded, 9)
    with pytest.raises(InvalidContent, match="nested deeper than 8 levels"):
        await inspect(embedded, "app:index", inspector.WHOLE)


async def test_indexes_that_list_each_other_many_times(embedded: Running) -> None:
    raw, media_type = seeds.index_of([])
    embedded.put_manifest("app", raw, media_type)
    for _ in range(3):
        raw, media_type = seeds.index_of([seeds.descriptor(raw, media_type)] * 40)
        embedded.put_manifest("app", raw, media_type, "many")
    with pytest.raises(InvalidContent, match="at most 2000 are followed"):
        await inspect(embedded, "app:many", inspector.WHOLE)
    assert len(embedded.log) <= 4


# One platform


async def found_for(registry: Running, name: str, platform: str, watched: Watched | None = None) -> Inspected:
    reference = Reference.parse(f"{registry.host}/{name}")
    async with client(attempts=1) as opened:
        wanted = Platform.parse(platform)
        found = await inspector.find(reference, opened, wanted, watched or Watched())
        assert await inspector.digest(reference, opened, wanted) == found.manifest.digest
        return found


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ("linux/amd64", "linux/amd64"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/v6", "linux/arm/v6"),
        ("linux/aarch64", "linux/arm64/v8"),
        ("windows/amd64", "windows(10.0.17763.1)/amd64"),
    ],
)
async def test_the_image_for_a_platform(embedded: Running, wanted: str, chosen: str) -> None:
    names = ("linux/amd64", "linux/arm/v6", "linux/arm/v7", "linux/arm64/v8", "windows(10.0.17763.1)/amd64")
    built = {name: seeds.build(name) for name in names}
    seeds.put(embedded, "app", "1", images.index(list(built.values())))
    found = await found_for(embedded, "app:1", wanted)
    assert found.manifest.raw == built[chosen].manifest
    assert str(found.reference) == f"{embedded.host}/app@{built[chosen].digest}"


async def test_the_first_of_several_images_is_taken_with_a_notice(embedded: Running) -> None:
    first, second = (seeds.build(f"windows(10.0.{build})/amd64") for build in ("17763", "20348"))
    seeds.put(embedded, "app", "1", images.index([first, second]))
    watched = Watched()
    assert (await found_for(embedded, "app:1", "windows/amd64", watched)).manifest.digest == first.digest
    [notice] = watched.of(Noticed)
    assert notice.message.endswith(
        f"has 2 images for windows/amd64; the first is taken: {first.digest}, for windows/amd64:10.0.17763"
    )


async def test_a_platform_in_a_nested_index(embedded: Running) -> None:
    image = nest(embedded, 3)
    assert (await found_for(embedded, "app:index", "linux/amd64")).manifest.raw == image.manifest


async def test_an_attestation_is_no_image_for_a_platform(embedded: Running) -> None:
    seeds.put(embedded, "app", "1", images.attested_index(seeds.build("linux/amd64", media="oci")))
    with pytest.raises(PlatformNotFound, match=r"has no image for unknown/unknown; it has linux/amd64$"):
        await found_for(embedded, "app:1", "unknown/unknown")


@pytest.mark.parametrize("read", [inspector.find, inspector.digest])
async def test_an_image_is_for_the_platform_of_its_config(embedded: Running, read: Any) -> None:
    digest = seeds.put_image(embedded, "app:1", "linux/arm64")
    assert (await found_for(embedded, "app:1", "linux/arm64")).manifest.digest == digest
    put_artifact(embedded, "application/x-tar", b"\x00")
    async with client(attempts=1) as opened:
        for tag, have in (("1", "linux/arm64"), ("artifact", "no platform")):
            with pytest.raises(PlatformNotFound, match=f"is no image for linux/386; it is for {have}"):
                await read(Reference.parse(f"{embedded.host}/app:{tag}"), opened, Platform.parse("linux/386"))


# Referrers


async def test_referrers_are_those_of_what_was_found(embedded: Running) -> None:
    image = seeds.build("linux/amd64", media="oci")
    seeds.put(embedded, "app", "1", images.index([image]))
    subject = seeds.descriptor(image.manifest, image.media_type)
    document = {**json.loads(image.manifest), "subject": subject, "artifactType": "application/x-sbom"}
    referrer = embedded.put_manifest("app", json.dumps(document).encode(), types.OCI_MANIFEST)
    reference = Reference.parse(f"{embedded.host}/app:1")
    embedded.latency = 0.2
    async with client(attempts=1) as opened:
        whole = await inspector.inspect(reference, opened, referrers=True)
        assert embedded.log.rounds() == 2
        wanted = Platform.parse("linux/amd64")
        one = await inspector.inspect(reference, opened, platform=wanted, referrers=True)
    assert whole.referrers == ()
    assert one.referrers is not None
    assert [(entry.digest, entry.artifact_type) for entry in one.referrers] == [(referrer, "application/x-sbom")]
