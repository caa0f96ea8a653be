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
    ("host", "loopback", "local"),
    [
        ("localhost", True, True),
        ("LOCALHOST.", True, True),
        ("a.localhost", True, True),
        ("127.0.0.1", True, True),
        ("127.1", True, True),
        ("2130706433", True, True),
        ("0.0.0.0", True, True),
        ("::1", True, True),
        ("::ffff:127.0.0.1", True, True),
        ("169.254.169.254", False, True),
        ("fe80::1", False, True),
        ("10.0.0.1", False, False),
        ("127.evil.test", False, False),
        ("r.test", False, False),
        ("", False, False),
    ],
)
def test_what_is_near(host: str, loopback: bool, local: bool) -> None:
    assert (links.is_loopback(host), links.is_local(host)) == (loopback, local)
