"""Referrers: what a registry lists, and the tag schema, which a push writes where the registry lists none."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from integration import images
from manifest_tool.errors import InvalidContent, RegistryError, Unauthorized
from manifest_tool.oci import media_type as types
from manifest_tool.oci.descriptor import Descriptor
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.manifest import Manifest
from manifest_tool.registry import referrers
from manifest_tool.registry.auth import NO_ACCESS
from manifest_tool.server import actions
from manifest_tool.server.serve import Running
from tests import harness, seeds
from tests.conftest import Program
from tests.registry.parts import client, repository

_SUBJECT = Digest.of(b"subject")
_TAG = f"sha256-{_SUBJECT.hex}"


def _artifact(registry: Running, name: str, **fields: object) -> Manifest:
    """An image that is about another manifest, under a tag of the repository ``src``."""
    image = seeds.build("linux/amd64" if name == "one" else "linux/arm64", name=name, media="oci")
    seeds.put(registry, "src", name, image)
    subject = {"mediaType": types.OCI_MANIFEST, "digest": str(_SUBJECT), "size": 7}
    raw = json.dumps({**json.loads(image.manifest), "subject": subject, **fields}).encode()
    registry.put_manifest("src", raw, types.OCI_MANIFEST, name)
    return Manifest.parse(raw)


def _listed(registry: Running) -> list[dict[str, Any]]:
    media_type, raw = registry.manifest("app", _TAG) or ("", b"{}")
    assert media_type == types.OCI_INDEX
    document = json.loads(raw)
    assert (document["schemaVersion"], document["mediaType"]) == (2, types.OCI_INDEX)
    entries: list[dict[str, Any]] = document["manifests"]
    return entries


def test_e5_where_no_referrers_are_listed_a_tag_lists_them(embedded: Running, program: Program) -> None:
    one = _artifact(embedded, "one", artifactType="application/x-one", annotations={"a": "b", "c": 1})
    two = _artifact(embedded, "two")
    embedded.faults.add(actions.Headers({"OCI-Subject": None}), method="PUT")
    spec = seeds.spec(embedded.host, "app:1", "src:one", "src:two")
    assert program.push(spec, "--type", "oci").code == 0
    described = {entry["digest"]: entry for entry in _listed(embedded)}
    assert described == {
        str(one.digest): {
            "mediaType": types.OCI_MANIFEST,
            "digest": str(one.digest),
            "size": one.size,
            "artifactType": "application/x-one",
            "annotations": {"a": "b"},
        },
        str(two.digest): {
            "mediaType": types.OCI_MANIFEST,
            "digest": str(two.digest),
            "size": two.size,
            "artifactType": types.OCI_CONFIG,
        },
    }


def test_e5_a_registry_that_lists_them_needs_no_tag(embedded: Running, program: Program) -> None:
    _artifact(embedded, "one")
    assert program.push(seeds.spec(embedded.host, "app:1", "src:one"), "--type", "oci").code == 0
    assert set(embedded.tags("app")) == {"1"}


def test_e5_a_list_that_is_refused_stops_no_push(embedded: Running, program: Program) -> None:
    one = _artifact(embedded, "one")
    embedded.faults.add(actions.Headers({"OCI-Subject": None}), method="PUT")
    embedded.faults.add(actions.Answer(409), method="PUT", path=f"{_TAG}$")
    ran = program.push(seeds.spec(embedded.host, "app:1", "src:one"), "--type", "oci")
    assert ran.code == 0
    assert f"warning: {one.digest} is not listed among the referrers of its subject: cannot push" in ran.stderr


def test_e5_at_docker_registry(docker_registry: str, embedded: Running, program: Program) -> None:
    one = _artifact(embedded, "one")
    spec = f"image: {docker_registry}/e5:1\nmanifests:\n  - image: {embedded.host}/src:one\n"
    assert program.push(spec, "--type", "oci").code == 0
    found = harness.get_manifest(docker_registry, "e5", _TAG)
    assert found
    assert [entry["digest"] for entry in json.loads(found[1])["manifests"]] == [str(one.digest)]


async def test_e5_those_that_are_listed_at_once_are_all_listed(embedded: Running) -> None:
    found = [_artifact(embedded, "one"), _artifact(embedded, "two")]
    app = repository(embedded.host, "app")
    for each in found:
        embedded.put_manifest("app", each.raw, each.media_type)
    async with client() as opened:
        # As the specs of one run do.
        each_of_them = (opened.expecting(NO_ACCESS).add_referrer(app, each) for each in found)
        await asyncio.gather(*each_of_them)
    assert {entry["digest"] for entry in _listed(embedded)} == {str(each.digest) for each in found}


def test_a_list_is_kept_and_none_is_listed_twice() -> None:
    raw = json.dumps(
        {"mediaType": types.OCI_MANIFEST, "config": _empty(), "layers": [], "subject": _empty(), "artifactType": "x/y"}
    ).encode()
    referrer = Manifest.parse(raw)
    other = {"mediaType": types.OCI_MANIFEST, "digest": str(Digest.of(b"other")), "size": 5, "unknown": [1]}
    before, _ = seeds.index_of([other], annotations={"kept": "yes"})
    after = referrers.listing(Manifest.parse(before), referrer)
    assert after
    document = json.loads(after)
    assert document["annotations"] == {"kept": "yes"}
    assert document["manifests"] == [other, referrers.entry(referrer)]
    assert referrers.listing(Manifest.parse(after), referrer) is None


def _empty() -> dict[str, object]:
    return seeds.descriptor(b"{}", "application/vnd.oci.empty.v1+json")


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_the_tag_of_a_subject(algorithm: str) -> None:
    digest = Digest.of(b"subject", algorithm)
    tag = referrers.tag(digest)
    assert tag == f"{algorithm}-{digest.hex[:64]}"


async def _list(registry: Running) -> tuple[Descriptor, ...]:
    async with client() as opened:
        return await opened.list_referrers(repository(registry.host, "src"), _SUBJECT)


def _page(*entries: dict[str, Any], link: str = "") -> actions.Answer:
    headers = {"Content-Type": types.OCI_INDEX} | ({"Link": link} if link else {})
    return actions.Answer(200, seeds.index_of(entries)[0], headers)


async def test_what_a_registry_lists(embedded: Running) -> None:
    one = _artifact(embedded, "one", artifactType="application/x-one", annotations={"a": "b"})
    two = _artifact(embedded, "two")
    found = {entry.digest: entry for entry in await _list(embedded)}
    assert set(found) == {one.digest, two.digest}
    assert (found[one.digest].artifact_type, found[one.digest].annotations) == ("application/x-one", {"a": "b"})
    assert [str(request) for request in embedded.log] == [f"GET /v2/src/referrers/{_SUBJECT} 200"]


@pytest.mark.parametrize("link", ["</v2/src/referrers/x?page=2>; rel=next", '<?page=2>; foo=bar; rel="next"'])
async def test_pages_are_followed(embedded: Running, link: str) -> None:
    one, two = (seeds.descriptor(name, types.OCI_MANIFEST) for name in (b"one", b"two"))
    embedded.faults.add(_page(two), path="page=2")
    embedded.faults.add(_page(one, link=link), path="/referrers/")
    assert [str(entry.digest) for entry in await _list(embedded)] == [one["digest"], two["digest"]]


async def test_pages_without_end(embedded: Running) -> None:
    embedded.faults.add(_page(link='</v2/src/referrers/x>; rel="next"'), path="/referrers/")
    with pytest.raises(InvalidContent, match="there are more than 100 pages"):
        await _list(embedded)
    assert len(embedded.log) == 100


@pytest.mark.parametrize("link", ["<ftp://localhost/>; rel=next", "<http://[/>; rel=next"])
async def test_a_page_that_cannot_be_asked_for(embedded: Running, link: str) -> None:
    embedded.faults.add(_page(link=link), path="/referrers/")
    with pytest.raises(InvalidContent, match="the Link to the next page is no http or https URL"):
        await _list(embedded)


async def test_a_later_page_that_is_refused_is_no_end(embedded: Running) -> None:
    embedded.faults.add(actions.Answer(404), path="page=2")
    embedded.faults.add(_page(link="<?page=2>; rel=next"), path="/referrers/")
    with pytest.raises(RegistryError, match="cannot list the referrers of"):
        await _list(embedded)


_NO_LIST = [actions.Answer(status) for status in (400, 404, 405, 501)]
_NO_LIST += [actions.Answer(200, b"<html>", {"Content-Type": "text/html"})]


@pytest.mark.parametrize("answer", _NO_LIST, ids=lambda answer: str(answer.status))
async def test_where_none_are_listed_the_tag_is_read(embedded: Running, answer: actions.Answer) -> None:
    embedded.faults.add(answer, path="/referrers/")
    assert await _list(embedded) == ()
    entry = seeds.descriptor(b"one", types.OCI_MANIFEST, artifactType="application/x-one")
    embedded.put_manifest("src", *seeds.index_of([entry]), _TAG)
    [found] = await _list(embedded)
    assert (str(found.digest), found.artifact_type) == (entry["digest"], "application/x-one")


async def test_a_refusal_is_not_taken_for_none(embedded: Running) -> None:
    embedded.faults.add(actions.Answer(403), path="/referrers/")
    with pytest.raises(Unauthorized, match="not allowed to list the referrers of"):
        await _list(embedded)
    assert len(embedded.log) == 1


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"manifests": [{}]}', b'{"manifests": 1}'])
async def test_a_list_that_is_none(embedded: Running, body: bytes) -> None:
    embedded.faults.add(actions.Answer(200, body, {"Content-Type": types.OCI_INDEX}), path="/referrers/")
    with pytest.raises(InvalidContent, match="cannot list the referrers of"):
        await _list(embedded)


async def test_docker_registry_lists_them_by_the_tag_alone(docker_registry: str) -> None:
    index = images.index([seeds.build("linux/amd64", media="oci")])
    async with client() as opened:
        src = repository(docker_registry, "src")
        assert await opened.list_referrers(src, _SUBJECT) == ()
        images.push(docker_registry, "src", index, _TAG)
        assert [found.digest for found in await opened.list_referrers(src, _SUBJECT)] == [index.images[0].digest]
