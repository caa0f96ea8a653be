"""Inspecting: everything below a reference, in as few round trips as that takes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from integration import images
from manifest_tool import inspector, pipeline
from manifest_tool.errors import ExitCode, InvalidContent, ManifestToolError, NotFound
from manifest_tool.inspector import Inspected
from manifest_tool.oci import media_type as types
from manifest_tool.oci.reference import Reference
from manifest_tool.pipeline import Connection
from manifest_tool.registry.retry import Retry
from manifest_tool.registry.transport import Options
from manifest_tool.server.actions import Answer
from manifest_tool.server.serve import Running
from tests import seeds


async def inspect(registry: Running, name: str, *, child_configs: bool = False) -> Inspected:
    reference = Reference.parse(f"{registry.host}/{name}")
    connection = Connection(Options(retry=Retry(attempts=1)))
    async with pipeline.connected(connection, reference.repository.registry) as client:
        return await inspector.inspect(reference, client, child_configs=child_configs)


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


async def test_the_configs_of_children_are_read_where_they_are_wanted(embedded: Running) -> None:
    index = images.attested_index(seeds.build("linux/amd64", media="oci"))
    seeds.put(embedded, "app", "1", index)
    found = await inspect(embedded, "app:1", child_configs=True)
    assert [child.config for child in found.children] == [json.loads(one.config) for one in index.images]


async def test_by_digest(embedded: Running) -> None:
    digest = seeds.put_image(embedded, "app:1", "linux/amd64")
    found = await inspect(embedded, f"app:other@{digest}")
    assert found.manifest.digest == digest
    assert embedded.log[0].path.endswith(str(digest))


@pytest.mark.parametrize(("child_configs", "depth"), [(False, 2), (True, 3)])
async def test_the_round_trips_do_not_grow_with_the_platforms(
    embedded: Running, child_configs: bool, depth: int
) -> None:
    seeds.put(
        embedded, "app", "1", images.index([seeds.build(f"linux/{name}") for name in ("386", "arm64", "ppc64le")])
    )
    embedded.latency = 0.2
    await inspect(embedded, "app:1", child_configs=child_configs)
    assert embedded.log.rounds() == depth
    assert [request.method for request in embedded.log] == ["GET"] * (1 + 3 * (depth - 1))


async def test_500_children(embedded: Running) -> None:
    built = [seeds.build("linux/amd64", name=str(count)) for count in range(500)]
    seeds.put(embedded, "app", "1", images.index(built))
    found = await inspect(embedded, "app:1")
    assert [str(child.descriptor.digest) for child in found.children] == [one.digest for one in built]
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
@pytest.mark.parametrize("path", ["/manifests/1", "/manifests/sha256:", "/blobs/"])
async def test_a_refusal_anywhere(embedded: Running, path: str, status: int, code: ExitCode) -> None:
    seeds.put(embedded, "app", "1", images.index([seeds.build("linux/amd64"), seeds.build("linux/386")]))
    embedded.faults.add(Answer(status), path=path)
    with pytest.raises(ManifestToolError) as caught:
        await inspect(embedded, "app:1", child_configs=True)
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
