"""Each check of what comes with a manifest, on a registry that does it and on some that do not."""

from __future__ import annotations

from typing import Any

import pytest

from manifest_tool.conformance.checks import headers
from manifest_tool.conformance.result import Outcome
from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.server.actions import Answer, Chunked, Damage, Gzip, Headers, content_type, digest_header
from manifest_tool.server.serve import Running
from tests.conformance import trial
from tests.conformance.checks.wrong import Deaf, Instead

FAIL, UNSUPPORTED = Outcome.FAIL, Outcome.UNSUPPORTED
TAG, DIGEST = "/manifests/mt-", "/manifests/sha256:"
OTHER = str(Digest.of(b""))


@pytest.mark.parametrize("name", [check.id for check in headers.CHECKS])
async def test_the_embedded_registry_passes(embedded: Running, name: str) -> None:
    result = await trial.tried(embedded.host, name)
    assert result.outcome is Outcome.PASS, result.detail
    assert result.exchanges


@pytest.mark.parametrize(
    ("name", "method", "path", "action", "outcome", "words"),
    [
        ("manifest-head", "HEAD", TAG, Answer(405), UNSUPPORTED, "HEAD of a manifest was answered with 405"),
        ("manifest-head", "HEAD", DIGEST, Answer(404), FAIL, "HEAD was answered with 404, where 200 was expected"),
        ("digest-header", "GET", TAG, digest_header(None), UNSUPPORTED, "is missing from the answer to GET"),
        ("digest-header", "HEAD", DIGEST, digest_header(None), UNSUPPORTED, "is missing from the answer to HEAD"),
        ("digest-header", "HEAD", TAG, digest_header(OTHER), FAIL, f"Docker-Content-Digest is '{OTHER}', where"),
        (
            "content-type",
            "GET",
            TAG,
            content_type(f"{types.OCI_MANIFEST}; charset=utf-8"),
            FAIL,
            "charset=utf-8', where",
        ),
        ("content-type", "HEAD", DIGEST, content_type("application/json"), FAIL, "'application/json', where"),
        ("content-length", "GET", DIGEST, Chunked(), UNSUPPORTED, "Content-Length is missing from the answer to GET"),
        ("content-length", "HEAD", TAG, Headers({"Content-Length": "0"}), FAIL, "Content-Length is '0', where"),
        ("uncompressed", "GET", TAG, Gzip(), FAIL, "Content-Encoding is 'gzip'"),
        ("uncompressed", "GET", TAG, Damage(), FAIL, "GET by tag gives"),
        ("etag", "GET", DIGEST, Headers({"ETag": None}), UNSUPPORTED, "ETag is missing"),
        ("etag", "GET", DIGEST, Deaf(("If-None-Match",)), UNSUPPORTED, "is sent again to whoever has it"),
        ("etag", "GET", DIGEST, Instead(304, 500), FAIL, "GET was answered with 500, where 304 was expected"),
    ],
)
async def test_what_a_registry_does_otherwise_is_found(
    embedded: Running, name: str, method: str, path: str, action: Any, outcome: Outcome, words: str
) -> None:
    embedded.faults.add(action, method=method, path=path)
    result = await trial.tried(embedded.host, name)
    assert (result.outcome, words in result.detail) == (outcome, True), result.detail


async def test_who_has_another_manifest_is_not_told_that_it_is_the_same(embedded: Running) -> None:
    embedded.faults.add(Answer(304), method="GET", path=DIGEST, after=1)
    result = await trial.tried(embedded.host, "etag")
    assert result.outcome is FAIL
    assert "GET by who has another manifest was answered with 304" in result.detail


@pytest.mark.parametrize("name", ["digest-header", "content-type", "content-length"])
async def test_a_registry_that_knows_no_head_is_held_to_what_get_says(embedded: Running, name: str) -> None:
    embedded.faults.add(Answer(405), method="HEAD")
    assert (await trial.tried(embedded.host, name)).outcome is Outcome.PASS
