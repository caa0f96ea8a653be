"""``inspect --format json``: everything, and every key at all times."""

from __future__ import annotations

import json
from typing import Any

from integration import images
from manifest_tool.oci import media_type as types
from manifest_tool.server.serve import Running
from tests import seeds
from tests.conftest import Program

EMPTY = "application/vnd.oci.empty.v1+json"


def shown(program: Program, name: str, *options: str) -> dict[str, Any]:
    ran = program("inspect", "--format", "json", *options, name)
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout.isascii()
    document: dict[str, Any] = json.loads(ran.stdout)
    return document


def artifact(registry: Running, repository: str, tag: str, **fields: object) -> dict[str, Any]:
    """Put an artifact with an empty config; gives what points to it."""
    registry.put_blob(repository, b"{}")
    config = seeds.descriptor(b"{}", EMPTY)
    document = {"schemaVersion": 2, "mediaType": types.OCI_MANIFEST, "config": config, "layers": [config], **fields}
    raw = json.dumps(document).encode()
    registry.put_manifest(repository, raw, types.OCI_MANIFEST, tag)
    return seeds.descriptor(raw, types.OCI_MANIFEST)


def blob(raw: bytes, media_type: str) -> dict[str, Any]:
    return {**seeds.descriptor(raw, media_type), "annotations": {}}


def test_an_image(embedded: Running, program: Program) -> None:
    image = seeds.build("linux/arm/v7", layers=2, media="oci")
    digest = seeds.put(embedded, "app", "1", image)
    assert shown(program, f"{embedded.host}/app:1") == {
        "schemaVersion": 1,
        "reference": f"{embedded.host}/app:1@{digest}",
        **seeds.descriptor(image.manifest, types.OCI_MANIFEST),
        "platform": {"architecture": "arm", "os": "linux", "variant": "v7"},
        "annotations": {},
        "artifactType": None,
        "subject": None,
        "config": blob(image.config, types.OCI_CONFIG),
        "layers": [blob(layer, types.OCI_LAYER) for layer in image.layers],
        "manifests": [],
        "totalSize": sum(map(len, image.blobs)),
        "referrers": None,
    }


def test_an_index_with_an_attestation(embedded: Running, program: Program) -> None:
    index = images.attested_index(seeds.build("linux/amd64", media="oci"))
    seeds.put(embedded, "app", "1", index)
    document = shown(program, f"{embedded.host}/app:1")
    image, attestation = document["manifests"]
    assert (document["config"], document["layers"], document["platform"]) == (None, [], None)
    assert document["totalSize"] == sum(len(blob) for one in index.images for blob in one.blobs)
    assert image["platform"] == {"architecture": "amd64", "os": "linux"}
    assert image["attestationFor"] is None
    assert image["totalSize"] == sum(map(len, index.images[0].blobs))
    assert attestation["attestationFor"] == image["digest"]
    assert attestation["annotations"]["vnd.docker.reference.type"] == "attestation-manifest"
    assert [layer["annotations"] for layer in attestation["layers"]] == [
        {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"}
    ]


def test_everything_that_an_entry_says(embedded: Running, program: Program) -> None:
    subject = seeds.descriptor(b"subject", types.OCI_MANIFEST)
    platform = {"architecture": "amd64", "os": "windows", "os.version": "10.0.17763.1", "os.features": ["win32k"]}
    entry = artifact(embedded, "app", "a", artifactType="application/x-own", subject=subject, annotations={"own": "1"})
    listed = {**entry, "platform": platform, "annotations": {"entry": "[red]\x1b"}}
    raw, media_type = seeds.index_of([listed], annotations={"top": "\x7f"}, artifactType="x/index", subject=subject)
    embedded.put_manifest("app", raw, media_type, "1")
    document = shown(program, f"{embedded.host}/app:1")
    assert (document["annotations"], document["artifactType"]) == ({"top": "\x7f"}, "x/index")
    assert document["subject"] == subject
    assert document["manifests"] == [
        {
            **listed,
            "artifactType": "application/x-own",
            "attestationFor": None,
            "manifestAnnotations": {"own": "1"},
            "subject": subject,
            "config": blob(b"{}", EMPTY),
            "layers": [blob(b"{}", EMPTY)],
            "manifests": [],
            "totalSize": 2,
        }
    ]


def test_a_platform_that_the_config_alone_tells(embedded: Running, program: Program) -> None:
    image = seeds.build("linux/s390x")
    seeds.put(embedded, "app", "image", image)
    embedded.put_manifest("app", *seeds.index_of([seeds.descriptor(image.manifest, image.media_type)]), "1")
    [child] = shown(program, f"{embedded.host}/app:1")["manifests"]
    assert child["platform"] == {"architecture": "s390x", "os": "linux"}


def test_indexes_in_an_index_and_what_is_no_manifest(embedded: Running, program: Program) -> None:
    image = seeds.build("linux/amd64", media="oci")
    seeds.put(embedded, "app", "image", image)
    nested, media_type = seeds.index_of([image.descriptor, image.descriptor])
    embedded.put_manifest("app", nested, media_type)
    odd = seeds.descriptor(b"odd", "text/x-odd", artifactType="x/odd")
    embedded.put_manifest("app", *seeds.index_of([seeds.descriptor(nested, media_type), odd]), "1")
    document = shown(program, f"{embedded.host}/app:1")
    index, other = document["manifests"]
    assert [child["digest"] for child in index["manifests"]] == [str(image.digest)] * 2
    assert document["totalSize"] == index["totalSize"] == sum(map(len, image.blobs))
    assert {**odd, "totalSize": None, "config": None, "layers": [], "manifests": []}.items() <= other.items()


def test_a_chosen_platform_is_an_image_with_its_referrers(embedded: Running, program: Program) -> None:
    built = [seeds.build(name, media="oci") for name in ("linux/amd64", "linux/arm64")]
    seeds.put(embedded, "app", "1", images.index(built))
    subject = seeds.descriptor(built[1].manifest, types.OCI_MANIFEST)
    referrer = artifact(embedded, "app", "", subject=subject, artifactType="x/sbom", annotations={"a": "[b]"})
    document = shown(program, f"{embedded.host}/app:1", "--platform", "linux/arm64", "--referrers")
    assert document["reference"] == f"{embedded.host}/app@{built[1].digest}"
    assert document["platform"] == {"architecture": "arm64", "os": "linux"}
    assert document["referrers"] == [{**referrer, "artifactType": "x/sbom", "annotations": {"a": "[b]"}}]
