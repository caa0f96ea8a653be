"""``inspect``: what it prints, to the letter."""

from __future__ import annotations

import json
from typing import Any

import pytest

from integration import images
from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.server.actions import Answer
from manifest_tool.server.serve import Running
from tests import seeds
from tests.conftest import Program

ESCAPE = "\x1b]0;owned\x07"
HOSTILE = f"evil{ESCAPE}\n[9] Forged: line\x9b\u202e"
SHOWN = r"evil\x1b]0;owned\x07\n[9] Forged: line\x9b\u202e"

LIST = """\
Name:   {host}/app:1 (Type: application/vnd.docker.distribution.manifest.list.v2+json)
Digest: {index}
 * Contains 2 manifest references (2 images, 0 attestation):
[1]     Type: application/vnd.docker.distribution.manifest.v2+json
[1]   Digest: {arm}
[1]   Length: {arm_size}
[1] Platform:
[1]    -      OS: linux
[1]    -    Arch: arm
[1]    - Variant: v7
[1] # Layers: 2
     layer 01: digest = {arm_layers[0]}
                 type = application/vnd.docker.image.rootfs.diff.tar.gzip
     layer 02: digest = {arm_layers[1]}
                 type = application/vnd.docker.image.rootfs.diff.tar.gzip

[2]     Type: application/vnd.docker.distribution.manifest.v2+json
[2]   Digest: {windows}
[2]   Length: {windows_size}
[2] Platform:
[2]    -      OS: windows
[2]    - OS Vers: 10.0.17763.1
[2]    - OS Feat: [win32k other]
[2]    -    Arch: amd64
[2] # Layers: 1
     layer 01: digest = {windows_layers[0]}
                 type = application/vnd.docker.image.rootfs.diff.tar.gzip

"""

ATTESTED = """\
Name:   {host}/app:1 (Type: application/vnd.oci.image.index.v1+json)
Digest: {index}
 * Contains 2 manifest references (1 image, 1 attestation):
[1]     Type: application/vnd.oci.image.manifest.v1+json
[1]   Digest: {image}
[1]   Length: {image_size}
[1] Platform:
[1]    -      OS: linux
[1]    -    Arch: amd64
[1] # Layers: 1
     layer 01: digest = {layer}
                 type = application/vnd.oci.image.layer.v1.tar+gzip

[2]     Type: application/vnd.oci.image.manifest.v1+json (vnd.docker.reference.type=attestation-manifest)
[2]   Digest: {attestation}
[2]   Length: {attestation_size}
[2]       >>> Attestation for digest: {image}

"""

IMAGE = """\
Name: {host}/app:1 (Type: {media_type})
      Digest: {digest}
        Size: {size}
          OS: linux
        Arch: arm64
    # Layers: 2
      layer 01: digest = {layers[0]}
      layer 02: digest = {layers[1]}
"""

RAW_INDEX = """\
{
    "name": "HOST/app:index",
    "digest": "INDEX",
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.index.v1+json",
    "manifests": [
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": "CONFIG",
                "size": 91
            },
            "layers": [
                {
                    "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                    "digest": "LAYER",
                    "size": 5,
                    "annotations": {
                        "a": "\\u003cb\\u003e \\u0026 \\u2028",
                        "z": "é"
                    }
                }
            ],
            "annotations": {
                "made": "by hand"
            }
        },
        {
            "mediaType": "text/x-odd",
            "digest": "ODD",
            "size": 3,
            "platform": {
                "architecture": "amd64",
                "os": "linux"
            }
        }
    ],
    "annotations": {
        "a": "1",
        "b": "2"
    }
}
"""

RAW_IMAGE = """\
{
    "name": "HOST/app",
    "digest": "IMAGE",
    "os": "linux",
    "architecture": "arm64",
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "config": {
        "mediaType": "application/vnd.oci.image.config.v1+json",
        "digest": "CONFIG",
        "size": 91
    },
    "layers": [
        {
            "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
            "digest": "LAYER",
            "size": 5,
            "annotations": {
                "a": "\\u003cb\\u003e \\u0026 \\u2028",
                "z": "é"
            }
        }
    ],
    "annotations": {
        "made": "by hand"
    }
}
"""

EXPANDED = """\
{
    "schemaVersion": 2,
    "name": "HOST/app",
    "digest": "IMAGE",
    "os": "linux",
    "architecture": "arm64",
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "config": {
        "architecture": "arm64",
        "os": "linux",
        "config": {
            "User": "me",
            "Cmd": [
                "run"
            ],
            "Healthcheck": {}
        }
    },
    "layers": [
        {
            "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
            "digest": "LAYER",
            "size": 5,
            "annotations": {
                "a": "\\u003cb\\u003e \\u0026 \\u2028",
                "z": "é"
            }
        }
    ],
    "annotations": {
        "made": "by hand"
    }
}
"""


def hand_made(registry: Running) -> dict[str, str]:
    """Put an image whose keys stand in no usual order under ``app:latest``; gives what its texts are filled with."""
    config = b'{"config":{"Healthcheck":{},"Cmd":["run"],"User":"me"},"os":"linux","architecture":"arm64"}'
    layer = seeds.descriptor(b"layer", types.OCI_LAYER, annotations={"z": "é", "a": "<b> & \u2028"})
    document = {
        "annotations": {"made": "by hand"},
        "layers": [dict(reversed(layer.items()))],
        "config": seeds.descriptor(config, types.OCI_CONFIG),
        "mediaType": types.OCI_MANIFEST,
        "schemaVersion": 2,
    }
    registry.put_blob("app", config)
    raw = json.dumps(document).encode()
    registry.put_manifest("app", raw, types.OCI_MANIFEST, "latest")
    return {
        "HOST": registry.host,
        "IMAGE": str(Digest.of(raw)),
        "CONFIG": str(Digest.of(config)),
        "LAYER": str(Digest.of(b"layer")),
    }


def filled(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def layers(image: images.Image) -> list[str]:
    return [str(Digest.of(layer)) for layer in image.layers]


def put_index(registry: Running, *entries: dict[str, Any], **more: Any) -> str:
    """Put ``app:index`` over any descriptors."""
    raw, media_type = seeds.index_of(entries, **more)
    return str(registry.put_manifest("app", raw, media_type, "index"))


def test_a_list(embedded: Running, program: Program) -> None:
    arm = seeds.build("linux/arm/v7", layers=2)
    windows = seeds.build("windows(10.0.17763.1+win32k+other)/amd64")
    index = seeds.put(embedded, "app", "1", images.index([arm, windows], media="docker"))
    ran = program("inspect", f"{embedded.host}/app:1")
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout == LIST.format(
        host=embedded.host,
        index=index,
        arm=arm.digest,
        arm_size=len(arm.manifest),
        arm_layers=layers(arm),
        windows=windows.digest,
        windows_size=len(windows.manifest),
        windows_layers=layers(windows),
    )


def test_an_attestation(embedded: Running, program: Program) -> None:
    index = images.attested_index(seeds.build("linux/amd64", media="oci"))
    image, attestation = index.images
    digest = seeds.put(embedded, "app", "1", index)
    ran = program("inspect", f"{embedded.host}/app:1")
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout == ATTESTED.format(
        host=embedded.host,
        index=digest,
        image=image.digest,
        image_size=len(image.manifest),
        layer=layers(image)[0],
        attestation=attestation.digest,
        attestation_size=len(attestation.manifest),
    )


def test_the_images_and_attestations_are_counted(embedded: Running, program: Program) -> None:
    entry = json.loads(images.attested_index(seeds.build("linux/amd64", media="oci")).manifest)["manifests"][1]
    odd = {**entry, "mediaType": "text/x-odd"}
    put_index(embedded, odd, odd, seeds.descriptor(b"odd", "text/x-odd"))
    ran = program("inspect", f"{embedded.host}/app:index")
    assert ran.stdout.splitlines()[2] == " * Contains 3 manifest references (1 image, 2 attestations):"


@pytest.mark.parametrize("media", ["docker", "oci"])
def test_an_image(embedded: Running, program: Program, media: images.Media) -> None:
    image = seeds.build("linux/arm64", layers=2, media=media)
    digest = seeds.put(embedded, "app", "1", image)
    ran = program("inspect", f"{embedded.host}/app:1")
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout == IMAGE.format(
        host=embedded.host, media_type=image.media_type, digest=digest, size=len(image.manifest), layers=layers(image)
    )


@pytest.mark.parametrize("name", ["app@{digest}", "app:other@{digest}", "app:1"])
def test_the_name_is_what_was_written(embedded: Running, program: Program, name: str) -> None:
    digest = seeds.put_image(embedded, "app:1", "linux/amd64")
    name = f"{embedded.host}/{name.format(digest=digest)}"
    ran = program("inspect", name)
    assert ran.stdout.startswith(f"Name: {name} (Type: ")
    assert f"      Digest: {digest}\n" in ran.stdout
    assert json.loads(program("inspect", "-raw", name).stdout)["name"] == name


def test_raw_of_an_index(embedded: Running, program: Program) -> None:
    values = hand_made(embedded)
    found = embedded.manifest("app", "latest")
    assert found is not None
    odd = seeds.descriptor(b"odd", "text/x-odd", platform={"os": "linux", "architecture": "amd64"})
    image = seeds.descriptor(found[1], found[0])
    index = put_index(embedded, image, odd, annotations={"b": "2", "a": "1"})
    ran = program("inspect", "--raw", f"{embedded.host}/app:index")
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout == filled(RAW_INDEX, {**values, "INDEX": index, "ODD": odd["digest"]})
    assert program("inspect", "--raw", "--expand-config", f"{embedded.host}/app:index").stdout == ran.stdout


def test_raw_of_an_image(embedded: Running, program: Program) -> None:
    values = hand_made(embedded)
    ran = program("inspect", "--raw", f"{embedded.host}/app")
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout == filled(RAW_IMAGE, values)


def test_raw_of_an_image_with_its_config(embedded: Running, program: Program) -> None:
    values = hand_made(embedded)
    ran = program("inspect", "--raw", "--expand-config", f"{embedded.host}/app")
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout == filled(EXPANDED, values)


def test_raw_of_an_artifact_keeps_what_points_to_its_config(embedded: Running, program: Program) -> None:
    config = seeds.descriptor(b"\x00", "application/x-tar")
    document = {"schemaVersion": 2, "mediaType": types.OCI_MANIFEST, "config": config, "layers": [], "name": "forged"}
    embedded.put_manifest("app", json.dumps(document).encode(), types.OCI_MANIFEST, "1")
    name = f"{embedded.host}/app:1"
    shown = json.loads(program("inspect", "--raw", "--expand-config", name).stdout)
    assert (shown["name"], shown["config"]) == (name, config)
    assert "os" not in shown
    assert "          OS: \n        Arch: \n    # Layers: 0\n" in program("inspect", name).stdout


def test_what_is_no_image_in_an_index(embedded: Running, program: Program) -> None:
    nested = seeds.descriptor(seeds.index_of([])[0], types.OCI_INDEX)
    put_index(embedded, nested)
    name = f"{embedded.host}/app:index"
    ran = program("inspect", name)
    assert ran.code == 0
    assert ran.stdout.splitlines()[3:] == [
        f"[1]     Type: {types.OCI_INDEX}",
        f"[1]   Digest: {nested['digest']}",
        f"[1]   Length: {nested['size']}",
        f"Unknown media type for further display: {types.OCI_INDEX}",
    ]
    assert json.loads(program("inspect", "--raw", name).stdout)["manifests"] == [nested]


def test_an_empty_index(embedded: Running, program: Program) -> None:
    put_index(embedded)
    name = f"{embedded.host}/app:index"
    assert program("inspect", name).stdout.endswith(" * Contains 0 manifest references (0 image, 0 attestation):\n")
    assert json.loads(program("inspect", "--raw", name).stdout)["manifests"] == []


def test_a_child_without_platform(embedded: Running, program: Program) -> None:
    image = seeds.build("linux/amd64")
    seeds.put(embedded, "app", "", image)
    put_index(embedded, seeds.descriptor(image.manifest, image.media_type))
    ran = program("inspect", f"{embedded.host}/app:index")
    assert ran.code == 0
    assert ran.stdout.splitlines()[5:7] == [f"[1]   Length: {len(image.manifest)}", "[1] # Layers: 1"]


def hostile(registry: Running) -> None:
    """Put ``app:index`` with something for the terminal wherever text may stand."""
    config = json.dumps({"os": HOSTILE, "architecture": HOSTILE}).encode()
    registry.put_blob("app", config)
    document = {
        "schemaVersion": 2,
        "mediaType": types.OCI_MANIFEST,
        "config": seeds.descriptor(config, types.OCI_CONFIG),
        "layers": [seeds.descriptor(b"", HOSTILE)],
        "annotations": {HOSTILE: HOSTILE},
    }
    raw = json.dumps(document, ensure_ascii=False).encode()
    registry.put_manifest("app", raw, types.OCI_MANIFEST, "image")
    fields = ("os", "architecture", "variant", "os.version")
    platform = {**dict.fromkeys(fields, HOSTILE), "os.features": [HOSTILE]}
    about = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": HOSTILE}
    put_index(
        registry,
        seeds.descriptor(raw, types.OCI_MANIFEST, platform=platform),
        seeds.descriptor(raw, types.OCI_MANIFEST, annotations=about),
        seeds.descriptor(b"", HOSTILE),
        annotations={"title": HOSTILE},
    )


@pytest.mark.parametrize("tag", ["image", "index"])
def test_nothing_reaches_the_terminal(embedded: Running, program: Program, tag: str) -> None:
    hostile(embedded)
    ran = program("inspect", f"{embedded.host}/app:{tag}")
    assert ran.code == 0
    assert all(character == "\n" or character.isprintable() for character in ran.stdout)
    assert ran.stdout.count(SHOWN) == {"image": 2, "index": 9}[tag]
    assert "\n[9]" not in ran.stdout


@pytest.mark.parametrize("tag", ["image", "index"])
def test_nothing_in_the_json_reaches_the_terminal(embedded: Running, program: Program, tag: str) -> None:
    hostile(embedded)
    ran = program("inspect", "--raw", "--expand-config", f"{embedded.host}/app:{tag}")
    assert ran.code == 0
    assert all(character == "\n" or character.isprintable() for character in ran.stdout)
    shown = json.loads(ran.stdout)
    assert HOSTILE in shown["annotations"].values()


def test_half_a_surrogate_pair(embedded: Running, program: Program) -> None:
    put_index(embedded, seeds.descriptor(b"", "\ud83d"), annotations={"a": "\ud83d"})
    name = f"{embedded.host}/app:index"
    assert "display: \ufffd\n" in program("inspect", name).stdout
    assert json.loads(program("inspect", "--raw", name).stdout)["annotations"] == {"a": "\ufffd"}


@pytest.mark.parametrize("depth", [100, 900, 5_000])
def test_a_deep_nest_is_printed_or_refused(embedded: Running, program: Program, depth: int) -> None:
    raw, media_type = seeds.index_of([])
    deep = raw[:-1] + b', "deep": ' + b"[" * depth + b"]" * depth + b"}"
    embedded.put_manifest("app", deep, media_type, "deep")
    ran = program("inspect", "--raw", f"{embedded.host}/app:deep")
    if ran.code == 0:
        assert ran.stdout.count("[") == depth + 1
    else:
        assert (ran.code, ran.stdout, depth > 100) == (5, "", True)


def test_the_config_is_expanded_in_json_alone(embedded: Running, program: Program) -> None:
    ran = program("inspect", "--expand-config", f"{embedded.host}/app:1")
    assert (ran.code, ran.stdout) == (2, "")
    assert ran.stderr == "error: the --expand-config flag is only valid when used with --raw\n"
    assert not len(embedded.log)


@pytest.mark.parametrize("arguments", [(), ("--raw",)])
def test_missing(embedded: Running, program: Program, arguments: tuple[str, ...]) -> None:
    ran = program("inspect", *arguments, f"{embedded.host}/app:gone")
    assert (ran.code, ran.stdout) == (3, "")
    assert f"{embedded.host}/app:gone" in ran.stderr


@pytest.mark.parametrize(("status", "code"), [(401, 4), (403, 4), (429, 5), (500, 5)])
def test_refused(embedded: Running, program: Program, status: int, code: int) -> None:
    embedded.faults.add(Answer(status, b'{"errors":[{"code":"X","message":"because"}]}'), path="/app/")
    ran = program("inspect", f"{embedded.host}/app:1")
    assert (ran.code, ran.stdout) == (code, "")
    assert "X: because" in ran.stderr


@pytest.mark.parametrize("name", ["", "App:1", "app:1:2", "https://host/app", "app@sha256:1"])
def test_no_reference(program: Program, name: str) -> None:
    ran = program("inspect", name)
    assert (ran.code, ran.stdout) == (2, "")
    assert ran.stderr.startswith("error: invalid reference ")


def test_half_a_login(program: Program) -> None:
    ran = program("--username", "me", "inspect", "app:1")
    assert (ran.code, "belong together" in ran.stderr) == (2, True)
