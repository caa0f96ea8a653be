"""Blobs: the ways of asking that the API leaves open."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING

import pytest

from manifest_tool.oci.digest import Digest

if TYPE_CHECKING:
    from manifest_tool.server.serve import Running
    from tests.server.conftest import Client

DATA = bytes(range(256)) * 4


def test_an_encoded_colon_is_a_colon(registry: Running, client: Client) -> None:
    digest = registry.put_blob("a", DATA)
    assert client("GET", f"/v2/a/blobs/sha256%3A{digest.hex}").body == DATA


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_unknown(registry: Running, client: Client, method: str) -> None:
    digest = registry.put_blob("a", DATA)
    answer = client(method, f"/v2/b/blobs/{digest}")
    assert (answer.status, answer.codes) == (404, ["BLOB_UNKNOWN"])
    assert answer.json["errors"][0]["detail"] == str(digest)


@pytest.mark.parametrize(
    ("asked", "first", "last"), [("bytes=0-0", 0, 0), ("bytes=-5000", 0, 1023), ("bytes=1000-5000", 1000, 1023)]
)
def test_a_part(registry: Running, client: Client, asked: str, first: int, last: int) -> None:
    digest = registry.put_blob("a", DATA)
    answer = client("GET", f"/v2/a/blobs/{digest}", Range=asked)
    assert (answer.status, answer.body) == (206, DATA[first : last + 1])
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/1024"


@pytest.mark.parametrize("asked", ["bytes=1024-", "bytes=-0"])
def test_no_such_part(registry: Running, client: Client, asked: str) -> None:
    digest = registry.put_blob("a", DATA)
    answer = client("GET", f"/v2/a/blobs/{digest}", Range=asked)
    assert (answer.status, answer.codes) == (416, ["RANGE_INVALID"])


@pytest.mark.parametrize(
    "headers",
    [
        {"Range": "bytes=-"},
        {"Range": "bytes=0-1,5-6"},
        {"Range": "lines=0-1"},
        {"Range": "bytes=0-1", "If-Range": '"of another"'},
    ],
)
def test_a_range_that_is_not_served_gives_the_whole(registry: Running, client: Client, headers: dict[str, str]) -> None:
    digest = registry.put_blob("a", DATA)
    answer = client("GET", f"/v2/a/blobs/{digest}", None, headers)
    assert (answer.status, answer.body) == (200, DATA)


def test_a_part_of_what_the_client_has_is_sent(registry: Running, client: Client) -> None:
    path = f"/v2/a/blobs/{registry.put_blob('a', DATA)}"
    etag = client("HEAD", path).headers["ETag"]
    assert client("GET", path, None, {"Range": "bytes=0-1", "If-Range": etag}).body == DATA[:2]


def test_deleting_one_leaves_it_in_other_repositories(registry: Running, client: Client) -> None:
    digest = registry.put_blob("a", DATA)
    registry.put_blob("b", DATA)
    assert client("DELETE", f"/v2/a/blobs/{digest}").status == 202
    assert registry.blob("a", digest) is None
    assert registry.blob("b", Digest.of(DATA)) == DATA


def test_a_blob_that_goes_while_it_is_read_is_read_to_its_end(registry: Running, client: Client) -> None:
    data = bytes(range(256)) * 80_000  # more than lies between here and there
    path = f"/v2/a/blobs/{registry.put_blob('a', data)}"
    reading = http.client.HTTPConnection(registry.host, timeout=10)
    reading.request("GET", path)
    response = reading.getresponse()
    begun = response.read(1)
    assert client("DELETE", path).status == 202
    assert client("GET", path).status == 404
    assert begun + response.read() == data
    reading.close()
