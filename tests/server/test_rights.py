"""What a request needs, and what a scope asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_tool.server import rights

UPLOAD = "/v2/a/b/blobs/uploads"
DIGEST = f"sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v2/", ""),
        ("GET", "/v2", ""),
        ("GET", "/v2/_catalog", "registry:catalog:*"),
        ("GET", "/v2/_catalog/", "registry:catalog:*"),
        ("GET", "/v2/_catalog/tags/list", "registry:catalog:*"),
        ("GET", "/v2/a/b/tags/list", "repository:a/b:pull"),
        ("HEAD", "/v2/a/b/manifests/1", "repository:a/b:pull"),
        ("GET", f"/v2/a/b/blobs/{DIGEST}", "repository:a/b:pull"),
        ("GET", f"/v2/a/b/referrers/{DIGEST}", "repository:a/b:pull"),
        ("PUT", "/v2/a/b/manifests/1", "repository:a/b:push"),
        ("DELETE", "/v2/a/b/manifests/1", "repository:a/b:delete"),
        ("DELETE", f"/v2/a/b/blobs/{DIGEST}", "repository:a/b:delete"),
        ("POST", UPLOAD, "repository:a/b:push"),
        ("POST", f"{UPLOAD}/", "repository:a/b:push"),
        ("PATCH", f"{UPLOAD}/id", "repository:a/b:push"),
        ("PUT", f"{UPLOAD}/id", "repository:a/b:push"),
        ("GET", f"{UPLOAD}/id", "repository:a/b:pull"),
        ("DELETE", f"{UPLOAD}/id", "repository:a/b:push"),
        ("OPTIONS", "/v2/a/b/manifests/1", "repository:a/b:push"),
        # A repository may be called by words of the API, and is not the one that the rest would name.
        ("DELETE", f"{UPLOAD}/manifests/1", "repository:a/b/blobs/uploads:delete"),
        ("DELETE", f"{UPLOAD}/blobs/{DIGEST}", "repository:a/b/blobs/uploads:delete"),
        ("GET", "/v2/a/manifests/b/tags/list", "repository:a/manifests/b:pull"),
        ("GET", "/v2/tags/list", ""),
        ("GET", "/v2/A/manifests/1", ""),
        ("GET", "/v2/a%2Fb/manifests/1", ""),
        ("GET", "/v2/a/../b/manifests/1", ""),
        ("GET", '/v2/a",error="/manifests/1', ""),
        ("GET", "/", ""),
        ("GET", "/elsewhere", ""),
    ],
)
def test_what_a_request_needs(method: str, path: str, scope: str) -> None:
    assert rights.text(rights.needed(method, path)) == scope


@pytest.mark.parametrize(
    ("asked", "scope"),
    [
        ("", ""),
        ("repository:a:pull", "repository:a:pull"),
        ("repository:a/b:push,pull", "repository:a/b:pull,push"),
        ("repository:a:* repository:b:pull repository:a:pull", "repository:a:delete,pull,push repository:b:pull"),
        ("repository:a:pull,fly,,PULL", "repository:a:pull"),
        ("repository:a:", ""),
        ("repository::pull", ""),
        ("repository:a", ""),
        ("repository:a:b:pull", ""),
        ("repository:a,b:pull", ""),
        ("repository:A:pull", ""),
        ("repository:a/:pull", ""),
        ("repository:../a:pull", ""),
        ("repository:*:pull", ""),
        ("repository:_catalog:pull", ""),
        (f"repository:{'a' * 256}:pull", ""),
        ("repository(plugin):a:pull", ""),
        ("registry:catalog:*", "registry:catalog:*"),
        ("registry:catalog:pull", ""),
        ("registry:other:*", ""),
        ("repository:a:pull\nrepository:b:pull", "repository:a:pull repository:b:pull"),
    ],
)
def test_what_a_scope_asks_for(asked: str, scope: str) -> None:
    assert rights.text(rights.parse(asked)) == scope


@given(st.text(alphabet='repository:gisc/,* ab\n"\\'))
def test_a_scope_that_is_told_reads_as_itself(text: str) -> None:
    found = rights.parse(text)
    assert rights.parse(rights.text(found)) == found


def test_whoever_pushes_asks_to_pull_too() -> None:
    asked = rights.asked_for(rights.parse("repository:a:push repository:b:delete"))
    assert rights.text(asked) == "repository:a:pull,push repository:b:delete"


def test_pulling_is_no_right_on_the_catalogue() -> None:
    everything = rights.parse("repository:a:* registry:catalog:*")
    assert rights.text(rights.pull(everything)) == "repository:a:pull"
