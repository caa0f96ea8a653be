"""What each part of the API needs, in the order in which clients come to it: the beginning, and blobs."""

from __future__ import annotations

import http.client
import time
from typing import TYPE_CHECKING

import pytest

from manifest_tool.oci.digest import Digest
from tests.server.conftest import Client
from tests.server.parts import (
    ALGORITHMS,
    DATA,
    DIGEST,
    REPOSITORY,
    UPLOADS,
    begin,
    image,
    manifest,
    pieces,
    put,
    stored,
    with_digest,
)

if TYPE_CHECKING:
    from manifest_tool.server.serve import Running
    from tests.server.conftest import Answer

each_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS)


def blob(digest: object, repository: str = REPOSITORY) -> str:
    return f"/v2/{repository}/blobs/{digest}"


def there(client: Client, answer: Answer, digest: Digest = DIGEST, data: bytes = DATA) -> bool:
    """Whether an upload was accepted, and its bytes lie where they are said to."""
    assert answer.status == 201, answer.body
    assert answer.headers["Docker-Content-Digest"] == str(digest)
    assert answer.headers["Content-Length"] == "0"
    return client("GET", answer.headers["Location"]).body == client("GET", blob(digest)).body == data


# General


def test_locations_lead_to_the_bytes(registry: Running, client: Client) -> None:
    assert there(client, client("POST", f"{UPLOADS}?digest={DIGEST}", DATA))
    answer = put(client, image(registry))
    assert Digest.of(client("GET", answer.headers["Location"]).body) == stored(answer)


def test_lengths_are_exact(registry: Running, client: Client) -> None:
    registry.put_blob(REPOSITORY, DATA)
    put(client, image(registry))
    for path in (
        blob(DIGEST),
        manifest("tag"),
        "/v2/",
        f"/v2/{REPOSITORY}/tags/list",
        f"/v2/{REPOSITORY}/referrers/{DIGEST}",
    ):
        got, told = client("GET", path), client("HEAD", path)
        assert (told.status, told.body) == (200, b"")
        assert got.headers["Content-Length"] == told.headers["Content-Length"] == str(len(got.body))
        assert got.headers["Content-Type"] == told.headers["Content-Type"]


def test_nothing_is_compressed(registry: Running, client: Client) -> None:
    registry.put_blob(REPOSITORY, DATA)
    put(client, image(registry, annotations={"a": "b" * 10_000}))
    for path in (blob(DIGEST), manifest("tag"), f"/v2/{REPOSITORY}/referrers/{DIGEST}", "/v2/none/tags/list"):
        answer = client("GET", path, Accept_Encoding="gzip, deflate, br")
        assert "Content-Encoding" not in answer.headers
        assert answer.headers["Content-Length"] == str(len(answer.body))


# Ping: a registry that wants to know who asks is another test's matter


def test_ping(client: Client) -> None:
    for path in ("/v2/", "/v2"):
        answer = client("GET", path)
        assert (answer.status, answer.body, answer.headers["Content-Type"]) == (200, b"{}", "application/json")


# Blob post only, post and put, stream


@each_algorithm
def test_post_alone(client: Client, algorithm: str) -> None:
    digest = Digest.of(DATA, algorithm)
    assert there(client, client("POST", f"{UPLOADS}?digest={digest}", DATA), digest)
    assert there(client, client("POST", f"{UPLOADS}?digest={digest}", pieces()), digest)


@each_algorithm
def test_post_and_put(client: Client, algorithm: str) -> None:
    digest = Digest.of(DATA, algorithm)
    assert there(client, client("PUT", with_digest(begin(client), digest), DATA), digest)


@each_algorithm
def test_stream_without_range_and_length(client: Client, algorithm: str) -> None:
    digest = Digest.of(DATA, algorithm)
    answer = client("PATCH", begin(client), pieces())
    assert (answer.status, answer.headers["Range"]) == (202, f"0-{len(DATA) - 1}")
    assert there(client, client("PUT", with_digest(answer.headers["Location"], digest)), digest)


# Blob chunked


@pytest.mark.parametrize("last_in_put", [False, True])
@pytest.mark.parametrize("size", [1024, 1700, len(DATA)])
def test_chunks(client: Client, size: int, last_in_put: bool) -> None:
    location, starts = begin(client), list(range(0, len(DATA), size))
    for start in starts[:-1] if last_in_put else starts:
        end = min(start + size, len(DATA)) - 1
        answer = client("PATCH", location, DATA[start : end + 1], Content_Range=f"{start}-{end}")
        assert (answer.status, answer.headers["Range"], answer.body) == (202, f"0-{end}", b"")
        location = answer.headers["Location"]
    headers = {"Content-Range": f"{starts[-1]}-{len(DATA) - 1}"} if last_in_put else {}
    rest = DATA[starts[-1] :] if last_in_put else b""
    assert there(client, client("PUT", with_digest(location, DIGEST), rest, headers))


def test_any_chunk_is_large_enough(client: Client) -> None:
    answer = client("POST", UPLOADS)
    assert "OCI-Chunk-Min-Length" not in answer.headers
    assert client("PATCH", answer.headers["Location"], b"0", Content_Range="0-0").headers["Range"] == "0-0"


@pytest.mark.parametrize("received", [0, 1024])
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_chunks_out_of_order(client: Client, method: str, received: int) -> None:
    location = begin(client)
    if received:
        client("PATCH", location, DATA[:received], Content_Range=f"0-{received - 1}")
    wrong = client(method, with_digest(location, DIGEST), DATA[2000:], Content_Range=f"2000-{len(DATA) - 1}")
    assert (wrong.status, wrong.codes) == (416, ["BLOB_UPLOAD_INVALID"])
    status = client("GET", location)
    assert (status.status, status.body) == (204, b"")
    assert status.headers["Range"] == f"0-{max(received - 1, 0)}"
    rest = client("PATCH", status.headers["Location"], DATA[received:], Content_Range=f"{received}-{len(DATA) - 1}")
    assert rest.status == 202
    assert there(client, client("PUT", with_digest(rest.headers["Location"], DIGEST)))


# Upload cancel


def test_cancel(client: Client) -> None:
    location = begin(client)
    client("PATCH", location, DATA)
    assert (client("DELETE", location).status, client("GET", location).codes) == (204, ["BLOB_UPLOAD_UNKNOWN"])


# Mount, anonymous mount


@each_algorithm
@pytest.mark.parametrize("source", ["&from=other/one", ""])
def test_mount(registry: Running, client: Client, source: str, algorithm: str) -> None:
    digest = registry.put_blob("other/one", DATA, algorithm)
    assert there(client, client("POST", f"{UPLOADS}?mount={digest}{source}"), digest)


@pytest.mark.parametrize("source", ["&from=other/two", "&from=..%2fother", ""])
def test_a_mount_of_what_is_not_there_opens_an_upload(client: Client, source: str) -> None:
    location = begin(client, f"?mount={DIGEST}{source}")
    assert client("HEAD", blob(DIGEST)).status == 404
    assert there(client, client("PUT", with_digest(location, DIGEST), DATA))


# Blob get range


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("500-1499", 500, 1499), ("500-", 500, 3999), ("-500", 3500, 3999), ("2000-5000", 2000, 3999)],
)
def test_a_part_of_a_blob(registry: Running, client: Client, asked: str, first: int, last: int) -> None:
    digest = registry.put_blob(REPOSITORY, DATA)
    answer = client("GET", blob(digest), Range=f"bytes={asked}")
    assert (answer.status, answer.body) == (206, DATA[first : last + 1])
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(DATA)}"
    assert answer.headers["Content-Length"] == str(last - first + 1)


@pytest.mark.parametrize("asked", ["500-0", "5000-10000"])
def test_no_such_part_of_a_blob(registry: Running, client: Client, asked: str) -> None:
    digest = registry.put_blob(REPOSITORY, DATA)
    answer = client("GET", blob(digest), Range=f"bytes={asked}")
    assert (answer.status, answer.codes, answer.headers["Content-Range"]) == (416, ["RANGE_INVALID"], "bytes */4000")
    assert answer.headers["Content-Length"] == str(len(answer.body))
    assert client("GET", blob(digest)).body == DATA


# Blob head and get


@each_algorithm
@pytest.mark.parametrize("data", [b"", b"{}", DATA * 300])
def test_a_blob_is_what_it_was(client: Client, data: bytes, algorithm: str) -> None:
    digest = Digest.of(data, algorithm)
    assert client("HEAD", blob(digest)).status == client("GET", blob(digest)).status == 404
    assert there(client, client("PUT", with_digest(begin(client), digest), data), digest, data)
    for method, body in (("GET", data), ("HEAD", b"")):
        answer = client(method, blob(digest))
        assert (answer.status, answer.body, answer.headers["Content-Length"]) == (200, body, str(len(data)))
        assert answer.headers["Docker-Content-Digest"] == str(digest)


# Bad digest


@pytest.mark.parametrize(
    "digest", [str(Digest.of(b"other")), str(Digest.of(b"other", "sha512")), "sha256:baddigeststring", "md5:00", ""]
)
def test_what_is_not_what_its_digest_says_is_refused(client: Client, digest: str) -> None:
    answers = [client("PUT", with_digest(begin(client), digest), DATA)]
    if digest:
        answers.append(client("POST", f"{UPLOADS}?digest={digest}", DATA))
    streamed = client("PATCH", begin(client), pieces()).headers["Location"]
    answers.append(client("PUT", with_digest(streamed, digest)))
    chunked = client("PATCH", begin(client), DATA[:2000], Content_Range="0-1999").headers["Location"]
    answers.append(client("PUT", with_digest(chunked, digest), DATA[2000:], Content_Range="2000-3999"))
    assert [(answer.status, answer.codes) for answer in answers] == [(400, ["DIGEST_INVALID"])] * len(answers)
    assert client("HEAD", blob(DIGEST)).status == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
@pytest.mark.parametrize("digest", ["sha256:baddigeststring", "sha256", "md5:00", "sha256:" + "A" * 64, "..%2f..%2fx"])
def test_what_is_no_digest_names_nothing(client: Client, method: str, digest: str) -> None:
    assert client(method, blob(digest)).status == 400


# Easily forgotten


def test_an_upload_goes_on_over_another_connection(registry: Running, client: Client) -> None:
    location = begin(client)
    broken = http.client.HTTPConnection(registry.host)
    broken.request("PATCH", location, DATA[:1500], {"Content-Range": "0-1499"})
    broken.close()
    deadline = time.monotonic() + 10
    while client("GET", location).headers["Range"] != "0-1499":
        assert time.monotonic() < deadline
    again = Client(registry.host)
    rest = again("PATCH", location, DATA[1500:], Content_Range="1500-3999")
    assert there(again, again("PUT", with_digest(rest.headers["Location"], DIGEST)))
    again.close()


def test_a_blob_goes_when_it_is_told_to_and_its_manifest_stays(registry: Running, client: Client) -> None:
    document = image(registry)
    digest, config = stored(put(client, document)), document["config"]["digest"]
    image(registry, "other")
    assert client("DELETE", blob(config)).status == 202
    assert client("HEAD", blob(config)).status == 404
    assert client("HEAD", manifest(digest)).status == 200
    assert client("GET", blob(config, "other")).body == b"{}"
    assert put(client, document, "again").codes == ["MANIFEST_BLOB_UNKNOWN"]


@pytest.mark.parametrize("matching", ["{}", "W/{}", '"other", {}', "*"])
def test_what_a_client_has_is_not_sent_again(registry: Running, client: Client, matching: str) -> None:
    path = blob(registry.put_blob(REPOSITORY, DATA))
    etag = client("HEAD", path).headers["ETag"]
    for method in ("GET", "HEAD"):
        answer = client(method, path, If_None_Match=matching.format(etag))
        assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", etag)
    assert client("GET", path, If_None_Match='"other"').body == DATA
