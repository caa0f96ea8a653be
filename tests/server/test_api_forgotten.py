"""What existing registries fail, where aiohttp leads astray, and what is easily forgotten.

Most of what others fail is a part of the API, and tested with it: in `test_api_blobs` sha512, chunks out of order,
ranges that cannot be, uploads by one POST, mounts from anywhere, and cancels; in `test_api_manifests` sha512, subjects
and referrers, lists behind a tag, wrong digests, layers that are not distributed, deletes of tags, and `OCI-Tag`.
"""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import pytest

from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.server.actions import Answer as Fault
from manifest_tool.server.actions import Headers
from manifest_tool.server.disk import DiskStore
from manifest_tool.server.serve import Running, serving
from tests.server.conftest import Client
from tests.server.parts import (
    DATA,
    DIGEST,
    REPOSITORY,
    UPLOADS,
    begin,
    descriptor,
    image,
    index,
    manifest,
    put,
    stored,
    with_digest,
)

if TYPE_CHECKING:
    from tests.server.conftest import Answer

LIMIT = 4 * 1024 * 1024
SUBJECT = Digest.of(b"the subject")


def following(client: Client, path: str) -> list[Answer]:
    """A list with all its pages."""
    found = [client("GET", path)]
    while link := found[-1].headers.get("Link"):
        target, _, parameter = link.partition(">; ")
        assert parameter == 'rel="next"'
        found.append(client("GET", urljoin(path, target.removeprefix("<"))))
    return found


# What existing registries fail, and is not a part of the API


def test_every_201_says_where_it_is(registry: Running, client: Client) -> None:
    document = image(registry)
    registry.put_blob("other", DATA)
    answers = [
        client("POST", f"{UPLOADS}?mount={DIGEST}&from=other"),
        client("POST", f"{UPLOADS}?digest={DIGEST}", DATA),
        client("PUT", with_digest(begin(client), DIGEST), DATA),
        put(client, document, "tag"),
        put(client, document, Digest.of(json.dumps(document).encode())),
        put(client, index(subject=descriptor(SUBJECT)), "referrer"),
    ]
    assert [(answer.status, client("HEAD", answer.headers["Location"]).status) for answer in answers] == [
        (201, 200)
    ] * 6


@pytest.mark.parametrize("digest", ["sha256:", "sha256:xyz", "sha512:" + "a" * 64, "sha256:" + "a" * 65, "x:y", ":"])
def test_a_malformed_digest_is_the_clients_error_everywhere(client: Client, digest: str) -> None:
    paths = [manifest(digest), f"/v2/{REPOSITORY}/blobs/{digest}", f"/v2/{REPOSITORY}/referrers/{digest}"]
    answers = [client(method, path) for path in paths for method in ("GET", "HEAD")]
    answers += [client("PUT", paths[0], b"{}"), client("POST", f"{UPLOADS}?digest={digest}", b"")]
    answers += [client("POST", f"{UPLOADS}?mount={digest}&from=other")]
    assert [answer.status for answer in answers] == [400] * len(answers)
    assert all(answer.codes == ["DIGEST_INVALID"] for answer in answers if answer.body)


# aiohttp traps


def test_a_head_of_nothing_has_a_length(registry: Running, client: Client) -> None:
    digest = registry.put_blob(REPOSITORY, b"")
    assert client("HEAD", f"/v2/{REPOSITORY}/blobs/{digest}").headers["Content-Length"] == "0"


def test_no_charset_is_added(client: Client) -> None:
    put(client, index())
    for path in (manifest("tag"), f"/v2/{REPOSITORY}/referrers/{SUBJECT}"):
        assert client("GET", path).headers["Content-Type"] == types.OCI_INDEX


@pytest.mark.parametrize("accept", [[], ["text/plain"], [types.DOCKER_MANIFEST, types.OCI_INDEX], ["*/*"]])
def test_a_manifest_is_sent_as_it_is_whatever_is_accepted(registry: Running, accept: list[str]) -> None:
    """Also of several lines; distribution answers 404 where no type of OCI is accepted, which has no use today."""
    registry.put_manifest("a", json.dumps(index()).encode(), types.OCI_INDEX, "tag")
    host, _, port = registry.host.partition(":")
    lines = "".join(f"Accept: {line}\r\n" for line in accept)
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(f"GET /v2/a/manifests/tag HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert f"Content-Type: {types.OCI_INDEX}".encode() in head.split(b"\r\n")
    assert json.loads(body) == index()


@pytest.mark.parametrize("name", ["a", "a/b/c/d", "blobs/uploads", "manifests", "tags/list", "a/referrers/b"])
def test_names_have_slashes(client: Client, name: str) -> None:
    for path in (f"/v2/{name}/blobs/uploads/", f"/v2/{name}/blobs/uploads"):
        location = client("POST", path).headers["Location"]
        assert client("PUT", with_digest(location, DIGEST), DATA).headers["Location"] == f"/v2/{name}/blobs/{DIGEST}"
    assert client("GET", f"/v2/{name}/blobs/{DIGEST}").body == DATA
    assert client("GET", f"/v2/{name}/tags/list").json["name"] == name
    assert client("GET", f"/v2/{name}/referrers/{DIGEST}").json["manifests"] == []


# Easily forgotten: pages


@pytest.mark.parametrize("number", [1, 2, 3, 5, 6, 100])
def test_pages_of_tags(client: Client, number: int) -> None:
    tags = ["1.0", "1.1", "latest", "x_y", "z"]
    for tag in tags:
        put(client, index(), tag)
    pages = following(client, f"/v2/{REPOSITORY}/tags/list?n={number}")
    assert [tag for page in pages for tag in page.json["tags"]] == tags
    assert all(0 < len(page.json["tags"]) <= number for page in pages)


def test_pages_of_repositories(registry: Running, client: Client) -> None:
    names = ["a/b", "a/c", "d"]
    for name in names:
        registry.put_blob(name, b"")
    pages = following(client, "/v2/_catalog?n=1")
    assert [page.json for page in pages] == [{"repositories": [name]} for name in names]
    assert client("GET", "/v2/_catalog?n=0").json == {"repositories": []}
    assert client("GET", "/v2/_catalog?last=a/b").json == {"repositories": names[1:]}


@pytest.mark.parametrize(
    "path", ["/v2/_catalog", f"/v2/{REPOSITORY}/tags/list", f"/v2/{REPOSITORY}/referrers/{SUBJECT}"]
)
@pytest.mark.parametrize("number", ["x", "-1", "", "1" * 5000, "%C2%B2"])
def test_no_number_of_a_page(client: Client, path: str, number: str) -> None:
    put(client, index())
    answer = client("GET", f"{path}?n={number}")
    assert (answer.status, answer.codes) == (400, ["PAGINATION_NUMBER_INVALID"])


@pytest.mark.parametrize("query", ["?n=2", "?n=2&artifactType=a/b%2Bc"])
def test_pages_of_referrers(client: Client, query: str) -> None:
    for number in range(5):
        more = {"subject": descriptor(SUBJECT), "artifactType": "a/b+c", "annotations": {"number": str(number)}}
        put(client, index(**more))
    put(client, index(subject=descriptor(SUBJECT), artifactType="other"))
    pages = following(client, f"/v2/{REPOSITORY}/referrers/{SUBJECT}{query}")
    entries = [entry for page in pages for entry in page.json["manifests"]]
    filtered = "artifactType" in query
    assert len({entry["digest"] for entry in entries}) == len(entries) == (5 if filtered else 6)
    assert [len(page.json["manifests"]) for page in pages] == ([2, 2, 1] if filtered else [2, 2, 2])
    assert {page.headers.get("OCI-Filters-Applied") for page in pages} == {"artifactType" if filtered else None}


def test_a_page_of_referrers_is_no_larger_than_a_manifest(registry: Running, client: Client) -> None:
    for number in range(5):
        document = index(subject=descriptor(SUBJECT), annotations={"text": f"{number}{'ä' * 900_000}"})
        raw = json.dumps(document, ensure_ascii=False).encode()
        registry.put_manifest(REPOSITORY, raw, types.OCI_INDEX)
    pages = following(client, f"/v2/{REPOSITORY}/referrers/{SUBJECT}")
    assert [len(page.json["manifests"]) for page in pages] == [2, 2, 1]
    assert all(len(page.body) <= LIMIT for page in pages)


# Easily forgotten: the rest


def test_a_part_of_a_manifest(client: Client) -> None:
    raw = json.dumps(index()).encode()
    put(client, None, "tag", types.OCI_INDEX, raw)
    answer = client("GET", manifest("tag"), Range="bytes=2-9")
    assert (answer.status, answer.body) == (206, raw[2:10])
    assert answer.headers["Content-Range"] == f"bytes 2-9/{len(raw)}"
    assert client("GET", manifest("tag"), Range=f"bytes={len(raw)}-").codes == ["RANGE_INVALID"]


def test_a_manifest_that_a_client_has_is_not_sent_until_its_tag_moves(client: Client) -> None:
    put(client, index())
    etag = client("GET", manifest("tag")).headers["ETag"]
    assert client("GET", manifest("tag"), If_None_Match=etag).status == 304
    put(client, index(annotations={"now": "another"}))
    assert client("GET", manifest("tag"), If_None_Match=etag).status == 200


def test_a_tag_that_several_put_at_once_is_that_of_one(registry: Running) -> None:
    documents = [json.dumps(index(annotations={"writer": str(number)})).encode() for number in range(6)]

    def write(raw: bytes) -> Digest:
        client = Client(registry.host)
        try:
            digests = {stored(put(client, None, "tag", types.OCI_INDEX, raw)) for _ in range(5)}
            seen = client("GET", manifest("tag"))
            assert seen.body in documents
            assert seen.headers["Docker-Content-Digest"] == str(Digest.of(seen.body))
        finally:
            client.close()
        return digests.pop()

    with ThreadPoolExecutor(len(documents)) as threads:
        written = list(threads.map(write, documents))
    assert written == [Digest.of(raw) for raw in documents]
    assert registry.tags(REPOSITORY)["tag"] in written
    assert all(registry.manifest(REPOSITORY, digest) for digest in written)


def test_several_push_at_once(registry: Running) -> None:
    def push(number: int) -> tuple[str, bytes]:
        client, data = Client(registry.host), DATA + bytes([number % 3])
        digest, repository = Digest.of(data), f"team/app{number % 4}"
        try:
            location = client("POST", f"/v2/{repository}/blobs/uploads/").headers["Location"]
            for start in (0, 2000):
                client("PATCH", location, data[start : start + 2000], Content_Range=f"{start}-{start + 1999}")
            answer = client("PUT", with_digest(location, digest), data[4000:], Content_Range="4000-4000")
            assert client("GET", answer.headers["Location"]).body == data
            config = registry.put_blob(repository, b"{}")
            layers = {"layers": [descriptor(digest)], "config": descriptor(config)}
            raw = json.dumps({"schemaVersion": 2, "mediaType": types.OCI_MANIFEST, **layers}).encode()
            answer = client("PUT", manifest(f"tag{number}", repository), raw, Content_Type=types.OCI_MANIFEST)
            assert answer.status == 201, answer.body
        finally:
            client.close()
        return f"{repository} tag{number}", raw

    with ThreadPoolExecutor(8) as threads:
        pushed = dict(threads.map(push, range(24)))
    for name, raw in pushed.items():
        repository, tag = name.split()
        assert registry.manifest(repository, tag) == (types.OCI_MANIFEST, raw)


@pytest.mark.parametrize(
    "name", ["A", "a//b", "a_", "_a", "a/../b", "a%2Fb", "a..b", "a" * 256, "-a", "a/-", ".", "%61"]
)
def test_no_name(client: Client, name: str) -> None:
    paths = ("tags/list", "manifests/tag", f"blobs/{DIGEST}", f"referrers/{DIGEST}")
    answers = [client("GET", f"/v2/{name}/{path}") for path in paths]
    answers += [client("POST", f"/v2/{name}/blobs/uploads/"), client("PUT", f"/v2/{name}/manifests/tag", b"{}")]
    assert [(answer.status, answer.codes) for answer in answers] == [(400, ["NAME_INVALID"])] * len(answers)


@pytest.mark.parametrize("which", [".tag", "-tag", "a" * 129, "a%2Fb", "%00", "..%2f..%2ftag"])
def test_no_tag(client: Client, which: str) -> None:
    answer = put(client, index(), which)
    assert (answer.status, answer.codes) == (400, ["TAG_INVALID"])
    assert client("GET", manifest(which)).codes == ["MANIFEST_UNKNOWN"]


@pytest.mark.parametrize("chunked", [False, True])
def test_413(client: Client, chunked: bool) -> None:
    raw = json.dumps(index()).encode()
    at, over = raw.ljust(LIMIT), raw.ljust(LIMIT + 1)
    assert put(client, None, "at", types.OCI_INDEX, iter([at]) if chunked else at).status == 201
    answer = put(client, None, "over", types.OCI_INDEX, iter([over]) if chunked else over)
    assert (answer.status, answer.codes) == (413, ["SIZE_INVALID"])
    assert client("GET", "/v2/").status == 200


def test_429_and_warnings_are_told_where_they_are_asked_for(registry: Running, client: Client) -> None:
    body = b'{"errors": [{"code": "TOOMANYREQUESTS", "message": "slow down"}]}'
    registry.faults.add(Fault(429, body, {"Retry-After": "1", "Content-Type": "application/json"}), times=1)
    registry.faults.add(Headers({"Warning": '299 - "this registry is old"'}), path="/v2/$")
    refused = client("GET", "/v2/")
    assert (refused.status, refused.codes, refused.headers["Retry-After"]) == (429, ["TOOMANYREQUESTS"], "1")
    told = client("GET", "/v2/")
    assert (told.status, told.headers["Warning"]) == (200, '299 - "this registry is old"')


@pytest.mark.parametrize(
    ("document", "media_type"),
    [
        ({"schemaVersion": 1, "name": "a", "tag": "b", "fsLayers": [], "signatures": []}, types.DOCKER_SCHEMA1_SIGNED),
        ({"schemaVersion": 1, "name": "a", "tag": "b", "fsLayers": []}, types.DOCKER_SCHEMA1),
        ({"schemaVersion": 1, "name": "a", "tag": "b", "fsLayers": []}, "application/json"),
        ({"schemaVersion": 1, "mediaType": types.OCI_INDEX, "manifests": []}, types.OCI_INDEX),
        ({"mediaType": types.OCI_INDEX, "manifests": []}, types.OCI_INDEX),
        ({"schemaVersion": "2", "mediaType": types.OCI_INDEX, "manifests": []}, types.OCI_INDEX),
        ({"schemaVersion": 2, "mediaType": types.OCI_MANIFEST, "layers": []}, types.OCI_MANIFEST),
        ({"schemaVersion": 2, "mediaType": types.OCI_INDEX, "manifests": [], "layers": []}, types.OCI_INDEX),
        (index(), types.DOCKER_LIST),
        (index(), "application/json"),
        (index(mediaType=7), types.OCI_INDEX),
        (index(mediaType="application/vnd.example+json"), "application/vnd.example+json"),
        (index(subject=1), types.OCI_INDEX),
        ({**index(), "manifests": [{}]}, types.OCI_INDEX),
        ({**index(), "manifests": {}}, types.OCI_INDEX),
        ({**index(), "manifests": [{**descriptor(DIGEST), "size": -1}]}, types.OCI_INDEX),
        ([], types.OCI_INDEX),
    ],
)
def test_what_no_client_could_use(client: Client, document: object, media_type: str) -> None:
    answer = put(client, document, "tag", media_type)
    assert (answer.status, answer.codes) == (400, ["MANIFEST_INVALID"])
    assert answer.json["errors"][0]["detail"]
    assert client("GET", manifest("tag")).codes == ["MANIFEST_UNKNOWN"]


@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16"])
def test_what_is_not_in_utf_8(client: Client, coding: str) -> None:
    """Python would read it, and no client in Go."""
    answer = client("PUT", manifest("tag"), json.dumps(index()).encode(coding), Content_Type=types.OCI_INDEX)
    assert (answer.status, answer.codes) == (400, ["MANIFEST_INVALID"])


@pytest.mark.parametrize("raw", [b"{", b"", b"\xff{}", b"[" * 100_000, b"<html></html>", b'{"a": NaN}', b"1" * 5000])
def test_what_is_no_json(client: Client, raw: bytes) -> None:
    answer = client("PUT", manifest("tag"), raw, Content_Type=types.OCI_INDEX)
    assert (answer.status, answer.codes) == (400, ["MANIFEST_INVALID"])


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    with DiskStore(tmp_path / "registry") as store, serving(store) as registry:
        client = Client(registry.host)
        document = image(registry, subject=descriptor(SUBJECT))
        digest = stored(put(client, document))
        other = Digest.of(json.dumps(document).encode(), "sha512")
        put(client, document, other)
        location = begin(client)
        client("PATCH", location, DATA[:1500], Content_Range="0-1499")
        client.close()
    with DiskStore(tmp_path / "registry") as store, serving(store) as registry:
        client = Client(registry.host)
        for which in ("tag", digest, other):
            assert client("GET", manifest(which)).json == document
        assert client("GET", f"/v2/{REPOSITORY}/blobs/{document['config']['digest']}").body == b"{}"
        listed = client("GET", f"/v2/{REPOSITORY}/referrers/{SUBJECT}").json["manifests"]
        assert {entry["digest"] for entry in listed} == {str(digest), str(other)}
        assert client("GET", "/v2/_catalog").json == {"repositories": [REPOSITORY]}
        assert client("PATCH", location, DATA[1500:], Content_Range="1500-3999").status == 202
        assert client("PUT", with_digest(location, DIGEST)).status == 201
        client.close()
