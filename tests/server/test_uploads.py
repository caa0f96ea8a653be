"""Every way of uploading a blob."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from manifest_tool.oci.digest import Digest

if TYPE_CHECKING:
    from manifest_tool.server.serve import Running
    from tests.server.conftest import Answer, Client

DATA = b"0123456789" * 100
DIGEST = Digest.of(DATA)
UPLOADS = "/v2/a/b/blobs/uploads/"


def pieces(data: bytes = DATA, size: int = 64) -> Iterator[bytes]:
    """A body that http.client sends chunked, without a Content-Length."""
    return (data[start : start + size] for start in range(0, len(data), size))


def begin(client: Client) -> str:
    answer = client("POST", UPLOADS)
    assert answer.status == 202
    assert answer.headers["Content-Length"] == "0"
    assert answer.headers["Range"] == "0-0"
    return answer.headers["Location"]


def created(answer: Answer, registry: Running, digest: Digest = DIGEST, data: bytes = DATA) -> bool:
    assert answer.status == 201
    assert answer.headers["Location"] == f"/v2/a/b/blobs/{digest}"
    assert answer.headers["Docker-Content-Digest"] == str(digest)
    return registry.blob("a/b", digest) == data


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_post_alone(registry: Running, client: Client, algorithm: str) -> None:
    digest = Digest.of(DATA, algorithm)
    assert created(client("POST", f"{UPLOADS}?digest={digest}", DATA), registry, digest)


@pytest.mark.parametrize("path", [UPLOADS, UPLOADS.rstrip("/")])
def test_post_and_put(registry: Running, client: Client, path: str) -> None:
    location = client("POST", path).headers["Location"]
    assert created(client("PUT", f"{location}?digest={DIGEST}", DATA), registry)
    assert client("GET", location).status == 404


def test_nothing_at_all(registry: Running, client: Client) -> None:
    digest = Digest.of(b"")
    assert created(client("PUT", f"{begin(client)}?digest={digest}"), registry, digest, b"")


def test_stream(registry: Running, client: Client) -> None:
    answer = client("PATCH", begin(client), pieces())
    assert (answer.status, answer.headers["Range"]) == (202, "0-999")
    assert created(client("PUT", f"{answer.headers['Location']}?digest={DIGEST}"), registry)


def test_chunks_with_the_last_one_in_the_put(registry: Running, client: Client) -> None:
    location = begin(client)
    for start in (0, 300):
        answer = client("PATCH", location, DATA[start : start + 300], Content_Range=f"{start}-{start + 299}")
        assert (answer.status, answer.headers["Range"]) == (202, f"0-{start + 299}")
        location = answer.headers["Location"]
    answer = client("PUT", f"{location}?digest={DIGEST}", DATA[600:], Content_Range="600-999")
    assert created(answer, registry)


@pytest.mark.parametrize("content_range", ["500-999", "0-99", "bytes 100-199", "x"])
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_out_of_order(registry: Running, client: Client, method: str, content_range: str) -> None:
    location = begin(client)
    client("PATCH", location, DATA[:100], Content_Range="0-99")
    answer = client(method, f"{location}?digest={DIGEST}", DATA[100:], Content_Range=content_range)
    assert (answer.status, answer.codes) == (416, ["BLOB_UPLOAD_INVALID"])
    assert (answer.headers["Location"], answer.headers["Range"]) == (location, "0-99")
    status = client("GET", location)
    assert (status.status, status.headers["Range"], status.headers["Location"]) == (204, "0-99", location)
    assert created(client("PUT", f"{location}?digest={DIGEST}", DATA[100:], Content_Range="100-999"), registry)


def test_a_chunk_whose_lengths_differ(client: Client) -> None:
    answer = client("PATCH", begin(client), DATA, Content_Range="0-9")
    assert (answer.status, answer.codes) == (400, ["SIZE_INVALID"])


def test_status_of_a_new_session(client: Client) -> None:
    answer = client("GET", begin(client))
    assert (answer.status, answer.headers["Range"], answer.body) == (204, "0-0", b"")


def test_cancel(client: Client) -> None:
    location = begin(client)
    assert client("DELETE", location).status == 204
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        answer = client(method, f"{location}?digest={DIGEST}", DATA)
        assert (answer.status, answer.codes) == (404, ["BLOB_UPLOAD_UNKNOWN"])


@pytest.mark.parametrize("digest", [str(Digest.of(b"other")), str(Digest.of(b"other", "sha512")), "sha256:bad", ""])
def test_a_wrong_digest(registry: Running, client: Client, digest: str) -> None:
    answers = [client("PUT", f"{begin(client)}?digest={digest}", DATA)]
    if digest:
        answers.append(client("POST", f"{UPLOADS}?digest={digest}", DATA))
    streamed = client("PATCH", begin(client), pieces()).headers["Location"]
    answers.append(client("PUT", f"{streamed}?digest={digest}"))
    assert all((answer.status, answer.codes) == (400, ["DIGEST_INVALID"]) for answer in answers)
    assert registry.blob("a/b", DIGEST) is None


@pytest.mark.parametrize("source", ["&from=other/one", ""])
def test_mount(registry: Running, client: Client, source: str) -> None:
    registry.put_blob("other/one", DATA)
    assert created(client("POST", f"{UPLOADS}?mount={DIGEST}{source}"), registry)


@pytest.mark.parametrize("source", ["&from=empty", "&from=..%2f..%2fother", "&from=OTHER"])
def test_a_mount_that_cannot_be_opens_an_upload(registry: Running, client: Client, source: str) -> None:
    registry.put_blob("other/one", DATA)
    answer = client("POST", f"{UPLOADS}?mount={DIGEST}{source}")
    assert answer.status == 202
    assert registry.blob("a/b", DIGEST) is None
    assert created(client("PUT", f"{answer.headers['Location']}?digest={DIGEST}", DATA), registry)


def test_a_mount_of_no_digest(client: Client) -> None:
    assert client("POST", f"{UPLOADS}?mount=sha256:x&from=a").codes == ["DIGEST_INVALID"]


def test_what_came_before_the_client_went_stays(registry: Running, client: Client) -> None:
    location = begin(client)
    broken = http.client.HTTPConnection(registry.host)
    broken.putrequest("PATCH", location)
    broken.putheader("Content-Length", str(len(DATA)))
    broken.endheaders()
    broken.send(DATA[:400])
    deadline = time.monotonic() + 5
    while client("GET", location).headers["Range"] != "0-399" and time.monotonic() < deadline:
        pass
    broken.close()
    assert created(client("PUT", f"{location}?digest={DIGEST}", DATA[400:], Content_Range="400-999"), registry)
