"""Go's JSON: its indents and its escapes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_tool.oci import go_json


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("<a href='x'>&</a>", r"\u003ca href='x'\u003e\u0026\u003c/a\u003e"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ('"\\\b\f\n\r\t\x00\x1f', r"\"\\\b\f\n\r\t\u0000\u001f"),
        ("é/\x7f🐳", "é/\x7f🐳"),
        ("\ud83d", "\ufffd"),
    ],
)
def test_escapes(text: str, written: str) -> None:
    assert go_json.encode(text).decode() == f'"{written}"'


def test_indents() -> None:
    document = {"a": [1, {}], "b": []}
    assert go_json.encode(document) == b'{\n  "a": [\n    1,\n    {}\n  ],\n  "b": []\n}'
    assert go_json.encode({"a": 1}, indent=4) == b'{\n    "a": 1\n}'


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none() | st.booleans()), st.sampled_from([2, 4]))
def test_it_is_json(document: dict[str, object], indent: int) -> None:
    assert json.loads(go_json.encode(document, indent=indent)) == document
