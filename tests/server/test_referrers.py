"""Referrers: what is no part of the API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from tests.server.parts import descriptor

if TYPE_CHECKING:
    from manifest_tool.server.serve import Running
    from tests.server.conftest import Client

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
