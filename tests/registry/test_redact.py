"""URLs for people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from manifest_tool.registry import redact


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://r.test/v2/a/manifests/b", "https://r.test/v2/a/manifests/b"),
        ("https://r.test:443/v2/", "https://r.test/v2/"),
        ("http://[::1]:5000/v2/", "http://[::1]:5000/v2/"),
        ("https://user:secret@r.test/v2/", "https://r.test/v2/"),
        ("https://secret@r.test/v2/", "https://r.test/v2/"),
        ("https://r.test/u?_state=secret&digest=sha256:0", "https://r.test/u?_state=…&digest=sha256:0"),
        ("https://r.test/u?X-Amz-Signature=secret#secret", "https://r.test/u?X-Amz-Signature=…"),
        ("https://r.test/t?scope=repository:a/b:pull,push&scope=repository:c:pull&account=me",
         "https://r.test/t?scope=repository:a/b:pull,push&scope=repository:c:pull&account=…"),
        ("https://r.test/t?secret", "https://r.test/t?secret=…"),
        ("https://r.test/a%0Ab%1B?service=%0A%1B", "https://r.test/a%0Ab%1B?service=%0A%1B"),
        ("relative/path?x=secret", "relative/path?x=…"),
    ],
)  # fmt: skip
def test_shown(url: str, shown: str) -> None:
    assert redact.url(URL(url, encoded=True)) == shown


@given(st.text(max_size=40))
def test_what_is_shown_is_printable_and_holds_no_value(text: str) -> None:
    url = URL.build(scheme="https", host="r.test", path="/" + text.replace("\udc80", ""), query={"secret": "hunter2"})
    shown = redact.url(url)
    assert shown.isprintable()
    assert "hunter2" not in shown


def test_the_host_has_no_user_name() -> None:
    assert redact.host(URL("https://user:secret@r.test:5000/")) == "r.test:5000"
    assert "secret" not in redact.host(URL("x?secret"))
