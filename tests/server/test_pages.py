"""Lists in pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from manifest_tool.oci.media_type import OCI_INDEX

if TYPE_CHECKING:
    from manifest_tool.server.serve import Running
    from tests.server.conftest import Client

TAGS = ["1.0", "1.1", "latest", "zz"]


@pytest.mark.parametrize(
    ("query", "found", "following"),
    [
        ("", TAGS, ""),
        ("?n=2", TAGS[:2], "n=2&last=1.1"),
        ("?n=2&last=1.1", TAGS[2:], ""),
        ("?n=1&last=1.0", TAGS[1:2], "n=1&last=1.1"),
        ("?last=1.0&n=1", TAGS[1:2], "n=1&last=1.1"),
        ("?n=4", TAGS, ""),
        ("?n=100", TAGS, ""),
        ("?n=0", [], ""),
        ("?last=1.1", TAGS[2:], ""),
        ("?last=2", TAGS[2:], ""),
        ("?last=zz", [], ""),
    ],
)
def test_what_follows(registry: Running, client: Client, query: str, found: list[str], following: str) -> None:
    for tag in reversed(TAGS):
        registry.put_manifest("a/b", b"{}", OCI_INDEX, tag)
    answer = client("GET", f"/v2/a/b/tags/list{query}")
    assert (answer.status, answer.json) == (200, {"name": "a/b", "tags": found})
    link = f'</v2/a/b/tags/list?{following}>; rel="next"' if following else None
    assert answer.headers.get("Link") == link


def test_the_link_is_a_link_whatever_the_names_are(registry: Running, client: Client) -> None:
    for name in ("a/b", "c"):
        registry.put_blob(name, b"")
    answer = client("GET", "/v2/_catalog?n=1&more=a%3E%22b")
    assert answer.headers["Link"] == '</v2/_catalog?n=1&more=a%3E%22b&last=a%2Fb>; rel="next"'
