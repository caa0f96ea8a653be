"""What a reference shows of a registry, and that nothing is written there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from manifest_tool.conformance import catalogue, images
from manifest_tool.conformance.check import Group
from manifest_tool.conformance.checks import below, reading
from manifest_tool.conformance.result import Outcome, Report, Result
from manifest_tool.conformance.run import run
from manifest_tool.conformance.site import Site
from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.reference import Reference
from manifest_tool.registry.client import Client
from manifest_tool.registry.credentials import Keychain
from manifest_tool.registry.transport import Options
from manifest_tool.server.actions import Answer, Body, Damage, Gzip, Headers, content_type, digest_header
from manifest_tool.server.serve import Running
from tests.conformance.checks.wrong import Blind, Deaf, refusal
from tests.registry.parts import Clock

PASS, FAIL, UNSUPPORTED, UNTRIED = Outcome
INDEX, CHILD, BLOB, LIST = r"/manifests/1$", "/manifests/sha256:", "/blobs/sha256:", "/tags/list"
OTHER = str(Digest.of(b""))


def _seeded(running: Running) -> images.Content:
    """An index of two images, and two tags."""
    made = [images.image("seed", platform) for platform in ("linux/amd64", "linux/arm64/v8")]
    for image in made:
        running.put_blob("acme/app", image.config.raw)
        running.put_blob("acme/app", image.layer.raw)
        running.put_manifest("acme/app", image.manifest.raw, image.manifest.media_type, "image")
    index = images.index([image.descriptor() for image in made])
    running.put_manifest("acme/app", index.raw, index.media_type, "1")
    running.put_manifest("acme/app", index.raw, index.media_type, "2")
    running.log.clear()
    return index


async def _read(running: Running, which: str = ":1", groups: Sequence[Group] = catalogue.READING) -> Report:
    reference = Reference.parse(f"{running.host}/acme/app{which}")
    async with Client.opened(Options(retry=Clock().retry(2)), Keychain()) as client:
        site = Site(client.sender, reference.repository, reference.repository, reference=reference)
        return await run(groups, site, lambda _: None)


async def _result(running: Running, name: str, which: str = ":1") -> Result:
    found: Mapping[str, Result] = {result.id: result for result in (await _read(running, which)).results}
    return found[name]


async def test_a_reference_shows_everything_and_nothing_is_written(embedded: Running) -> None:
    index = _seeded(embedded)
    report = await _read(embedded)
    assert [(result.id, result.detail) for result in report.results if result.outcome is not PASS] == []
    assert {result.id: result.detail for result in report.results if result.group == "reading" and result.detail} == {
        "read-manifest": f"{types.OCI_INDEX}, {index.digest}",
        "read-children": "2 of 2 are there",
        "read-blobs": "3 of 3 are there",
        "read-tags": "3 tags",
        "read-referrers": "0 referrers",
    }
    assert not embedded.log.writes()
    assert report.sufficient
    assert not report.left


@pytest.mark.parametrize("which", [":image", f"@{images.image('seed').manifest.digest}"])
async def test_an_image_shows_what_it_can(embedded: Running, which: str) -> None:
    _seeded(embedded)
    report = await _read(embedded, which)
    assert {result.outcome for result in report.results} == {PASS}
    details = {result.id: result.detail for result in report.results}
    assert details["read-children"] == "the reference is an image, and lists none"
    assert details["read-blobs"] == "2 of 2 are there"
    assert report.sufficient


async def test_what_registries_count_is_asked_for_as_seldom_as_can_be(embedded: Running) -> None:
    index = _seeded(embedded)
    await _read(embedded)
    asked = Counter(
        request.path.rpartition("/")[2]
        for request in embedded.log
        if request.method == "GET" and "/manifests/" in request.path and request.status == 200
    )
    top = asked.pop("1") + asked.pop(str(index.digest))
    assert set(asked.values()) == {1}
    # By digest, its headers twice, its type alone, and compressed; the challenge is looked for with one more.
    assert top <= 7


async def test_a_reference_that_is_not_there_leaves_the_rest_untried(embedded: Running) -> None:
    report = await _read(embedded, ":none")
    outcomes = {result.id: result.outcome for result in report.results if result.group == "reading"}
    assert outcomes.pop("read-manifest") is FAIL
    assert set(outcomes.values()) == {UNTRIED}
    assert not report.sufficient


@pytest.mark.parametrize(
    ("name", "method", "path", "action", "outcome", "words"),
    [
        ("read-manifest", "GET", INDEX, Body(b"[]"), FAIL, "GET gives no manifest that can be used: it is not a JSON"),
        ("read-digest", "GET", CHILD, Damage(), FAIL, "gives what has the digest"),
        ("read-digest", "GET", CHILD, Answer(404), FAIL, "GET was answered with 404, where 200 was expected"),
        ("read-head", "HEAD", INDEX, Answer(405), UNSUPPORTED, "HEAD of a manifest was answered with 405"),
        ("read-head", "HEAD", INDEX, Answer(404), FAIL, "HEAD was answered with 404, where 200 was expected"),
        ("read-length", "HEAD", CHILD, Headers({"Content-Length": "0"}), FAIL, "Content-Length is '0', where"),
        ("read-digest-header", "GET", INDEX, digest_header(None), UNSUPPORTED, "Digest is missing from the answer to"),
        ("read-digest-header", "HEAD", INDEX, digest_header(OTHER), FAIL, f"Docker-Content-Digest is '{OTHER}', where"),
        ("read-content-type", "GET", INDEX, content_type(f"{types.OCI_INDEX}; charset=utf-8"), FAIL, "utf-8', where"),
        ("read-uncompressed", "GET", INDEX, Gzip(), FAIL, "Content-Encoding is 'gzip'"),
        ("read-children", "GET", CHILD, Answer(404), FAIL, "which the index lists, was answered with 404"),
        ("read-children", "GET", CHILD, Damage(), FAIL, "GET by the digest sha256:"),
        ("read-children", "GET", CHILD, Body(b"{}"), FAIL, " has 2 bytes, where the index says "),
        ("read-config", "GET", BLOB, Damage(), FAIL, "bytes of something else"),
        ("read-config", "GET", BLOB, Answer(404), FAIL, "GET was answered with 404, where 200 was expected"),
        ("read-blobs", "HEAD", BLOB, Answer(404), FAIL, "which an image needs, was answered with 404"),
        ("read-blobs", "HEAD", BLOB, Headers({"Content-Length": "1"}), FAIL, "tells a length of 1, where the image"),
        ("read-blobs", "HEAD", BLOB, Answer(403), UNSUPPORTED, "HEAD of a blob was answered with 403"),
        ("read-range", "GET", BLOB, Deaf(("Range",)), UNSUPPORTED, "one byte of a blob is answered with all of it"),
        ("read-range", "GET", BLOB, Headers({"Content-Range": "bytes 0-0/1"}), FAIL, "Content-Range is 'bytes 0-0/1'"),
        ("read-range", "GET", BLOB, Body(b"two"), FAIL, "GET of one byte of a blob gives 3 bytes"),
        ("read-missing", "GET", "/manifests/mt-", Answer(403), FAIL, "answered with 403, where 404 was expected"),
        ("read-tags", "GET", LIST, Body(b'{"tags": ["2"]}'), FAIL, "1 is not among the 1 tags that are listed"),
        ("read-tags", "GET", LIST, refusal(405, "UNSUPPORTED"), UNSUPPORTED, "answered with 405 (UNSUPPORTED: no)"),
        ("read-tag-pages", "GET", r"\?n=", Blind(("n",)), FAIL, "n=1 is answered with 3 tags"),
        ("read-tag-pages", "GET", r"\?n=", Blind(("last",)), FAIL, "are answered with the same tag again"),
        ("read-tag-pages", "GET", r"\?n=", Headers({"Link": None}), UNSUPPORTED, "has no Link to the next"),
        ("read-referrers", "GET", "/referrers/", Answer(404), UNSUPPORTED, "clients fall back to the tag schema"),
        ("read-referrers", "GET", "/referrers/", content_type("text/plain"), FAIL, "Content-Type is 'text/plain'"),
    ],
)
async def test_what_a_registry_does_otherwise_is_found(
    embedded: Running, name: str, method: str, path: str, action: Any, outcome: Outcome, words: str
) -> None:
    _seeded(embedded)
    embedded.faults.add(action, method=method, path=path)
    result = await _result(embedded, name)
    assert (result.outcome, words in result.detail) == (outcome, True), result.detail


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (Body(b"{}"), "GET gives something else to who accepts application/vnd.oci.image.index.v1+json alone"),
        (Answer(406), "GET was answered with 406, where 200 was expected"),
    ],
)
async def test_what_is_found_by_its_own_type_alone_has_to_be_the_same(
    embedded: Running, action: Any, words: str
) -> None:
    _seeded(embedded)
    embedded.faults.add(action, method="GET", path=INDEX, after=1)
    (accept,) = (replace(check, after=()) for check in reading.CHECKS.checks if check.id == "read-accept")
    (result,) = (await _read(embedded, groups=[Group("some", (accept,))])).results
    assert (result.outcome, result.detail) == (FAIL, words)


async def test_what_is_listed_and_is_no_image_is_looked_for_all_the_same(embedded: Running) -> None:
    _seeded(embedded)
    other = images.Content(b'{"schemaVersion": 2}', "application/vnd.example.other+json")
    embedded.put_manifest("acme/app", other.raw, other.media_type)
    index = images.index([other.descriptor(artifactType="application/vnd.example")])
    embedded.put_manifest("acme/app", index.raw, index.media_type, "other")
    report = await _read(embedded, ":other")
    found = {result.id: (result.outcome, result.detail) for result in report.results}
    assert found["read-children"] == (PASS, "1 of 1 are there")
    assert found["read-blobs"] == (UNTRIED, "the reference lists no image")
    assert report.sufficient


async def test_an_index_of_very_many_is_not_looked_through_to_its_end(
    embedded: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(below, "_MOST", 1)
    _seeded(embedded)
    found = {result.id: result.detail for result in (await _read(embedded)).results}
    assert found["read-children"] == "1 of 2 are there; the other 1 were not looked for"
    assert found["read-blobs"] == "1 of 2 are there; the other 1 were not looked for"
