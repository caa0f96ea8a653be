"""What each part of the API needs, in the order in which clients come to it: manifests, tags and referrers."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.server.rules import Rules
from manifest_tool.server.serve import Running, serving
from tests.server.conftest import Client
from tests.server.parts import (
    ALGORITHMS,
    REPOSITORY,
    descriptor,
    image,
    index,
    manifest,
    pieces,
    put,
    stored,
)

if TYPE_CHECKING:
    from manifest_tool.server.store import Store
    from tests.server.conftest import Answer

SUBJECT = Digest.of(b"the subject")
EMPTY = "application/vnd.oci.empty.v1+json"
NONDISTRIBUTABLE = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
MISSING = Digest.of(b"missing")


def about(subject: object = SUBJECT, **more: Any) -> dict[str, Any]:
    return {"subject": descriptor(subject, types.OCI_MANIFEST), **more}


def referrers(client: Client, query: str = "", subject: object = SUBJECT) -> Answer:
    return client("GET", f"/v2/{REPOSITORY}/referrers/{subject}{query}")


def served(client: Client, which: object, raw: bytes, digest: Digest, media_type: str) -> bool:
    """Whether a manifest is there, to the byte, and told of rightly."""
    for method, body in (("GET", raw), ("HEAD", b"")):
        answer = client(method, manifest(which))
        assert (answer.status, answer.body) == (200, body)
        assert answer.headers["Content-Type"] == media_type
        assert answer.headers["Content-Length"] == str(len(raw))
        assert answer.headers["Docker-Content-Digest"] == str(digest)
    return True


# Manifest put


@pytest.mark.parametrize("charset", ["", "; charset=utf-8"])
@pytest.mark.parametrize("media_type", sorted(types.MANIFESTS | types.INDEXES))
def test_a_manifest_by_tag(registry: Running, client: Client, media_type: str, charset: str) -> None:
    document = index() if media_type in types.INDEXES else image(registry)
    raw = json.dumps({**document, "mediaType": media_type}, indent=3).encode()
    answer = put(client, None, "1.0", media_type + charset, raw)
    digest = stored(answer)
    assert answer.headers["Location"] == manifest(digest)
    assert digest == Digest.of(raw)
    assert served(client, "1.0", raw, digest, media_type)
    assert served(client, digest, raw, digest, media_type)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_manifest_by_digest(registry: Running, client: Client, algorithm: str) -> None:
    raw = json.dumps(image(registry)).encode()
    digest = Digest.of(raw, algorithm)
    answer = put(client, None, digest, types.OCI_MANIFEST, raw)
    assert (stored(answer), answer.headers["Location"]) == (digest, manifest(digest))
    assert served(client, digest, raw, digest, types.OCI_MANIFEST)
    assert registry.tags(REPOSITORY) == {}
    parent = json.dumps(index(digest)).encode()
    assert served(
        client, stored(put(client, None, "parent", types.OCI_INDEX, parent)), parent, Digest.of(parent), types.OCI_INDEX
    )
    assert client("DELETE", manifest(digest)).status == 202
    assert client("HEAD", manifest(digest)).status == client("GET", manifest(digest)).status == 404


@pytest.mark.parametrize("chunked", [False, True])
def test_a_manifest_of_nearly_4_mib(client: Client, chunked: bool) -> None:
    raw = json.dumps(index(annotations={"a": "b" * 3_900_000})).encode()
    digest = stored(put(client, None, "large", types.OCI_INDEX, pieces(raw, 65536) if chunked else raw))
    assert served(client, "large", raw, digest, types.OCI_INDEX)


def test_every_kind_of_manifest(registry: Running, client: Client) -> None:
    full = image(registry)
    child = stored(put(client, full, "image"))
    nested = stored(put(client, index(child), "index"))
    listing = descriptor(registry.put_blob(REPOSITORY, b"listing"), "text/plain")
    config = descriptor(registry.put_blob(REPOSITORY, b"{}"), EMPTY, data=base64.b64encode(b"{}").decode())
    foreign = {"urls": ["https://example.com/layer"]}
    documents = {
        "nested": index(nested, child),
        "empty": index(),
        "null": {**index(), "manifests": None},
        "no-layers": {**full, "layers": []},
        "custom": {**full, "com.example.custom": {"deep": [1.50, None]}, "layers": [{**full["layers"][0], "x": 1}]},
        "data": {**full, "config": config, "artifactType": "text/plain", "layers": [listing]},
        "artifact-of-a-config": {**full, "config": {**config, "mediaType": "application/vnd.example.config+json"}},
        "foreign": {**full, "layers": [descriptor(MISSING, types.DOCKER_FOREIGN_LAYER, **foreign)]},
        "nondistributable": {**full, "layers": [descriptor(MISSING, NONDISTRIBUTABLE), *full["layers"]]},
        "missing-subject": {**full, **about(MISSING)},
        "index-of-a-type": index(artifactType="text/plain", annotations={"a": "b"}),
    }
    for tag, document in documents.items():
        raw = json.dumps(document, indent=1).encode()
        digest = stored(put(client, None, tag, document["mediaType"], raw))
        assert served(client, tag, raw, digest, document["mediaType"])


@pytest.mark.parametrize("which", ["layer", "config", "child"])
def test_what_a_manifest_lacks_is_refused_or_taken_where_it_may_be_sparse(store: Store, which: str) -> None:
    for sparse in (False, True):
        with serving(store, rules=Rules(sparse=sparse)) as registry:
            client, document = Client(registry.host), image(registry)
            lacking = {
                "layer": {**document, "layers": [descriptor(MISSING), *document["layers"]]},
                "config": {**document, "config": descriptor(MISSING, types.OCI_CONFIG)},
                "child": index(MISSING),
            }[which]
            answer = put(client, lacking)
            if sparse:
                assert answer.status == 201
                assert str(MISSING) in answer.headers["Warning"]
                assert client("GET", manifest("tag")).json == lacking
            else:
                assert (answer.status, answer.codes) == (400, ["MANIFEST_BLOB_UNKNOWN"])
                assert answer.json["errors"][0]["detail"] == str(MISSING)
                assert registry.tags(REPOSITORY) == {}
            client.close()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_manifest_by_another_digest(client: Client, algorithm: str) -> None:
    answer = put(client, index(), Digest.of(b"other", algorithm))
    assert (answer.status, answer.codes) == (400, ["DIGEST_INVALID"])


@pytest.mark.parametrize("method", ["PUT", "GET", "HEAD", "DELETE"])
def test_a_manifest_by_no_digest(client: Client, method: str) -> None:
    assert client(method, manifest("sha256:baddigeststring"), b"{}" if method == "PUT" else None).status == 400


# Manifest put with subject, tag param


def test_a_subject_is_told_of(registry: Running, client: Client) -> None:
    assert put(client, image(registry, **about())).headers["OCI-Subject"] == str(SUBJECT)
    assert put(client, index(**about(Digest.of(b"", "sha512")))).headers["OCI-Subject"].startswith("sha512:")
    assert "OCI-Subject" not in put(client, index()).headers


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_tags_beside_a_digest(client: Client, algorithm: str) -> None:
    raw = json.dumps(index()).encode()
    digest, tags = Digest.of(raw, algorithm), [f"tag-{number:02}" for number in range(12)]
    query = "&".join(f"tag={tag}" for tag in [*tags, tags[0]])
    answer = put(client, None, f"{digest}?{query}", types.OCI_INDEX, raw)
    assert answer.headers.get_all("OCI-Tag") == tags  # type: ignore[attr-defined]
    assert all(served(client, tag, raw, digest, types.OCI_INDEX) for tag in tags)
    assert client("GET", f"/v2/{REPOSITORY}/tags/list").json["tags"] == tags


@pytest.mark.parametrize("tags", ["tag=ok&tag=.no", "tag=", "tag=a%2Fb", "tag=" + "a" * 129])
def test_no_tag_moves_where_one_is_none(registry: Running, client: Client, tags: str) -> None:
    raw = json.dumps(index()).encode()
    assert put(client, None, f"{Digest.of(raw)}?{tags}", types.OCI_INDEX, raw).codes == ["TAG_INVALID"]
    assert registry.tags(REPOSITORY) == {}


# Referrers


@pytest.mark.parametrize("repository", [REPOSITORY, "never/seen"])
def test_referrers_of_what_nobody_knows(client: Client, repository: str) -> None:
    put(client, index())
    for algorithm in ALGORITHMS:
        answer = client("GET", f"/v2/{repository}/referrers/{Digest.of(b'', algorithm)}")
        assert (answer.status, answer.headers["Content-Type"]) == (200, types.OCI_INDEX)
        assert answer.json == {"schemaVersion": 2, "mediaType": types.OCI_INDEX, "manifests": []}


@pytest.mark.parametrize(
    ("is_index", "more", "artifact_type"),
    [
        (False, {}, types.OCI_CONFIG),
        (False, {"artifactType": "a/b"}, "a/b"),
        (True, {}, None),
        (True, {"artifactType": "a/b"}, "a/b"),
    ],
)
def test_a_referrer_is_told_of(
    registry: Running, client: Client, is_index: bool, more: dict[str, str], artifact_type: str | None
) -> None:
    extra = about(annotations={"key": "välue"}, **more)
    document = index(**extra) if is_index else image(registry, **extra)
    digest = stored(put(client, document))
    put(client, index(), "not-about-it")
    put(client, index(**about(MISSING)), "about-another")
    [entry] = referrers(client).json["manifests"]
    assert entry == {
        "mediaType": document["mediaType"],
        "digest": str(digest),
        "size": len(json.dumps(document)),
        "annotations": {"key": "välue"},
        **({"artifactType": artifact_type} if artifact_type else {}),
    }


def test_a_referrer_whose_subject_is_spelled_otherwise(client: Client) -> None:
    raw = json.dumps(index(**about())).replace('"subject"', r'"\u0073ubject"').encode()
    answer = put(client, None, "tag", types.OCI_INDEX, raw)
    assert answer.headers["OCI-Subject"] == str(SUBJECT)
    assert [entry["digest"] for entry in referrers(client).json["manifests"]] == [str(stored(answer))]


@pytest.mark.parametrize("asked", ["application/spdx%2Bjson", "application/spdx+json"])
def test_referrers_of_a_type(client: Client, asked: str) -> None:
    for kind in ("application/spdx+json", "a/two"):
        put(client, index(**about(artifactType=kind)))
    answer = referrers(client, f"?artifactType={asked}")
    assert [entry["artifactType"] for entry in answer.json["manifests"]] == ["application/spdx+json"]
    assert answer.headers["OCI-Filters-Applied"] == "artifactType"
    assert "OCI-Filters-Applied" not in referrers(client).headers


def test_a_referrer_comes_and_goes_and_outlives_its_subject(registry: Running, client: Client) -> None:
    subject = stored(put(client, image(registry), "subject"))
    digest = stored(put(client, index(**about(subject)), "referrer"))
    client("DELETE", manifest("referrer"))
    client("DELETE", manifest(subject))
    assert [entry["digest"] for entry in referrers(client, subject=subject).json["manifests"]] == [str(digest)]
    client("DELETE", manifest(digest))
    assert referrers(client, subject=subject).json["manifests"] == []


# Tag list


def test_the_list_of_tags(registry: Running, client: Client) -> None:
    assert client("GET", f"/v2/{REPOSITORY}/tags/list").status == 404
    for tag in ("b", "a", "C", "0.10", "0.9", "_"):
        put(client, index(), tag)
    tags = client("GET", f"/v2/{REPOSITORY}/tags/list").json
    assert tags == {"name": REPOSITORY, "tags": ["0.10", "0.9", "C", "_", "a", "b"]}
    for query, found in (("last=C", ["_", "a", "b"]), ("last=D", ["_", "a", "b"]), ("last=b", []), ("n=0", [])):
        answer = client("GET", f"/v2/{REPOSITORY}/tags/list?{query}")
        assert (answer.json["tags"], answer.headers.get("Link")) == (found, None)


# Deletes


def test_a_tag_goes_and_its_manifest_stays(client: Client) -> None:
    digest = stored(put(client, index()))
    assert client("DELETE", manifest("tag")).status == 202
    for method in ("HEAD", "GET", "DELETE"):
        assert client(method, manifest("tag")).status == 404
    assert client("HEAD", manifest(digest)).status == 200
    assert client("GET", f"/v2/{REPOSITORY}/tags/list").json["tags"] == []


def test_a_manifest_goes_with_its_tags(client: Client) -> None:
    digest = stored(put(client, index(), "one"))
    put(client, index(), "two")
    assert client("DELETE", manifest(digest)).status == 202
    assert [client("HEAD", manifest(which)).status for which in (digest, "one", "two")] == [404] * 3


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_blob_goes(registry: Running, client: Client, algorithm: str) -> None:
    path = f"/v2/{REPOSITORY}/blobs/{registry.put_blob(REPOSITORY, b'data', algorithm)}"
    assert [client(method, path).status for method in ("HEAD", "DELETE", "HEAD", "DELETE")] == [200, 202, 404, 404]


def test_children_go_last_or_first(registry: Running, client: Client) -> None:
    child = stored(put(client, image(registry), "child"))
    parent = stored(put(client, index(child), "parent"))
    assert client("DELETE", manifest(child)).status == 202
    assert client("HEAD", manifest(parent)).status == 200
    assert client("DELETE", manifest(parent)).status == 202
