"""``inspect --format tree``: what hangs on what, and how large it is."""

from __future__ import annotations

import json

from integration import images
from manifest_tool.oci import media_type as types
from manifest_tool.server.serve import Running
from tests import seeds
from tests.conftest import Program


def tree(program: Program, name: str, *options: str) -> str:
    ran = program("inspect", "--format", "tree", *options, name)
    assert (ran.code, ran.stderr) == (0, "")
    return ran.stdout


def short(digest: object) -> str:
    return str(digest)[: len("sha256:") + 12]


def of(raw: bytes) -> str:
    return short(seeds.descriptor(raw, "")["digest"])


def size(*parts: bytes) -> str:
    return f"{sum(map(len, parts))} bytes"


def test_layers_that_platforms_share_are_marked(embedded: Running, program: Program) -> None:
    base = images.root_file_system({"base": b"1"})
    top = [images.root_file_system({"id": name}) for name in (b"one", b"two")]
    one, two = (
        images.image(name, [base, layer], media="docker")
        for name, layer in zip(("linux/amd64", "linux/arm64/v8"), top, strict=True)
    )
    digest = seeds.put(embedded, "app", "1", images.index([one, two]))
    name = f"{embedded.host}/app:1"
    whole = sum(map(len, (base, *top, one.config, two.config)))
    assert tree(program, name) == "\n".join(
        [
            f"{name}  index  {short(digest)}  {whole / 1000:.1f} kB  2 images",
            f"├── linux/amd64  {short(one.digest)}  {size(*one.blobs)}",
            f"│   ├── config  {of(one.config)}  {size(one.config)}",
            f"│   ├── layer 01  {of(base)}  {size(base)}  shared by 2",
            f"│   └── layer 02  {of(top[0])}  {size(top[0])}",
            f"└── linux/arm64/v8  {short(two.digest)}  {size(*two.blobs)}",
            f"    ├── config  {of(two.config)}  {size(two.config)}",
            f"    ├── layer 01  {of(base)}  {size(base)}  shared by 2",
            f"    └── layer 02  {of(top[1])}  {size(top[1])}",
            "",
        ]
    )
    assert tree(program, name, "--platform", "linux/arm64").splitlines()[0] == (
        f"{name}  linux/arm64/v8  {short(two.digest)}  {size(*two.blobs)}"
    )


def test_an_image_that_is_listed_twice_shares_nothing(embedded: Running, program: Program) -> None:
    image = seeds.build("linux/amd64")
    seeds.put(embedded, "app", "1", images.index([image, image]))
    assert "shared" not in tree(program, f"{embedded.host}/app:1")


def test_sizes_are_for_people(embedded: Running, program: Program) -> None:
    config = b"{}"
    embedded.put_blob("app", config)
    layers = [{**seeds.descriptor(b"", types.OCI_LAYER), "size": size} for size in (1, 1_500, 2_000_000, 3_100_000_000)]
    document = {
        "schemaVersion": 2,
        "mediaType": types.OCI_MANIFEST,
        "config": seeds.descriptor(config, types.OCI_CONFIG),
        "layers": layers,
    }
    embedded.put_manifest("app", json.dumps(document).encode(), types.OCI_MANIFEST, "1")
    ends = [line.rpartition("  ")[2] for line in tree(program, f"{embedded.host}/app:1").splitlines()]
    assert ends[1:] == ["2 bytes", "1 byte", "1.5 kB", "2.0 MB", "3.1 GB"]


def test_whatever_else_there_is(embedded: Running, program: Program) -> None:
    image = seeds.build("linux/amd64", media="oci")
    attested = images.attested_index(image)
    seeds.put(embedded, "app", "", attested)
    subject = seeds.descriptor(b"subject", types.OCI_MANIFEST)
    fields = {"subject": subject, "artifactType": "application/x-sbom"}
    raw = json.dumps({**json.loads(image.manifest), "config": seeds.descriptor(b"x", "x/y"), **fields}).encode()
    embedded.put_manifest("app", raw, types.OCI_MANIFEST, "sbom")
    entries = [
        seeds.descriptor(attested.manifest, attested.media_type),
        seeds.descriptor(raw, types.OCI_MANIFEST),
        seeds.descriptor(b"odd", "text/x-odd"),
    ]
    embedded.put_manifest("app", *seeds.index_of(entries), "1")
    lines = tree(program, f"{embedded.host}/app:1").splitlines()
    assert lines[0].endswith("  3 images")
    assert [line for line in lines if "index  " in line][1].startswith("├── index  ")
    assert any(line.startswith(f"│   └── attestation for {image.digest.hex[:12]}  ") for line in lines)
    assert any(line.startswith("├── no platform application/x-sbom  ") for line in lines)
    assert f"│   ├── subject  {short(subject['digest'])}" in lines
    assert lines[-1] == f"└── text/x-odd (not opened)  {short(entries[2]['digest'])}  3 bytes"
    assert tree(program, f"{embedded.host}/app:sbom").startswith(f"{embedded.host}/app:sbom  application/x-sbom  ")


def test_an_empty_index(embedded: Running, program: Program) -> None:
    digest = embedded.put_manifest("app", *seeds.index_of([]), "1")
    name = f"{embedded.host}/app:1"
    assert tree(program, name) == f"{name}  index  {short(digest)}  0 bytes  0 images\n"
