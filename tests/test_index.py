"""The bytes of an index, and the platforms in it. Pure."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_tool import index
from manifest_tool.errors import AssemblyError, ExitCode, UsageError
from manifest_tool.oci import media_type as types
from manifest_tool.oci.descriptor import Descriptor
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.kind import Kind
from manifest_tool.oci.manifest import Manifest
from manifest_tool.oci.platform import Platform
from manifest_tool.oci.reference import Reference
from manifest_tool.resolver import Image, Source
from manifest_tool.spec.model import Entry, Spec

TARGET = Reference.parse("example.com/app:1")


def entry(number: int, platform: Platform | None = None) -> Entry:
    reference = Reference.parse(f"example.com/app:{number}")
    return Entry(number, reference, platform or Platform(), f"spec.yaml:{number}:5")


def source(number: int, declared: str = "", config: str = "", *, descriptor: Descriptor | None = None) -> Source:
    raw = json.dumps({"schemaVersion": 2, "config": None, "layers": [], "n": number}).encode()
    manifest = Manifest(raw, Digest.of(raw), types.OCI_MANIFEST)
    where = entry(number, Platform.parse(declared) if declared else None)
    image = Image(where.reference.repository, manifest, descriptor or manifest.descriptor)
    platform = Platform.parse(config) if config else Platform()
    return Source(where, where.reference.with_digest(manifest.digest), (image,), descriptor is not None, platform)


def spec(*sources: Source, annotations: dict[str, str] | None = None) -> Spec:
    return Spec(TARGET.repository, ("1",), tuple(one.entry for one in sources), annotations or {})


def assemble(*sources: Source, kind: Kind = Kind.OCI) -> index.Plan:
    return index.assemble(spec(*sources), sources, kind)


def platforms(plan: index.Plan) -> list[str]:
    return [str(child.descriptor.platform) for child in plan.children]


@pytest.mark.parametrize(
    ("declared", "config", "published"),
    [
        ("", "linux/arm64/v8", "linux/arm64/v8"),
        ("linux/arm64", "linux/arm64/v8", "linux/arm64/v8"),
        ("linux/arm/v6", "linux/arm/v7", "linux/arm/v6"),
        ("linux/amd64", "linux/arm64/v8", "linux/amd64"),
        ("windows/386", "windows/amd64:10.0.1", "windows/386"),
        ("windows/amd64", "windows(10.0.1+win32k)/amd64", "windows(10.0.1+win32k)/amd64"),
        ("windows/amd64:10.0.2", "windows(10.0.1+win32k)/amd64", "windows(10.0.2+win32k)/amd64"),
        ("linux/amd64/v3", "", "linux/amd64/v3"),
        ("linux/arm/v8", "", "linux/arm/v8"),
        ("linux/riscv64/rva22u64", "linux/riscv64", "linux/riscv64/rva22u64"),
    ],
)
def test_the_declared_platform_wins_and_the_config_fills_it(declared: str, config: str, published: str) -> None:
    assert platforms(assemble(source(1, declared, config))) == [published]


def test_a_complete_platform_is_not_filled() -> None:
    whole = source(1, "windows/amd64", "windows(10.0.1+win32k)/amd64/v2")
    whole = replace(whole, entry=replace(whole.entry, complete=True))
    assert platforms(assemble(whole)) == ["windows/amd64"]


def test_half_a_platform_is_filled_from_the_config() -> None:
    half = replace(source(1, config="linux/arm64/v8"), entry=entry(1, Platform(architecture="arm64")))
    assert platforms(assemble(half)) == ["linux/arm64/v8"]


def test_a_contradiction_is_told() -> None:
    plan = assemble(source(1, "linux/arm/v8", "linux/arm64"))
    assert "is declared as linux/arm/v8, but its config says linux/arm64" in plan.notices[0]
    assert plan.notices[0].startswith("spec.yaml:1:5: ")


def test_arm_without_a_variant_is_told() -> None:
    assert "take for v7" in assemble(source(1, "linux/arm")).notices[0]


def test_every_problem_of_the_platforms_is_told() -> None:
    half = replace(source(4), entry=entry(4, Platform(os="linux")))
    bad = replace(source(5), entry=entry(5, Platform("amd46", "linux")))
    with pytest.raises(AssemblyError) as caught:
        assemble(source(1), source(2, "linux/amd64"), source(3, "linux/amd64"), half, bad)
    text = str(caught.value)
    assert caught.value.exit_code is ExitCode.INVALID
    assert "spec.yaml:1:5: example.com/app:1 does not tell its platform" in text
    assert "spec.yaml:4:5: example.com/app:4 does not tell its platform" in text
    assert "unknown architecture 'amd46'; did you mean amd64?" in text
    assert "spec.yaml:3:5: example.com/app:3@sha256:" in text
    assert "is for linux/amd64, which example.com/app:2@sha256:" in text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("linux/arm64", "linux/arm64/v8"),
        ("linux/amd64", "linux/amd64/v1"),
        ("linux/arm", "linux/arm/v7"),
        ("windows/amd64:10.0.1", "windows/amd64:10.0.1"),
    ],
)
def test_what_runtimes_take_for_the_same_is_given_once(one: str, other: str) -> None:
    with pytest.raises(AssemblyError):
        assemble(source(1, one), source(2, other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("linux/arm/v6", "linux/arm/v7"),
        ("windows/amd64:10.0.1", "windows/amd64:10.0.2"),
        ("linux/amd64", "linux/amd64/v2"),
        ("windows(10.0.1+win32k)/amd64", "windows/amd64:10.0.1"),
    ],
)
def test_what_differs_may_stand_together(one: str, other: str) -> None:
    assert platforms(assemble(source(1, one), source(2, other))) == [one, other]


def test_annotations_need_an_oci_index() -> None:
    with pytest.raises(UsageError) as caught:
        index.check(spec(source(1), annotations={"a": "b"}), Kind.DOCKER)
    assert "--type oci" in caught.value.hint
    index.check(spec(source(1), annotations={"a": "b"}), Kind.OCI)


def test_the_descriptor_of_an_index_is_carried_whole() -> None:
    found = Descriptor(
        types.OCI_MANIFEST,
        Digest.of(b""),
        0,
        Platform("amd64", "linux"),
        {"b": "1", "a": "2"},
        ("https://example.com/x",),
        "e30=",
        "application/vnd.example",
    )
    plan = assemble(source(1, descriptor=found))
    written = json.loads(plan.raw)["manifests"][0]
    assert list(written) == ["mediaType", "digest", "size", "urls", "annotations", "data", "platform", "artifactType"]
    assert list(written["annotations"]) == ["a", "b"]
    assert written["size"] == 0
    listed = json.loads(assemble(source(1, descriptor=found), kind=Kind.DOCKER).raw)["manifests"][0]
    assert list(listed) == ["mediaType", "size", "digest", "annotations", "platform"]


def test_go_escapes() -> None:
    raw = index.encode((), Kind.OCI, {"k": '<&>\u2028\u2029\x7f\x00\b\f\n\r\t"\\/é\ud800\U0001f600'})
    assert (
        rb'"k": "\u003c\u0026\u003e\u2028\u2029' + b"\x7f" + rb"\u0000\b\f\n\r\t\"\\/" + "é\ufffd\U0001f600".encode()
    ) in raw
    assert raw.endswith(b"\n}")


@given(st.dictionaries(st.text(), st.text()))
def test_whatever_the_annotations_they_read_back(annotations: dict[str, str]) -> None:
    raw = index.encode((), Kind.OCI, annotations)
    document = json.loads(raw)
    assert document.get("annotations", {}) == annotations
    assert not set(raw) & set(b"<>&")
    keys = list(document.get("annotations", {}))
    assert keys == sorted(keys, key=lambda key: key.encode())


def test_the_digest_is_that_of_the_bytes() -> None:
    plan = assemble(source(1, "linux/amd64"), kind=Kind.DOCKER)
    assert (plan.digest, plan.media_type) == (Digest.of(plan.raw), types.DOCKER_LIST)
