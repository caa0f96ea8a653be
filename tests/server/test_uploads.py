"""Uploads: what clients do wrong, and what is no part of the API."""

from __future__ import annotations

import http.client
import time
from typing import TYPE_CHECKING

import pytest

from manifest_tool.oci.digest import Digest

if TYPE_CHECKING:
    from manifest_tool.server.serve import Running
    from tests.server.conftest import Answer, Client

DATA = b"0123456789" * 100
DIGEST = Digest.of(DATA)
UPLOADS = "/v2/a/b/blobs/uploads/"


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


def test_cancel(client: Client) -> None:
    location = begin(client)
    assert client("DELETE", location).status == 204
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        answer = client(method, f"{location}?digest={DIGEST}", DATA)
        assert (answer.status, answer.codes) == (404, ["BLOB_UPLOAD_UNKNOWN"])


@pytest.mark.parametrize("source", ["&from=empty", "&from=..%2f..%2fother", "&from=OTHER"])
def test_a_mount_that_cannot_be_opens_an_upload(registry: Running, client: Client, source: str) -> None:
    registry.put_blob("other/one", DATA)
    answer = client("POST", f"{UPLOADS}?mount={DIGEST}{source}")
    assert answer.status == 202
    assert registry.blob("a/b", DIGEST) is None
    assert created(client("PUT", f"{answer.headers['Location']}?digest={DIGEST}", DATA), registry)


def test_what_came_before_the_client_went_stays(registry: Running, client: Client) -> None:
    location = begin(client)
    broken = http.client.HTTPConnection(registry.host)
    broken.putrequest("PATCH", location)
    broken.putheader("Content-Length", str(len(DATA)))
    broken.endheaders()
    broken.send(DATA[:400])
    deadline = time.monotonic() + 5
    while client("GET", location).headers["Range"] != "0-399":
        assert time.monotonic() < deadline
    broken.close()
    assert created(client("PUT", f"{location}?digest={DIGEST}", DATA[400:], Content_Range="400-999"), registry)
