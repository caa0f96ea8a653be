"""Referrers: what is no part of the API."""

from __future__ import annotations

import json

import pytest

from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.server.memory import MemoryStore
from manifest_tool.server.serve import Running, serving
from manifest_tool.server.store import Stored
from tests.server.conftest import Client
from tests.server.parts import descriptor

SUBJECT = Digest.of(b"the subject")


def raw(**more: object) -> bytes:
    document = {"mediaType": types.OCI_INDEX, "subject": descriptor(SUBJECT), **more}
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "refused", [b"no json", b"[]", b'{"subject": 1}', raw(config=1), raw(manifests=7), raw(mediaType="text/plain")]
)
def test_what_no_registry_would_accept_is_passed_over(registry: Running, client: Client, refused: bytes) -> None:
    registry.put_manifest("a", refused, types.OCI_INDEX)
    assert client("GET", f"/v2/a/referrers/{SUBJECT}").json["manifests"] == []


def test_annotations_that_are_no_text_are_left_out(registry: Running, client: Client) -> None:
    told = {"kept": "text", "number": 1, "nothing": None, "half": "\ud800"}
    registry.put_manifest("a", raw(annotations=told), types.OCI_INDEX)
    [entry] = client("GET", f"/v2/a/referrers/{SUBJECT}").json["manifests"]
    assert entry["annotations"] == {"kept": "text", "half": "?"}


def test_no_more_is_read_than_a_page_tells() -> None:
    read = list[Digest]()

    class Counting(MemoryStore):
        def manifest(self, repository: str, digest: Digest) -> Stored | None:
            read.append(digest)
            return super().manifest(repository, digest)

    with serving(Counting()) as registry:
        digests = sorted(registry.put_manifest("a", raw(number=number), types.OCI_INDEX) for number in range(9))
        connection = Client(registry.host)
        answer = connection("GET", f"/v2/a/referrers/{SUBJECT}?n=2&last={digests[2]}")
        connection.close()
    assert [entry["digest"] for entry in answer.json["manifests"]] == list(map(str, digests[3:5]))
    assert f"last={digests[4].algorithm}%3A{digests[4].hex}" in answer.headers["Link"]
    # One more, to know whether there is another page.
    assert read == digests[3:6]
