"""The tag schema for referrers: what a push writes where the registry lists none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.manifest import Manifest
from manifest_tool.registry import referrers
from manifest_tool.server import actions
from manifest_tool.server.serve import Running
from tests import harness, seeds
from tests.conftest import Program

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
