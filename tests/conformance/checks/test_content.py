"""Each check of stored content, on a registry that keeps it and on some that do not."""

from __future__ import annotations

from typing import Any

import pytest

from manifest_tool.conformance.checks import content
from manifest_tool.conformance.result import Outcome
from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.server.actions import Answer, Body, Damage, Headers, content_type, digest_header
from manifest_tool.server.serve import Running
from tests.conformance import trial
from tests.conformance.checks.wrong import Instead, Late, refusal

PASS, FAIL, UNSUPPORTED = Outcome.PASS, Outcome.FAIL, Outcome.UNSUPPORTED
TAG, DIGEST, SHA512 = "/manifests/mt-", "/manifests/sha256:", "/manifests/sha512:"
NONE = "/manifests/sha256:bad"


@pytest.mark.parametrize("name", [check.id for check in (*content.BASE, *content.CHECKS)])
async def test_the_embedded_registry_passes(embedded: Running, name: str) -> None:
    result = await trial.tried(embedded.host, name)
    assert result.outcome is Outcome.PASS, result.detail
    assert result.exchanges


@pytest.mark.parametrize(
    ("name", "method", "path", "action", "outcome", "words"),
    [
        (
            "manifest-put",
            "PUT",
            TAG,
            refusal(403, "DENIED"),
            FAIL,
            "was answered with 403 (DENIED: no)",
        ),
        ("manifest-put", "PUT", TAG, digest_header("sha256:1"), FAIL, "is no digest: sha256 has 64"),
        ("manifest-put", "PUT", TAG, digest_header(str(Digest.of(b""))), FAIL, "Digest sha256:e3b0c44298fc1c14"),
        (
            "manifest-put-digest",
            "PUT",
            DIGEST,
            refusal(405, "UNSUPPORTED"),
            FAIL,
            "by its digest was answered with 40",
        ),
        ("manifest-put-digest", "PUT", DIGEST, Answer(201), FAIL, "GET by digest was answered with 404"),
        ("manifest-put-digest", "GET", DIGEST, Damage(), FAIL, "GET by digest gives "),
        ("manifest-bytes", "GET", TAG, Body(b"{}"), FAIL, "GET by tag gives 2 bytes with the digest sha256:44136fa3"),
        ("manifest-bytes", "GET", DIGEST, Damage(), FAIL, "GET by digest gives "),
        ("manifest-bytes", "GET", DIGEST, Answer(500), FAIL, "GET by digest was answered with 500"),
        ("manifest-bytes", "GET", TAG, content_type(types.OCI_INDEX), FAIL, "but the registry sent it as"),
        ("manifest-location", "PUT", TAG, Instead(201, 200), FAIL, "answered with 200, where 201 was expected"),
        ("manifest-location", "PUT", TAG, Headers({"Location": None}), FAIL, "Location is missing"),
        ("manifest-location", "PUT", TAG, Headers({"Location": "ftp://x/"}), FAIL, "is no http or https URL"),
        (
            "manifest-location",
            "PUT",
            TAG,
            Headers({"Location": "/v2/x"}),
            FAIL,
            "GET of the Location was answered with",
        ),
        ("manifest-unknown-fields", "PUT", TAG, refusal(400, "MANIFEST_INVALID"), UNSUPPORTED, "unknown fields was"),
        ("manifest-unknown-fields", "GET", TAG, Body(b"{}"), FAIL, "GET by tag gives 2 bytes"),
        ("manifest-sha512", "PUT", SHA512, refusal(400, "DIGEST_INVALID"), UNSUPPORTED, "by its sha512 digest was"),
        ("manifest-sha512", "PUT", SHA512, Answer(500), FAIL, "by its sha512 digest was answered with 500"),
        ("manifest-sha512", "GET", SHA512, Answer(404), FAIL, "GET by digest was answered with 404"),
        ("manifest-sha512", "GET", SHA512, digest_header(None), PASS, ""),
        (
            "manifest-sha512",
            "GET",
            SHA512,
            digest_header("sha256:1"),
            FAIL,
            "Docker-Content-Digest is 'sha256:1', where",
        ),
        ("manifest-wrong-digest", "PUT", DIGEST, Answer(201), FAIL, "of something else was taken, with 201"),
        ("manifest-wrong-digest", "PUT", DIGEST, Answer(500), FAIL, "answered with 500, where 400 was expected"),
        ("manifest-bad-digest-put", "PUT", NONE, Answer(201), FAIL, "under sha256:baddigeststring was taken, with 201"),
        ("manifest-bad-digest-put", "PUT", NONE, Answer(500), FAIL, "answered with 500, where 400 was expected"),
        ("manifest-bad-digest-get", "GET", NONE, Answer(500), FAIL, "answered with 500, where 400 was expected"),
    ],
)
async def test_what_a_registry_does_otherwise_is_found(
    embedded: Running, name: str, method: str, path: str, action: Any, outcome: Outcome, words: str
) -> None:
    embedded.faults.add(action, method=method, path=path)
    result = await trial.tried(embedded.host, name)
    assert (result.outcome, words in result.detail) == (outcome, True), result.detail


async def test_what_is_stored_by_another_digest_than_it_says_is_found(embedded: Running) -> None:
    """As some registries do that know sha256 alone."""
    embedded.faults.add(Answer(201, headers={"Docker-Content-Digest": str(Digest.of(b""))}), method="PUT", path=SHA512)
    result = await trial.tried(embedded.host, "manifest-sha512")
    assert result.outcome is FAIL
    assert f"but what is stored is {Digest.of(b'')}; GET by the digest that was asked for is" in result.detail


async def test_another_refusal_of_a_wrong_digest_is_told(embedded: Running) -> None:
    embedded.faults.add(refusal(422, "DIGEST_INVALID"), method="PUT", path=DIGEST)
    result = await trial.tried(embedded.host, "manifest-wrong-digest")
    assert (result.outcome, result.detail) == (Outcome.PASS, "refused with 422, where 400 is usual")


@pytest.mark.parametrize(("tries", "outcome"), [(1, PASS), (2, FAIL)])
@pytest.mark.parametrize("name", ["manifest-put", "manifest-put-digest"])
async def test_blobs_that_are_seen_late_are_waited_for_as_a_push_does(
    embedded: Running, name: str, tries: int, outcome: Outcome
) -> None:
    embedded.faults.add(Late(tries), method="PUT", path="/manifests/")
    assert (await trial.tried(embedded.host, name)).outcome is outcome
