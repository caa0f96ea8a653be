"""Answers, and the errors that they stand for."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from manifest_tool.errors import ExitCode, NotFound, RegistryError, Unauthorized
from manifest_tool.registry import answers
from manifest_tool.registry.answers import Answer

_URL = URL("https://r.test/v2/a/manifests/b")


def _answer(status: int = 500, body: bytes = b"", method: str = "GET") -> Answer:
    return Answer(method, _URL, status, body=body)


def _errors(*items: object) -> bytes:
    return json.dumps({"errors": items}).encode()


_UNKNOWN = _errors({"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"})


@pytest.mark.parametrize(
    ("status", "method", "body", "kind", "code"),
    [
        (401, "GET", b"", Unauthorized, ExitCode.DENIED),
        (403, "PUT", b"", Unauthorized, ExitCode.DENIED),
        (404, "GET", b"", NotFound, ExitCode.NOT_FOUND),
        (400, "GET", _UNKNOWN, NotFound, ExitCode.NOT_FOUND),
        (400, "PUT", _UNKNOWN, RegistryError, ExitCode.REGISTRY),
        (400, "GET", b"", RegistryError, ExitCode.REGISTRY),
        (429, "GET", b"", RegistryError, ExitCode.REGISTRY),
        (500, "GET", _UNKNOWN, RegistryError, ExitCode.REGISTRY),
        (200, "GET", b"", RegistryError, ExitCode.REGISTRY),
    ],
)
def test_kinds(status: int, method: str, body: bytes, kind: type[RegistryError], code: ExitCode) -> None:
    error = answers.error("pull a:b", _answer(status, body, method))
    assert type(error) is kind
    assert error.exit_code is code
    assert f"{method} {_URL}: {status}" in str(error)


def test_the_whole_text() -> None:
    error = answers.error("pull r.test/a:b", _answer(404, _UNKNOWN))
    told = f"cannot pull r.test/a:b, it is not there: GET {_URL}: 404 Not Found: MANIFEST_UNKNOWN: manifest unknown"
    assert str(error) == told
    assert error.exchange is not None
    assert error.exchange.codes == ("MANIFEST_UNKNOWN",)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (_errors({"code": "DENIED", "message": "no", "detail": "why"}), "DENIED: no (why)"),
        (_errors({"code": "A", "message": "a"}, {"code": "B", "detail": {"n": "ä"}}), 'A: a; B ({"n": "ä"})'),
        (_errors({"code": None, "message": "m"}), ": m"),
        (_errors({"code": 7, "message": ["m"], "detail": []}), "7: ['m']"),
        (_errors({}), ""),
        (_errors("A", None), '{"errors": ["A", null]}'),
        (b'{"errors": {"code": "A"}}', '{"errors": {"code": "A"}}'),
        (b'{"details": "incorrect password"}', '{"details": "incorrect password"}'),
        (b"[]", "[]"),
        (b"", ""),
        (b" \n\t", ""),
        (b"Too many\r\n  requests\n", "Too many requests"),
        (b"\x1b[31mred\x00\x07\x7f\xe2\x80\xae", "[31mred"),
        (_errors({"code": "A", "message": "\x1b]0;x\x07 \u202e \ud800"}), "A: ]0;x"),
        (b"\xff", "\N{REPLACEMENT CHARACTER}"),
        (b"<!doctype html><TITLE lang=en> 502 Bad &amp; Gateway\n</TITLE><p>x", "502 Bad & Gateway"),
        (b"<html><style>p {}</style><h1>Sign in</h1><script>x()</script>", "Sign in"),
        (b"<title>never closed", "never closed"),
        (b"x" * 1_000, "x" * 300),
    ],
)
def test_the_words_of_a_body(body: bytes, detail: str) -> None:
    assert answers.exchange(_answer(500, body)).detail == detail


@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_no_body_is_too_odd(body: bytes) -> None:
    about = answers.exchange(_answer(500, body))
    assert about.detail.isprintable()
    assert len(about.detail) <= 300


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)
       | st.dictionaries(st.sampled_from(["errors", "code", "message", "detail"]), inner)))  # fmt: skip
def test_no_document_is_too_odd(document: object) -> None:
    for body in (document, {"errors": document}, {"errors": [document]}):
        assert answers.exchange(_answer(500, json.dumps(body).encode())).detail.isprintable()


def test_a_hostile_page_takes_no_time() -> None:
    started = time.monotonic()
    for body in (b"<title" * 10_000, b"<script" * 10_000, b"<" * 60_000, b"[" * 60_000, b"<style>" * 9_000):
        answers.exchange(_answer(500, body))
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("status", "body", "hint"),
    [
        (429, b"", "limits how much may be asked"),
        (409, b"", "immutable"),
        (412, b"", "immutable"),
        (400, _errors({"code": "TAG_INVALID", "message": "the tag is IMMUTABLE"}), "immutable"),
        (415, b"", "--type docker"),
        (400, _errors({"code": "MANIFEST_INVALID"}), "--type oci"),
        (500, b"", ""),
    ],
)
def test_hints(status: int, body: bytes, hint: str) -> None:
    found = answers.error("push a:b", _answer(status, body, "PUT")).hint
    assert hint in found
    assert bool(found) == bool(hint)


def test_a_given_hint_stays() -> None:
    assert answers.error("push a:b", _answer(429), hint="log in").hint == "log in"


def test_the_body_is_in_no_text_form() -> None:
    assert "secret" not in repr(_answer(200, b"secret"))
