"""Lists of tags and repositories, in pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from manifest_tool.oci.media_type import OCI_INDEX

if TYPE_CHECKING:
    from manifest_tool.server.serve import Running
    from tests.server.conftest import Client

TAGS = ["1.0", "1.1", "latest", "zz"]


@pytest.fixture(autouse=True)
def tagged(registry: Running) -> None:
    for repository in ("a/b", "c"):
        for tag in reversed(TAGS):
            registry.put_manifest(repository, b"{}", OCI_INDEX, tag)


@pytest.mark.parametrize(
    ("query", "found", "following"),
    [
        ("", TAGS, ""),
        ("?n=2", TAGS[:2], "n=2&last=1.1"),
        ("?n=2&last=1.1", TAGS[2:], ""),
        ("?n=1&last=1.0", TAGS[1:2], "n=1&last=1.1"),
        ("?n=4", TAGS, ""),
        ("?n=100", TAGS, ""),
        ("?n=0", [], ""),
        ("?last=1.1", TAGS[2:], ""),
        ("?last=2", TAGS[2:], ""),
        ("?last=zz", [], ""),
    ],
)
def test_tags(client: Client, query: str, found: list[str], following: str) -> None:
    answer = client("GET", f"/v2/a/b/tags/list{query}")
    assert (answer.status, answer.json) == (200, {"name": "a/b", "tags": found})
    link = f'</v2/a/b/tags/list?{following}>; rel="next"' if following else None
    assert answer.headers.get("Link") == link


def test_a_repository_without_tags(registry: Running, client: Client) -> None:
    registry.put_blob("blobs/only", b"")
    assert client("GET", "/v2/blobs/only/tags/list").json["tags"] == []


def test_an_unknown_repository(client: Client) -> None:
    answer = client("GET", "/v2/a/tags/list")
    assert (answer.status, answer.codes) == (404, ["NAME_UNKNOWN"])


@pytest.mark.parametrize("number", ["x", "-1", "", "1" * 5000, "%C2%B2"])
def test_no_number(client: Client, number: str) -> None:
    answer = client("GET", f"/v2/a/b/tags/list?n={number}")
    assert (answer.status, answer.codes) == (400, ["PAGINATION_NUMBER_INVALID"])


def test_catalog(client: Client) -> None:
    assert client("GET", "/v2/_catalog").json == {"repositories": ["a/b", "c"]}
    answer = client("GET", "/v2/_catalog?n=1")
    assert answer.json == {"repositories": ["a/b"]}
    assert answer.headers["Link"] == '</v2/_catalog?n=1&last=a%2Fb>; rel="next"'
    assert client("GET", "/v2/_catalog?n=1&last=a%2Fb").json == {"repositories": ["c"]}
