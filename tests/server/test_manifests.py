"""Pushing, pulling and deleting manifests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.server.rules import Rules
from manifest_tool.server.serve import Running, serving
from tests.server.conftest import Client

if TYPE_CHECKING:
    from manifest_tool.server.store import Store
    from tests.server.conftest import Answer

LIMIT = 4 * 1024 * 1024


def descriptor(digest: Digest, media_type: str = types.OCI_LAYER, **more: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": str(digest), "size": 1, **more}


def image(registry: Running, repository: str = "a/b", **more: Any) -> dict[str, Any]:
    """An image whose blobs are there."""
    config, layer = registry.put_blob(repository, b"{}"), registry.put_blob(repository, b"layer")
    return {
        "schemaVersion": 2,
        "mediaType": types.OCI_MANIFEST,
        "config": descriptor(config, types.OCI_CONFIG),
        "layers": [descriptor(layer)],
        **more,
    }


def index(*children: Digest, **more: Any) -> dict[str, Any]:
    entries = [descriptor(child, types.OCI_MANIFEST) for child in children]
    return {"schemaVersion": 2, "mediaType": types.OCI_INDEX, "manifests": entries, **more}


def put(client: Client, document: Any, which: str = "tag", media_type: str = "", body: Any = None) -> Answer:
    raw = body or json.dumps(document).encode()
    return client("PUT", f"/v2/a/b/manifests/{which}", raw, Content_Type=media_type or document["mediaType"])


@pytest.mark.parametrize("media_type", [types.OCI_MANIFEST, types.DOCKER_MANIFEST, types.OCI_INDEX, types.DOCKER_LIST])
def test_round_trip_by_tag(registry: Running, client: Client, media_type: str) -> None:
    document = index() if media_type in types.INDEXES else image(registry)
    raw = json.dumps({**document, "mediaType": media_type}, indent=3).encode()
    digest = Digest.of(raw)
    answer = put(client, None, "1.0", media_type, raw)
    assert (answer.status, answer.headers["Location"]) == (201, f"/v2/a/b/manifests/{digest}")
    assert answer.headers["Docker-Content-Digest"] == str(digest)
    for which in ("1.0", digest):
        for method, body in (("GET", raw), ("HEAD", b"")):
            answer = client(method, f"/v2/a/b/manifests/{which}")
            assert (answer.status, answer.body) == (200, body)
            assert answer.headers["Content-Type"] == media_type
            assert answer.headers["Docker-Content-Digest"] == str(digest)
            assert answer.headers["Content-Length"] == str(len(raw))
    assert registry.tags("a/b") == {"1.0": digest}


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_by_digest(registry: Running, client: Client, algorithm: str) -> None:
    raw = json.dumps(image(registry)).encode()
    digest = Digest.of(raw, algorithm)
    answer = put(client, None, str(digest), types.OCI_MANIFEST, raw)
    assert (answer.status, answer.headers["Docker-Content-Digest"]) == (201, str(digest))
    assert client("GET", f"/v2/a/b/manifests/{digest}").body == raw
    assert registry.tags("a/b") == {}
    assert client("DELETE", f"/v2/a/b/manifests/{digest}").status == 202
    assert client("HEAD", f"/v2/a/b/manifests/{digest}").status == 404


def test_by_digest_with_tags(registry: Running, client: Client) -> None:
    raw = json.dumps(index()).encode()
    digest = Digest.of(raw)
    answer = put(client, None, f"{digest}?tag=one&tag=two", types.OCI_INDEX, raw)
    assert answer.headers.get_all("OCI-Tag") == ["one", "two"]  # type: ignore[attr-defined]
    assert registry.tags("a/b") == {"one": digest, "two": digest}


def test_a_body_without_its_length(registry: Running, client: Client) -> None:
    raw = json.dumps(index(annotations={"a": "b" * 2_000_000})).encode()
    assert put(client, None, "big", types.OCI_INDEX, iter([raw[:7], raw[7:]])).status == 201
    assert registry.manifest("a/b", "big") == (types.OCI_INDEX, raw)


@pytest.mark.parametrize("chunked", [False, True])
def test_the_limit(client: Client, chunked: bool) -> None:
    raw = json.dumps(index(annotations={"a": ""})).encode()
    at = raw + b" " * (LIMIT - len(raw))
    assert put(client, None, "at", types.OCI_INDEX, iter([at]) if chunked else at).status == 201
    over = at + b" "
    answer = put(client, None, "over", types.OCI_INDEX, iter([over]) if chunked else over)
    assert (answer.status, answer.codes) == (413, ["SIZE_INVALID"])
    assert client("GET", "/v2/").status == 200


@pytest.mark.parametrize(
    ("raw", "media_type"),
    [
        (b"", types.OCI_INDEX),
        (b"{", types.OCI_INDEX),
        (b"[]", types.OCI_INDEX),
        (b'{"schemaVersion": 2}', "application/json"),
        (b'{"schemaVersion": 1}', types.DOCKER_SCHEMA1_SIGNED),
        (b'{"mediaType": "%s", "manifests": []}' % types.OCI_INDEX.encode(), types.DOCKER_LIST),
        (b'{"mediaType": "%s", "manifests": []}' % types.OCI_INDEX.encode(), "application/json"),
        (b'{"mediaType": "%s", "manifests": [{}]}' % types.OCI_INDEX.encode(), types.OCI_INDEX),
        (b'{"mediaType": "%s", "manifests": [], "subject": 1}' % types.OCI_INDEX.encode(), types.OCI_INDEX),
        (b'{"mediaType": 7, "manifests": []}', types.OCI_INDEX),
    ],
)
def test_no_manifest(client: Client, raw: bytes, media_type: str) -> None:
    answer = client("PUT", "/v2/a/b/manifests/tag", raw, Content_Type=media_type)
    assert (answer.status, answer.codes) == (400, ["MANIFEST_INVALID"])
    assert client("GET", "/v2/a/b/manifests/tag").codes == ["MANIFEST_UNKNOWN"]


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


def test_what_is_fetched_from_elsewhere_may_be_missing(registry: Running, client: Client) -> None:
    elsewhere = Digest.of(b"elsewhere")
    document = image(registry)
    document["layers"].append(descriptor(elsewhere, types.DOCKER_FOREIGN_LAYER, urls=["https://example.com/"]))
    document["subject"] = descriptor(elsewhere, types.OCI_MANIFEST)
    assert put(client, document).status == 201


def test_indexes_may_be_nested(client: Client) -> None:
    child = Digest.parse(put(client, index()).headers["Docker-Content-Digest"])
    assert put(client, index(child)).status == 201


@pytest.mark.parametrize("which", [str(Digest.of(b"other")), str(Digest.of(b"other", "sha512")), "sha256:baddigest"])
def test_a_wrong_digest(client: Client, which: str) -> None:
    answer = put(client, index(), which)
    assert (answer.status, answer.codes) == (400, ["DIGEST_INVALID"])


@pytest.mark.parametrize("which", [".tag", "-tag", "a" * 129, "a%2Fb", "%00", f"{Digest.of(b'')}?tag=.x"])
def test_no_tag(client: Client, which: str) -> None:
    answer = put(client, index(), which)
    assert (answer.status, answer.codes) == (400, ["TAG_INVALID"])


@pytest.mark.parametrize("which", ["tag", ".tag", "..%2f..%2ftag", str(Digest.of(b""))])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_unknown(client: Client, method: str, which: str) -> None:
    answer = client(method, f"/v2/a/b/manifests/{which}")
    assert (answer.status, answer.codes) == (404, ["MANIFEST_UNKNOWN"])


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_no_digest(client: Client, method: str) -> None:
    assert client(method, "/v2/a/b/manifests/sha256:x").status == 400


def test_deleting_a_tag_keeps_the_manifest(registry: Running, client: Client) -> None:
    digest = put(client, index()).headers["Docker-Content-Digest"]
    assert client("DELETE", "/v2/a/b/manifests/tag").status == 202
    assert client("HEAD", "/v2/a/b/manifests/tag").status == 404
    assert client("HEAD", f"/v2/a/b/manifests/{digest}").status == 200


def test_deleting_a_manifest_takes_its_tags(registry: Running, client: Client) -> None:
    digest = put(client, index()).headers["Docker-Content-Digest"]
    assert client("DELETE", f"/v2/a/b/manifests/{digest}").status == 202
    assert registry.tags("a/b") == {}
    assert registry.manifest("a/b", digest) is None
    assert registry.manifest("a/b", Digest.parse(digest)) is None
