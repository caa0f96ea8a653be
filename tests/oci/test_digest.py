"""Digests."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_tool.errors import InvalidDigest
from manifest_tool.oci.digest import Digest
from tests.oci.strategies import DIGESTS


@given(DIGESTS)
def test_text_and_value_reverse_each_other(digest: Digest) -> None:
    assert Digest.parse(str(digest)) == digest


@given(st.binary(), st.sampled_from(["sha256", "sha512"]))
def test_it_names_its_bytes_and_no_others(data: bytes, algorithm: str) -> None:
    digest = Digest.of(data, algorithm)
    assert digest.hex == hashlib.new(algorithm, data).hexdigest()
    assert digest.matches(data)
    assert not digest.matches(data + b"\0")


@given(st.lists(st.binary()))
def test_pieces_make_the_digest_of_the_whole(pieces: list[bytes]) -> None:
    whole = Digest.of(b"".join(pieces), "sha512")
    hasher = whole.hasher()
    for piece in pieces:
        hasher.update(piece)
    assert hasher.digest() == whole


@given(st.text() | st.text("sha256:0f", max_size=80))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidDigest):
        Digest.parse(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected sha256: or sha512:"),
        ("sha256", "expected sha256: or sha512:"),
        ("md5:" + "0" * 32, "expected sha256: or sha512:"),
        ("sha256:" + "0" * 63, "64 lower-case hexadecimal digits"),
        ("sha256:" + "A" * 64, "64 lower-case hexadecimal digits"),
        ("sha256:" + "0" * 64 + "\n", "64 lower-case hexadecimal digits"),
        ("sha512:" + "0" * 64, "128 lower-case hexadecimal digits"),
    ],
)
def test_reasons(text: str, reason: str) -> None:
    with pytest.raises(InvalidDigest, match=reason):
        Digest.parse(text)
