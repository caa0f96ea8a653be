"""Images looked up for a draft."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from integration import images
from manifest_tool import pipeline
from manifest_tool.drafts.images import kind_of, look_up
from manifest_tool.errors import ExitCode, ResolveError
from manifest_tool.events import ignore
from manifest_tool.oci import media_type as types
from manifest_tool.oci.kind import Kind
from manifest_tool.oci.platform import Platform
from manifest_tool.oci.reference import Reference
from manifest_tool.registry.client import Client
from manifest_tool.registry.transport import Options
from manifest_tool.server.serve import Running
from manifest_tool.spec.model import Entry, Spec
from tests import seeds

TARGET = Reference.parse("r.test/app:1")


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with pipeline.connected(pipeline.Connection(Options()), None) as found:
        yield found


def spec(registry: Running, *names: str, annotations: dict[str, str] | None = None) -> Spec:
    references = [Reference.parse(f"{registry.host}/{name}") for name in names]
    entries = [Entry(number, reference, Platform(), f"d.yaml:{number}") for number, reference in enumerate(references)]
    return Spec(references[0].repository, ("1",), tuple(entries), annotations or {})


async def test_an_image_named_twice_is_one(embedded: Running, client: Client) -> None:
    digest = seeds.put_image(embedded, "app:latest", "linux/amd64")
    name = f"{embedded.host}/app"
    found = await look_up(TARGET, [name, f"{name}:latest", f"{name}@{digest}"], client, ignore)
    assert [str(item.reference) for item in found] == [f"{name}:latest@{digest}", f"{name}@{digest}"]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"os": "linux", "architecture": "aarch64"}, "linux/arm64"),
        ({"os": "linux", "architecture": "vax"}, ""),
        ({"architecture": "amd64"}, ""),
        ({"os": "windows", "architecture": "amd64", "os.version": "1\n2"}, ""),
        ({"os": "windows", "architecture": "amd64", "os.version": "1" * 200}, ""),
    ],
)
async def test_a_platform_that_no_spec_could_say_stays_open(
    embedded: Running, client: Client, config: dict[str, str], expected: str
) -> None:
    raw = json.dumps(config).encode()
    embedded.put_blob("app", raw)
    document = {"schemaVersion": 2, "mediaType": types.OCI_MANIFEST, "config": seeds.descriptor(raw, types.OCI_CONFIG)}
    embedded.put_manifest("app", json.dumps({**document, "layers": []}).encode(), types.OCI_MANIFEST, "1")
    [item] = await look_up(TARGET, [f"{embedded.host}/app:1"], client, ignore)
    assert item.platform == (Platform.parse(expected) if expected else Platform())


async def test_the_kind_is_that_of_all_images(embedded: Running, client: Client) -> None:
    for tag, media in (("d", "docker"), ("o", "oci")):
        seeds.put(embedded, "app", tag, seeds.build("linux/amd64", media="oci" if media == "oci" else "docker"))
    seeds.put(embedded, "app", "i", images.attested_index(seeds.build("linux/arm64", media="oci")))
    assert await kind_of(spec(embedded, "app:o", "app:i"), client) is Kind.OCI
    assert await kind_of(spec(embedded, "app:o", "app:d"), client) is Kind.DOCKER
    assert await kind_of(spec(embedded, "app:d", annotations={"a": "b"}), client) is Kind.OCI


async def test_all_that_is_gone_is_told(embedded: Running, client: Client) -> None:
    with pytest.raises(ResolveError) as caught:
        await kind_of(spec(embedded, "app:x", "app:y"), client)
    assert [where for where, _ in caught.value.failures] == ["d.yaml:0", "d.yaml:1"]
    assert caught.value.exit_code is ExitCode.NOT_FOUND
