"""``inspect``: its other forms, what each asks of a registry, and what each does where something is wrong."""

from __future__ import annotations

import json

import pytest

from integration import images
from manifest_tool.oci import media_type as types
from manifest_tool.server.actions import Answer, Damage
from manifest_tool.server.serve import Running
from tests import harness, seeds
from tests.conftest import Program

PLATFORMS = ("linux/amd64", "linux/arm/v6", "linux/arm/v7", "linux/arm64/v8")
FORMS = [
    (),
    ("--raw",),
    ("--format", "json"),
    ("--format", "tree"),
    ("--manifest",),
    ("--digest",),
    ("--referrers",),
    ("--format", "json", "--referrers"),
]
each_form = pytest.mark.parametrize("form", FORMS, ids=" ".join)
HOSTILE = "[bold red]evil[/] :smile: \x1b]0;owned\x07\n[9] Forged\x9b\u202e"


def index(registry: Running) -> dict[str, images.Image]:
    """Put ``app:1`` over an image for each platform."""
    built = {name: seeds.build(name, media="oci") for name in PLATFORMS}
    seeds.put(registry, "app", "1", images.index(list(built.values())))
    return built


def test_the_digest_alone(embedded: Running, program: Program) -> None:
    digest = seeds.put_image(embedded, "app:latest", "linux/amd64")
    ran = program("inspect", "--digest", f"{embedded.host}/app")
    assert (ran.code, ran.stdout, ran.stderr) == (0, f"{digest}\n", "")
    assert [request.method for request in embedded.log] == ["HEAD"]


@pytest.mark.parametrize("status", [405, 501])
def test_the_digest_where_a_head_is_no_answer(embedded: Running, program: Program, status: int) -> None:
    digest = seeds.put_image(embedded, "app:1", "linux/amd64")
    embedded.faults.add(Answer(status), method="HEAD")
    assert program("inspect", "--digest", f"{embedded.host}/app:1").stdout == f"{digest}\n"
    assert [request.method for request in embedded.log] == ["HEAD", "GET"]


def test_the_digest_of_a_platform(embedded: Running, program: Program) -> None:
    built = index(embedded)
    ran = program("inspect", "--digest", "--platform", "linux/arm", f"{embedded.host}/app:1")
    assert (ran.code, ran.stdout) == (0, f"{built['linux/arm/v7'].digest}\n")
    assert [request.method for request in embedded.log] == ["GET"]


def test_the_exact_bytes(embedded: Running, program: Program) -> None:
    raw = b'{"schemaVersion":2,\t"mediaType":"' + types.OCI_INDEX.encode() + b'","manifests":[],"x":"\x7f\xc2\x9b"}'
    embedded.put_manifest("app", raw, types.OCI_INDEX, "1")
    ran = program("inspect", "--manifest", f"{embedded.host}/app:1")
    assert (ran.code, ran.stdout.encode(), ran.stderr) == (0, raw, "")
    assert [request.method for request in embedded.log] == ["GET"]


def test_the_exact_bytes_for_a_platform(embedded: Running, program: Program) -> None:
    built = index(embedded)
    ran = program("inspect", "--manifest", "--platform", "linux/amd64", f"{embedded.host}/app:1")
    assert ran.stdout.encode() == built["linux/amd64"].manifest
    assert [request.method for request in embedded.log] == ["GET", "GET"]


@pytest.mark.parametrize("form", [(), ("--raw",), ("--raw", "--expand-config")])
def test_the_image_for_a_platform_by_the_name_that_was_asked_for(
    embedded: Running, program: Program, form: tuple[str, ...]
) -> None:
    image = index(embedded)["linux/arm64/v8"]
    name = f"{embedded.host}/app:1"
    alone = program("inspect", *form, f"{embedded.host}/app@{image.digest}").stdout
    shown = program("inspect", *form, "--platform", "linux/arm64", name).stdout
    assert shown == alone.replace(f"{embedded.host}/app@{image.digest}", name)
    assert str(image.digest) in shown


@each_form
def test_a_platform_that_is_not_there(embedded: Running, program: Program, form: tuple[str, ...]) -> None:
    index(embedded)
    ran = program("inspect", *form, "--platform", "linux/s390x", f"{embedded.host}/app:1")
    assert (ran.code, ran.stdout) == (3, "")
    assert ran.stderr.endswith(f"has no image for linux/s390x; it has {', '.join(PLATFORMS)}\n")


def test_referrers_in_text(embedded: Running, program: Program) -> None:
    image = seeds.build("linux/amd64", media="oci")
    seeds.put(embedded, "app", "1", image)
    plain = program("inspect", f"{embedded.host}/app:1").stdout
    assert program("inspect", "--referrers", f"{embedded.host}/app:1").stdout == (
        f"{plain} * Referred to by 0 manifests\n"
    )
    subject = seeds.descriptor(image.manifest, types.OCI_MANIFEST)
    fields = {"subject": subject, "artifactType": "application/x-sbom", "annotations": {"b": "2", "a": HOSTILE}}
    raw = json.dumps({**json.loads(image.manifest), **fields}).encode()
    digest = embedded.put_manifest("app", raw, types.OCI_MANIFEST)
    shown = program("inspect", "--referrers", f"{embedded.host}/app:1").stdout
    assert shown.removeprefix(plain).splitlines() == [
        " * Referred to by 1 manifest:",
        f"(1)     Type: {types.OCI_MANIFEST}",
        "(1) Artifact: application/x-sbom",
        f"(1)   Digest: {digest}",
        f"(1)   Length: {len(raw)}",
        r"(1)    - a: [bold red]evil[/] :smile: \x1b]0;owned\x07\n[9] Forged\x9b\u202e",
        "(1)    - b: 2",
        "",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--raw --digest", "--raw and --digest exclude each other"),
        ("--manifest --digest --raw", "--raw, --manifest and --digest exclude each other"),
        ("--format text --raw", "--format text and --raw exclude each other"),
        ("--format json --manifest", "--format json and --manifest exclude each other"),
        ("--referrers --digest", "--referrers and --digest exclude each other"),
        ("--referrers --manifest", "--referrers and --manifest exclude each other"),
        ("--referrers --raw", "--referrers and --raw exclude each other"),
        ("--referrers --format tree", "--referrers and --format tree exclude each other"),
        ("--expand-config --format json", "the --expand-config flag is only valid when used with --raw"),
        ("--platform arm64", "invalid platform 'arm64': expected os/arch or os/arch/variant, such as linux/arm64"),
    ],
)
def test_what_makes_no_sense(embedded: Running, program: Program, options: str, message: str) -> None:
    ran = program("inspect", *options.split(), f"{embedded.host}/app:1")
    assert (ran.code, ran.stdout) == (2, "")
    assert ran.stderr.splitlines()[0] == f"error: {message}"
    assert not len(embedded.log)


@pytest.mark.parametrize(
    ("options", "requests", "rounds"),
    [
        ("", 5, 2),
        ("--format json", 5, 2),
        ("--format tree", 5, 2),
        ("--referrers", 6, 2),
        ("--manifest", 1, 1),
        ("--digest", 1, 1),
        ("--digest --platform linux/amd64", 1, 1),
        ("--manifest --platform linux/amd64", 2, 2),
        ("--platform linux/amd64", 3, 3),
        ("--platform linux/amd64 --format json --referrers", 4, 3),
    ],
)
def test_no_more_is_asked_for_than_the_form_needs(
    embedded: Running, program: Program, options: str, requests: int, rounds: int
) -> None:
    index(embedded)
    embedded.latency = 0.2 if rounds > 1 else 0.0
    assert program("inspect", *options.split(), f"{embedded.host}/app:1").code == 0
    assert (len(embedded.log), embedded.log.rounds()) == (requests, rounds)


# What can be wrong


@each_form
def test_a_missing_image(embedded: Running, program: Program, form: tuple[str, ...]) -> None:
    ran = program("inspect", *form, f"{embedded.host}/app:gone")
    assert (ran.code, ran.stdout) == (3, "")
    assert ran.stderr.startswith(f"error: cannot pull {embedded.host}/app:gone, it is not there: GET http://")
    assert "MANIFEST_UNKNOWN" in ran.stderr


@each_form
def test_a_denied_image(embedded: Running, program: Program, form: tuple[str, ...]) -> None:
    embedded.faults.add(Answer(403, b'{"errors":[{"code":"DENIED","message":"not yours"}]}'), path="/app/")
    ran = program("inspect", *form, f"{embedded.host}/app:1")
    assert (ran.code, ran.stdout) == (4, "")
    assert ran.stderr.startswith(f"error: not allowed to pull {embedded.host}/app:1: ")
    assert "DENIED: not yours" in ran.stderr


@pytest.mark.parametrize("form", [form for form in FORMS if form != ("--digest",)], ids=" ".join)
@pytest.mark.parametrize("path", ["/manifests/1$", "/manifests/sha256:"])
def test_a_damaged_manifest(embedded: Running, program: Program, form: tuple[str, ...], path: str) -> None:
    index(embedded)
    embedded.faults.add(Damage(), method="GET", path=path)
    ran = program("inspect", *form, "--platform", "linux/amd64", f"{embedded.host}/app:1")
    assert (ran.code, ran.stdout) == (5, "")
    assert "has the digest sha256:" in ran.stderr


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"<html>", b'{"schemaVersion": 1}', b'{"manifests": [1]}'])
@pytest.mark.parametrize("form", [(), ("--format", "json")], ids=" ".join)
def test_what_is_no_manifest(embedded: Running, program: Program, form: tuple[str, ...], raw: bytes) -> None:
    embedded.faults.add(Answer(200, raw, {"Content-Type": types.OCI_INDEX}), path="/app/")
    ran = program("inspect", *form, f"{embedded.host}/app:1")
    assert (ran.code, ran.stdout) == (5, "")
    assert f"{embedded.host}/app:1 is not a manifest that can be used: " in ran.stderr


def test_500_children(embedded: Running, program: Program) -> None:
    built = [seeds.build(f"linux/{'amd64' if count else 'arm64'}", name=str(count)) for count in range(500)]
    seeds.put(embedded, "app", "1", images.index(built))
    name = f"{embedded.host}/app:1"
    lines = {" ".join(form): program("inspect", *form, name) for form in FORMS[:4]}
    assert [ran.code for ran in lines.values()] == [0] * 4
    assert lines[""].stdout.count("] # Layers: 1\n") == 500
    assert len(json.loads(lines["--raw"].stdout)["manifests"]) == 500
    assert len(json.loads(lines["--format json"].stdout)["manifests"]) == 500
    assert lines["--format tree"].stdout.count("── linux/") == 500
    assert program("inspect", "--digest", "--platform", "linux/arm64", name).stdout == f"{built[0].digest}\n"


@each_form
def test_nothing_foreign_reaches_the_terminal(embedded: Running, program: Program, form: tuple[str, ...]) -> None:
    config = json.dumps({"os": HOSTILE, "architecture": HOSTILE}).encode()
    embedded.put_blob("app", config)
    document = {
        "schemaVersion": 2,
        "mediaType": types.OCI_MANIFEST,
        "config": seeds.descriptor(config, types.OCI_CONFIG),
        "layers": [seeds.descriptor(b"", HOSTILE, annotations={HOSTILE: HOSTILE})],
        "annotations": {HOSTILE: HOSTILE},
        "artifactType": HOSTILE,
    }
    raw = json.dumps(document).encode()
    embedded.put_manifest("app", raw, types.OCI_MANIFEST, "image")
    attests = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": HOSTILE}
    entries = [
        seeds.descriptor(raw, types.OCI_MANIFEST, platform={"os": HOSTILE, "architecture": HOSTILE}),
        seeds.descriptor(raw, types.OCI_MANIFEST, annotations={HOSTILE: HOSTILE}),
        seeds.descriptor(raw, types.OCI_MANIFEST, annotations=attests),
        seeds.descriptor(b"", HOSTILE),
    ]
    embedded.put_manifest("app", *seeds.index_of(entries, annotations={HOSTILE: HOSTILE}), "index")
    for tag in ("image", "index"):
        ran = program("inspect", *form, "--platform", "linux/amd64", f"{embedded.host}/app:{tag}")
        assert (ran.code, ran.stdout, ran.stderr.count("\n")) == (3, "", 1)
        ran = program("inspect", *form, f"{embedded.host}/app:{tag}")
        assert (ran.code, ran.stderr) == (0, "")
        assert all(character == "\n" or character.isprintable() for character in ran.stdout)
        assert "\n[9]" not in ran.stdout
        assert form in {("--digest",), ("--manifest",)} or "[bold red]evil[/] :smile:" in ran.stdout


def test_at_every_registry(any_registry: str, program: Program) -> None:
    image = seeds.build("linux/arm64", media="oci")
    whole = images.index([seeds.build("linux/amd64", media="oci"), image])
    images.push(any_registry, "app", whole, "1")
    referrer = images.sbom(image)
    images.push(any_registry, "app", referrer)
    # As a client leaves it where the registry lists none itself.
    listing = seeds.index_of([seeds.descriptor(referrer.manifest, referrer.media_type)])
    harness.put_manifest(any_registry, "app", str(image.digest).replace(":", "-"), *listing)
    name = f"{any_registry}/app:1"
    assert program("inspect", "--digest", name).stdout == f"{whole.digest}\n"
    assert program("inspect", "--manifest", name).stdout.encode() == whole.manifest
    shown = program("inspect", "--format", "json", "--platform", "linux/arm64", "--referrers", name)
    assert [entry["digest"] for entry in json.loads(shown.stdout)["referrers"]] == [str(referrer.digest)]
    text = program("inspect", "--platform", "linux/arm64", "--referrers", name).stdout
    assert f"(1)   Digest: {referrer.digest}\n" in text
    listed = shown.stdout.count('"artifactType": "application/spdx+json"')
    assert text.count("(1) Artifact: application/spdx+json\n") == listed
