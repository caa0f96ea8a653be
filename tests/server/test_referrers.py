"""What is about a manifest is found from it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from tests.server.test_manifests import descriptor, image, index, put

if TYPE_CHECKING:
    from manifest_tool.server.serve import Running
    from tests.server.conftest import Answer, Client

SUBJECT = Digest.of(b"the subject")


def ask(client: Client, query: str = "", subject: object = SUBJECT) -> Answer:
    return client("GET", f"/v2/a/b/referrers/{subject}{query}")


def about(**more: Any) -> dict[str, Any]:
    return {"subject": descriptor(SUBJECT, types.OCI_MANIFEST), **more}


def test_there_is_always_an_index(client: Client) -> None:
    answer = ask(client)
    assert (answer.status, answer.headers["Content-Type"]) == (200, types.OCI_INDEX)
    assert answer.json == {"schemaVersion": 2, "mediaType": types.OCI_INDEX, "manifests": []}


def test_what_no_registry_would_accept_is_passed_over(registry: Running, client: Client) -> None:
    for raw in (b"no json", b"[]", b'{"subject": 1}'):
        registry.put_manifest("a/b", raw, types.OCI_INDEX)
    assert ask(client).json["manifests"] == []


def test_no_digest(client: Client) -> None:
    assert ask(client, subject="sha256:x").codes == ["DIGEST_INVALID"]


@pytest.mark.parametrize(
    ("is_index", "more", "artifact_type"),
    [
        (False, {}, types.OCI_CONFIG),
        (False, {"artifactType": "a/b"}, "a/b"),
        (True, {}, None),
        (True, {"artifactType": "a/b"}, "a/b"),
    ],
)
def test_an_entry_tells_of_its_manifest(
    registry: Running, client: Client, is_index: bool, more: dict[str, str], artifact_type: str | None
) -> None:
    extra = about(annotations={"key": "value"}, **more)
    document = index(**extra) if is_index else image(registry, **extra)
    answer = put(client, document)
    assert answer.headers["OCI-Subject"] == str(SUBJECT)
    put(client, index(), "not-about-it")
    (entry,) = ask(client).json["manifests"]
    assert entry == {
        "mediaType": document["mediaType"],
        "digest": answer.headers["Docker-Content-Digest"],
        "size": len(json.dumps(document)),
        "annotations": {"key": "value"},
        **({"artifactType": artifact_type} if artifact_type else {}),
    }


def test_by_type(client: Client) -> None:
    for kind in ("a/one", "a/two"):
        put(client, index(**about(artifactType=kind)))
    answer = ask(client, "?artifactType=a/two")
    assert [entry["artifactType"] for entry in answer.json["manifests"]] == ["a/two"]
    assert answer.headers["OCI-Filters-Applied"] == "artifactType"
