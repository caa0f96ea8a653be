"""JSON from strangers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_tool.oci import strict_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_what_is_json_is_read(value: object) -> None:
    assert strict_json.decode(json.dumps(value).encode()) == value


@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_what_is_not_in_utf_8_is_refused(coding: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # whatever it says
        strict_json.decode('{"a": 1}'.encode(coding))


@pytest.mark.parametrize("raw", [b"NaN", b"[Infinity]", b'{"a": -Infinity}', b"[" * 100_000, b"\xff", b"", b"{"])
def test_what_is_not_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # whatever it says
        strict_json.decode(raw)
