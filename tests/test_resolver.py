"""Sources: found all at once, indexes opened up, every failure told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from integration import images
from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.platform import Platform
from manifest_tool.server.actions import Answer
from manifest_tool.server.serve import Running
from tests import seeds
from tests.conftest import Program


def published(registry: Running, repository: str = "app", tag: str = "all") -> list[dict[str, Any]]:
    """The entries of an index that was published."""
    found = registry.manifest(repository, tag)
    assert found is not None
    entries: list[dict[str, Any]] = json.loads(found[1])["manifests"]
    return entries


def platforms(entries: list[dict[str, Any]]) -> list[str]:
    return [str(Platform.from_json(entry["platform"])) for entry in entries]


def multi(*names: str) -> images.Index:
    return images.index([seeds.build(name) for name in names])


def test_an_index_gives_all_its_images(embedded: Running, program: Program) -> None:
    seeds.put(embedded, "app", "multi", multi("linux/amd64", "linux/arm/v7"))
    assert program.push(seeds.spec(embedded.host, "app:all", "app:multi")).code == 0
    assert platforms(published(embedded)) == ["linux/amd64", "linux/arm/v7"]


def test_the_platform_of_an_entry_chooses_in_an_index(embedded: Running, program: Program) -> None:
    seeds.put(embedded, "app", "multi", multi("linux/amd64", "linux/arm64/v8", "linux/arm/v6", "linux/arm/v7"))
    spec = seeds.spec(embedded.host, "app:all", "app:multi linux/arm64", "app:multi linux/arm/v6")
    assert program.push(spec).code == 0
    assert platforms(published(embedded)) == ["linux/arm64/v8", "linux/arm/v6"]


def test_an_exact_match_comes_before_what_satisfies(embedded: Running, program: Program) -> None:
    seeds.put(embedded, "app", "multi", multi("linux/arm/v5", "linux/arm/v6", "linux/arm/v7"))
    assert program.push(seeds.spec(embedded.host, "app:all", "app:multi linux/arm")).code == 0
    assert platforms(published(embedded)) == ["linux/arm/v7"]


def test_every_windows_version_satisfies_windows(embedded: Running, program: Program) -> None:
    index = multi("windows/amd64:10.0.17763.1", "linux/amd64", "windows/amd64:10.0.20348.1")
    seeds.put(embedded, "app", "multi", index)
    assert program.push(seeds.spec(embedded.host, "app:all", "app:multi windows/amd64")).code == 0
    assert platforms(published(embedded)) == ["windows/amd64:10.0.17763.1", "windows/amd64:10.0.20348.1"]


def test_attestations_follow_the_images_that_were_chosen(embedded: Running, program: Program) -> None:
    amd64, arm64 = seeds.build("linux/amd64", media="oci"), seeds.build("linux/arm64", media="oci")
    both = [images.attested_index(image) for image in (amd64, arm64)]
    entries = [entry for index in both for entry in json.loads(index.manifest)["manifests"]]
    for index in both:
        seeds.put(embedded, "app", "", index)
    raw, media_type = seeds.index_of(entries)
    embedded.put_manifest("app", raw, media_type, "multi")

    assert program.push(seeds.spec(embedded.host, "app:all", "app:multi linux/arm64")).code == 0
    chosen = published(embedded)
    assert [entry["digest"] for entry in chosen] == [str(arm64.digest), entries[3]["digest"]]
    assert chosen[1]["annotations"]["vnd.docker.reference.digest"] == str(arm64.digest)

    assert program.push(seeds.spec(embedded.host, "app:all", "app:multi")).code == 0
    assert [entry["digest"] for entry in published(embedded)] == [
        str(amd64.digest),
        str(arm64.digest),
        entries[1]["digest"],
        entries[3]["digest"],
    ]


def test_nested_indexes_are_opened_up_to_any_depth(embedded: Running, program: Program) -> None:
    raw, media_type = multi("linux/amd64", "linux/s390x").manifest, types.OCI_INDEX
    seeds.put(embedded, "app", "", multi("linux/amd64", "linux/s390x"))
    for _ in range(4):
        embedded.put_manifest("app", raw, media_type)
        raw, media_type = seeds.index_of([seeds.descriptor(raw, media_type)])
    embedded.put_manifest("app", raw, media_type, "multi")
    assert program.push(seeds.spec(embedded.host, "app:all", "app:multi")).code == 0
    assert platforms(published(embedded)) == ["linux/amd64", "linux/s390x"]


def test_too_deep_a_nest_is_not_followed(embedded: Running, program: Program) -> None:
    raw, media_type = seeds.index_of([])
    for _ in range(20):
        embedded.put_manifest("app", raw, media_type)
        raw, media_type = seeds.index_of([seeds.descriptor(raw, media_type)])
    embedded.put_manifest("app", raw, media_type, "multi")
    ran = program.push(seeds.spec(embedded.host, "app:all", "app:multi"))
    assert (ran.code, "nested deeper than 8 levels" in ran.stderr) == (5, True)


def test_an_index_that_doubles_at_every_level_is_read_once_a_level(embedded: Running, program: Program) -> None:
    image = seeds.build("linux/amd64")
    seeds.put(embedded, "app", "", image)
    raw, media_type = seeds.index_of([image.descriptor])
    for _ in range(6):
        embedded.put_manifest("app", raw, media_type)
        raw, media_type = seeds.index_of([seeds.descriptor(raw, media_type)] * 50)
    embedded.put_manifest("app", raw, media_type, "multi")
    assert program.push(seeds.spec(embedded.host, "app:all", "app:multi")).code == 0
    assert len(embedded.log) < 20


def test_an_index_without_the_platform_is_not_found(embedded: Running, program: Program) -> None:
    seeds.put(embedded, "app", "multi", multi("linux/amd64", "linux/arm/v7"))
    ran = program.push(seeds.spec(embedded.host, "app:all", "app:multi linux/s390x"), "--ignore-missing")
    assert ran.code == 3
    assert "has no image for linux/s390x; it has linux/amd64, linux/arm/v7" in ran.stderr
    assert not embedded.log.writes()


def test_a_child_without_platform_is_named(embedded: Running, program: Program) -> None:
    amd64, arm64 = seeds.build("linux/amd64"), seeds.build("linux/arm64")
    for image in (amd64, arm64):
        seeds.put(embedded, "app", "", image)
    bare = {key: value for key, value in arm64.descriptor.items() if key != "platform"}
    raw, media_type = seeds.index_of([amd64.descriptor, bare])
    embedded.put_manifest("app", raw, media_type, "multi")
    ran = program.push(seeds.spec(embedded.host, "app:all", "app:multi"))
    assert (ran.code, f"does not tell the platform of {arm64.digest}" in ran.stderr) == (5, True)
    assert program.push(seeds.spec(embedded.host, "app:all", "app:multi linux/amd64")).code == 0


def test_a_child_that_is_gone_is_no_missing_source(embedded: Running, program: Program) -> None:
    image = seeds.build("linux/amd64")
    seeds.put_image(embedded, "app:there", "linux/arm64")
    raw, media_type = seeds.index_of([image.descriptor])
    embedded.put_manifest("app", raw, media_type, "multi")
    ran = program.push(seeds.spec(embedded.host, "app:all", "app:multi", "app:there"), "--ignore-missing")
    assert ran.code == 5
    assert f"lists {image.digest}, which is not there" in ran.stderr
    assert "clean-up" in ran.stderr


@pytest.mark.parametrize(("size", "told"), [(7, "larger than 7 bytes"), (70_000, "but the index says 70000 of")])
def test_a_child_of_another_size_than_the_index_says(embedded: Running, program: Program, size: int, told: str) -> None:
    image = seeds.build("linux/amd64")
    seeds.put(embedded, "app", "", image)
    raw, media_type = seeds.index_of([{**image.descriptor, "size": size}])
    embedded.put_manifest("app", raw, media_type, "multi")
    ran = program.push(seeds.spec(embedded.host, "app:all", "app:multi"))
    assert (ran.code, told in ran.stderr) == (5, True)


def test_an_entry_of_unknown_type_is_left_out_with_a_notice(embedded: Running, program: Program) -> None:
    image = seeds.build("linux/amd64")
    seeds.put(embedded, "app", "", image)
    odd = seeds.descriptor(b"{}", "application/vnd.example+json")
    raw, media_type = seeds.index_of([odd, image.descriptor])
    embedded.put_manifest("app", raw, media_type, "multi")
    ran = program.push(seeds.spec(embedded.host, "app:all", "app:multi"))
    assert ran.code == 0
    assert "warning: " in ran.stderr
    assert "application/vnd.example+json" in ran.stderr
    assert len(published(embedded)) == 1


def test_every_failure_is_told_in_one_run(embedded: Running, program: Program) -> None:
    seeds.put_image(embedded, "app:there", "linux/amd64")
    embedded.faults.add(Answer(403, b'{"errors":[{"code":"DENIED","message":"no"}]}'), path="/secret/")
    spec = seeds.spec(embedded.host, "app:all", "app:gone", "app:there", "secret:1", "app:lost")
    ran = program.push(spec)
    assert ran.code == 4
    assert "error: 3 sources failed" in ran.stderr
    for line, reference in ((4, "app:gone"), (6, "secret:1"), (7, "app:lost")):
        assert f"spec.yaml:{line}:5: " in ran.stderr
        assert f"{embedded.host}/{reference}" in ran.stderr
    assert "404" in ran.stderr
    assert "DENIED: no" in ran.stderr
    assert not embedded.log.writes()


def test_ignore_missing_leaves_out_what_is_not_there(embedded: Running, program: Program) -> None:
    seeds.put_image(embedded, "app:there", "linux/amd64")
    ran = program.push(seeds.spec(embedded.host, "app:all", "app:gone", "app:there"), "--ignore-missing")
    assert ran.code == 0
    assert "left out, as --ignore-missing asks" in ran.stderr
    assert platforms(published(embedded)) == ["linux/amd64"]


@pytest.mark.parametrize(("status", "code"), [(401, 4), (403, 4), (500, 5), (503, 5), (429, 5), (400, 5)])
def test_ignore_missing_ignores_no_other_failure(embedded: Running, program: Program, status: int, code: int) -> None:
    seeds.put_image(embedded, "app:there", "linux/amd64")
    embedded.faults.add(Answer(status), path="/app/manifests/other")
    ran = program.push(seeds.spec(embedded.host, "app:all", "app:other", "app:there"), "--ignore-missing")
    assert ran.code == code
    assert not embedded.log.writes()


def test_an_artifact_has_the_platform_that_is_declared(embedded: Running, program: Program) -> None:
    empty = embedded.put_blob("app", b"{}")
    config = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": str(empty), "size": 2}
    document = {"schemaVersion": 2, "mediaType": types.OCI_MANIFEST, "config": config, "layers": []}
    embedded.put_manifest("app", json.dumps(document).encode(), types.OCI_MANIFEST, "artifact")
    ran = program.push(seeds.spec(embedded.host, "app:all", "app:artifact"))
    assert (ran.code, "does not tell its platform" in ran.stderr) == (2, True)
    assert program.push(seeds.spec(embedded.host, "app:all", "app:artifact linux/amd64")).code == 0
    assert not [request for request in embedded.log.reads() if "/blobs/" in request.path]


@pytest.mark.parametrize("config", [b"[]", b"\xff", b"{", b'"text"', b"[" * 100_000])
def test_a_config_that_is_no_object(embedded: Running, program: Program, config: bytes) -> None:
    digest = embedded.put_blob("app", config)
    descriptor = {"mediaType": types.OCI_CONFIG, "digest": str(digest), "size": len(config)}
    document = {"schemaVersion": 2, "mediaType": types.OCI_MANIFEST, "config": descriptor, "layers": []}
    embedded.put_manifest("app", json.dumps(document).encode(), types.OCI_MANIFEST, "odd")
    ran = program.push(seeds.spec(embedded.host, "app:all", "app:odd"))
    assert (ran.code, "is not a JSON object" in ran.stderr) == (5, True)


def test_a_config_larger_than_any_is_not_read(embedded: Running, program: Program) -> None:
    descriptor = {"mediaType": types.OCI_CONFIG, "digest": "sha256:" + "0" * 64, "size": 2**40}
    document = {"schemaVersion": 2, "mediaType": types.OCI_MANIFEST, "config": descriptor, "layers": []}
    embedded.put_manifest("app", json.dumps(document).encode(), types.OCI_MANIFEST, "odd")
    ran = program.push(seeds.spec(embedded.host, "app:all", "app:odd"))
    assert (ran.code, "at most 4194304 are read" in ran.stderr) == (5, True)


def test_all_sources_are_asked_for_at_once(embedded: Running, program: Program) -> None:
    names = ["amd64", "arm64", "s390x", "ppc64le", "riscv64", "386"]
    for name in names:
        seeds.put_image(embedded, f"app:{name}", f"linux/{name}")
    embedded.latency = 0.2
    assert program.push(seeds.spec(embedded.host, "app:all", *(f"app:{name}" for name in names))).code == 0
    gets = [request for request in embedded.log.by_method("GET") if "/manifests/" in request.path]
    assert len(gets) == len(names)
    assert max(request.started for request in gets) < min(request.ended for request in gets)


@pytest.mark.parametrize("platform", ["", " linux/amd64"])
@pytest.mark.parametrize("what", ["nothing", "unknown", "attestation"])
def test_an_index_without_an_image_is_no_source(embedded: Running, program: Program, platform: str, what: str) -> None:
    seeds.put_image(embedded, "app:there", "linux/s390x")
    attested = images.attested_index(seeds.build("linux/amd64", media="oci"))
    seeds.put(embedded, "app", "", attested)
    entries = {
        "nothing": [],
        "unknown": [seeds.descriptor(b"{}", "application/vnd.example+json")],
        "attestation": [json.loads(attested.manifest)["manifests"][1]],
    }
    raw, media_type = seeds.index_of(entries[what])
    embedded.put_manifest("app", raw, media_type, "empty")
    ran = program.push(seeds.spec(embedded.host, "app:all", "app:there", f"app:empty{platform}"), "--ignore-missing")
    assert ran.code == 3
    assert "has no image" in ran.stderr
    assert not embedded.log.writes()


def test_the_page_of_a_proxy_is_no_missing_source(embedded: Running, program: Program) -> None:
    seeds.put_image(embedded, "app:there", "linux/amd64")
    embedded.faults.add(Answer(404, b"<html><title>no backend</title></html>"), path="/app/manifests/other")
    ran = program.push(seeds.spec(embedded.host, "app:all", "app:other", "app:there"), "--ignore-missing")
    assert (ran.code, "404 Not Found: no backend" in ran.stderr) == (5, True)
    assert not embedded.log.writes()


@pytest.mark.parametrize("command", ["push", "inspect"])
def test_an_index_of_large_manifests_is_not_read(embedded: Running, program: Program, command: str) -> None:
    entry = {"mediaType": types.OCI_MANIFEST, "size": 4 * 2**20, "platform": {"os": "linux", "architecture": "amd64"}}
    raw, media_type = seeds.index_of([{**entry, "digest": str(Digest.of(str(n).encode()))} for n in range(17)])
    embedded.put_manifest("app", raw, media_type, "large")
    name = f"{embedded.host}/app:large"
    ran = program("inspect", name) if command == "inspect" else program.push(seeds.spec(embedded.host, "app:1", name))
    assert (ran.code, "at most 67108864 are read" in ran.stderr) == (5, True)
    assert len(embedded.log) <= 2
