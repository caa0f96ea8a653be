"""Manifests: what is no part of the API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.server.rules import Rules
from manifest_tool.server.serve import Running, serving
from tests.server.conftest import Client
from tests.server.parts import descriptor, image, index, put

if TYPE_CHECKING:
    from manifest_tool.server.store import Store


def test_the_type_may_stand_in_one_place_alone(registry: Running, client: Client) -> None:
    document = index()
    assert client("PUT", "/v2/a/b/manifests/inside", json.dumps(document).encode()).status == 201
    del document["mediaType"]
    assert put(client, document, "outside", types.OCI_INDEX).status == 201
    for tag in ("inside", "outside"):
        assert client("HEAD", f"/v2/a/b/manifests/{tag}").headers["Content-Type"] == types.OCI_INDEX


def test_blobs_and_children_must_be_in_this_repository(registry: Running, client: Client) -> None:
    document = image(registry, "other")
    child = registry.put_manifest("other", json.dumps(document).encode(), types.OCI_MANIFEST)
    wanted = [document["config"]["digest"], document["layers"][0]["digest"]]
    for put_it, missing in ((document, wanted), (index(child), [str(child)])):
        answer = put(client, put_it)
        assert answer.status == 400
        assert answer.codes == ["MANIFEST_BLOB_UNKNOWN"] * len(missing)
        assert [error["detail"] for error in answer.json["errors"]] == missing
    assert registry.tags("a/b") == {}


def test_what_is_there_is_not_read_to_know_it(registry: Running, client: Client, store: Store) -> None:
    children = [registry.put_manifest("a/b", json.dumps(index(n=n)).encode(), types.OCI_INDEX) for n in range(3)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(store), "manifest", lambda *_: pytest.fail("a child is read"))
        assert put(client, index(*children)).status == 201


def test_a_refusal_is_not_as_long_as_what_it_refuses(client: Client) -> None:
    answer = put(client, index(*(Digest.of(str(number).encode()) for number in range(300))))
    assert (answer.status, answer.codes) == (400, ["MANIFEST_BLOB_UNKNOWN"] * 100)


@pytest.mark.parametrize("is_index", [False, True])
def test_a_sparse_registry_takes_them_and_tells_what_is_missing(store: Store, is_index: bool) -> None:
    wanted = [Digest.of(str(number).encode()) for number in range(5)]
    layers = {"config": descriptor(wanted[0], types.OCI_CONFIG), "layers": list(map(descriptor, wanted[1:]))}
    document = index(*wanted) if is_index else {"schemaVersion": 2, "mediaType": types.OCI_MANIFEST, **layers}
    with serving(store, rules=Rules(sparse=True)) as registry:
        client = Client(registry.host)
        answer = put(client, document)
        assert answer.status == 201
        told = f'299 - "not in this repository: {wanted[0]}, {wanted[1]}, {wanted[2]}, 2 more"'
        assert answer.headers["Warning"] == told
        assert client("GET", "/v2/a/b/manifests/tag").json == document
        assert "Warning" not in put(client, index()).headers
        client.close()


@pytest.mark.parametrize("which", ["tag", ".tag", "..%2f..%2ftag", str(Digest.of(b""))])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_unknown(client: Client, method: str, which: str) -> None:
    answer = client(method, f"/v2/a/b/manifests/{which}")
    assert (answer.status, answer.codes) == (404, ["MANIFEST_UNKNOWN"])
