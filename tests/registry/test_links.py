"""Where a registry sends us."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from manifest_tool.registry import links

_BASE = URL("http://r.test:5000/v2/a/blobs/uploads/?x=1")


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("/v2/b", "http://r.test:5000/v2/b"),
        ("id", "http://r.test:5000/v2/a/blobs/uploads/id"),
        ("//other.test/x", "http://other.test/x"),
        ("https://other.test/x?_state=a%2Fb%3D&y=+", "https://other.test/x?_state=a%2Fb%3D&y=+"),
        (" /x ", "http://r.test:5000/x"),
        ("/a b/é", "http://r.test:5000/a%20b/%C3%A9"),
        ("/\udcff", "http://r.test:5000/%FF"),
        ("https://user:secret@other.test/x#f", "https://other.test/x"),
    ],
)
def test_followed(text: str, target: str) -> None:
    assert str(links.follow(_BASE, text)) == target


@pytest.mark.parametrize("text", ["http://[", "//h:99999/", "ftp://h/", "https:x", "localhost:5000/x", "//h:0"])
def test_not_followed(text: str) -> None:
    with pytest.raises(ValueError, match="is no http or https URL"):
        links.follow(_BASE, text)


def test_https_is_not_left() -> None:
    with pytest.raises(ValueError, match="leaves https"):
        links.follow(URL("https://r.test/"), "http://r.test/")


@given(st.text())
def test_no_text_is_too_odd(text: str) -> None:
    try:
        target = links.follow(_BASE, text)
    except ValueError:
        return
    assert str(target).isascii()
    assert target.scheme in {"http", "https"}


@pytest.mark.parametrize(
    "text", ["https://localhost/", "https://127.1:6443/x", "https://169.254.169.254/latest", "https://[::1]/"]
)
def test_a_public_host_does_not_lead_to_this_machine(text: str) -> None:
    with pytest.raises(ValueError, match="leads to a local address"):
        links.follow(URL("https://r.test/v2/"), text)


@pytest.mark.parametrize("text", ["http://a..b/", f"http://{'a' * 64}.test/"])
def test_a_host_that_no_name_service_takes(text: str) -> None:
    with pytest.raises(ValueError, match="is no http or https URL"):
        links.follow(URL("http://r.test/v2/"), text)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://r.test/a", "https://R.test:443/b?c", True),
        ("http://r.test:80/", "http://r.test/", True),
        ("http://r.test/", "https://r.test/", False),
        ("https://r.test:444/", "https://r.test/", False),
        ("https://r.test/", "https://s.test/", False),
    ],
)
def test_origins(one: str, other: str, same: bool) -> None:
    assert links.same_origin(URL(one, encoded=True), URL(other, encoded=True)) == same
