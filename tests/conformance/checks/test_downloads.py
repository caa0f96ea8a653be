"""Each check of downloads, on a registry that does it and on some that do not."""

from __future__ import annotations

from typing import Any

import pytest

from manifest_tool.conformance.checks import downloads
from manifest_tool.conformance.result import Outcome
from manifest_tool.server.actions import Answer, Close, Damage, Headers
from manifest_tool.server.serve import Running
from tests.conformance import trial
from tests.conformance.checks.wrong import Deaf, Instead

FAIL, UNSUPPORTED = Outcome.FAIL, Outcome.UNSUPPORTED
_PART = {"Content-Range": "bytes 500-1499/4096"}


@pytest.mark.parametrize("name", [check.id for check in downloads.CHECKS.checks])
async def test_the_embedded_registry_passes(embedded: Running, name: str) -> None:
    result = await trial.tried(embedded.host, name)
    assert result.outcome is Outcome.PASS, result.detail


@pytest.mark.parametrize(
    ("name", "method", "action", "outcome", "words"),
    [
        ("blob-head", "HEAD", Answer(404), UNSUPPORTED, "HEAD of a blob that was stored was answered with 404"),
        ("blob-head", "HEAD", Answer(405), UNSUPPORTED, "HEAD of a blob that was stored was answered with 405"),
        ("blob-head", "HEAD", Answer(200), FAIL, "HEAD of a blob that is nowhere was answered with 200"),
        ("blob-headers", "HEAD", Headers({"Content-Length": None}), FAIL, "Content-Length of HEAD is missing"),
        ("blob-headers", "GET", Headers({"Docker-Content-Digest": "sha256:0"}), FAIL, "GET is 'sha256:0', where"),
        ("blob-range", "GET", Deaf(("Range",)), UNSUPPORTED, "200 and the whole blob; ranges are ignored"),
        ("blob-range", "GET", Headers({"Content-Range": None}), FAIL, "Content-Range is missing"),
        ("blob-range", "GET", Instead(206, 206, _PART, b"x" * 1000), FAIL, "the bytes 500-1499 gives 1000 other bytes"),
        ("blob-range", "GET", Instead(206, 500), FAIL, "the bytes 500-1499 was answered with 500"),
        ("blob-range", "GET", Damage(), FAIL, "GET gives 4096 bytes with the digest"),
        ("blob-range-beyond", "GET", Deaf(("Range",)), UNSUPPORTED, "the whole blob; ranges are ignored"),
        ("blob-range-beyond", "GET", Instead(416, 206), FAIL, "answered with 206, where 416 was expected"),
    ],
)
async def test_what_is_wrong_is_told(
    embedded: Running, name: str, method: str, action: Any, outcome: Outcome, words: str
) -> None:
    embedded.faults.add(action, method=method, path="/blobs/sha")
    result = await trial.tried(embedded.host, name)
    assert words in result.detail
    assert result.outcome is outcome


async def test_a_refusal_that_breaks_off_is_told(embedded: Running) -> None:
    """As distribution 2 answers for bytes beyond the end: with the length of the blob, and without it."""
    embedded.faults.add(Close(after=2), method="GET", path="/blobs/sha", after=1)
    result = await trial.tried(embedded.host, "blob-range-beyond")
    assert "has no answer that can be read" in result.detail
    assert result.outcome is FAIL
