"""Lists of tags and repositories."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from manifest_tool.server.serve import Running
    from tests.server.conftest import Client


def test_a_repository_without_tags(registry: Running, client: Client) -> None:
    registry.put_blob("blobs/only", b"")
    assert client("GET", "/v2/blobs/only/tags/list").json == {"name": "blobs/only", "tags": []}


def test_an_unknown_repository(client: Client) -> None:
    answer = client("GET", "/v2/a/tags/list")
    assert (answer.status, answer.codes) == (404, ["NAME_UNKNOWN"])
