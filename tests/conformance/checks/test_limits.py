"""Each check of limits, on a registry that does it and on some that do not."""

from __future__ import annotations

from typing import Any

import pytest

from manifest_tool.conformance.checks import limits
from manifest_tool.conformance.result import Outcome
from manifest_tool.server.actions import Answer, Damage, Reset
from manifest_tool.server.serve import Running
from tests.conformance import trial
from tests.conformance.checks.wrong import Instead, refusal

FAIL, UNSUPPORTED = Outcome.FAIL, Outcome.UNSUPPORTED


@pytest.mark.parametrize("name", [check.id for check in limits.CHECKS.checks])
async def test_the_embedded_registry_passes(embedded: Running, name: str) -> None:
    result = await trial.tried(embedded.host, name)
    assert result.outcome is Outcome.PASS, result.detail


@pytest.mark.parametrize(
    ("name", "method", "action", "outcome", "words"),
    [
        ("manifest-large", "PUT", refusal(413, "SIZE_INVALID"), UNSUPPORTED, "of 3900000 bytes was answered with 413"),
        ("manifest-large", "PUT", Answer(500), FAIL, "PUT of a manifest of 3900000 bytes was answered with 500"),
        ("manifest-large", "GET", Damage(), FAIL, "a manifest of 3900000 bytes gives 3900000 other bytes"),
        ("manifest-too-large", "PUT", Answer(500), FAIL, "PUT of a manifest of 5242880 bytes was answered with 500"),
        ("manifest-too-large", "PUT", Reset(), UNSUPPORTED, "a manifest of 5242880 bytes is not refused in words"),
        ("manifest-too-large", "PUT", Instead(413, 400), UNSUPPORTED, "was answered with 400, where 413 would say why"),
        ("manifest-chunked", "PUT", Answer(411), UNSUPPORTED, "without a Content-Length was answered with 411"),
        ("manifest-chunked", "PUT", Instead(201, 400), FAIL, "without a Content-Length was answered with 400"),
        ("manifest-chunked", "GET", Damage(), FAIL, "put without a Content-Length gives other bytes"),
        (
            "tag-long",
            "PUT",
            refusal(400, "TAG_INVALID"),
            FAIL,
            "PUT under a tag of 128 characters was answered with 400 (TAG_INVALID: no)",
        ),
        ("tag-long", "GET", Answer(404), FAIL, "GET by a tag of 128 characters was answered with 404"),
    ],
)
async def test_what_is_wrong_is_told(
    embedded: Running, name: str, method: str, action: Any, outcome: Outcome, words: str
) -> None:
    embedded.faults.add(action, method=method, path="/manifests/")
    result = await trial.tried(embedded.host, name)
    assert words in result.detail
    assert result.outcome is outcome


async def test_a_manifest_that_is_too_large_may_be_taken(embedded: Running) -> None:
    embedded.faults.add(Answer(201), method="PUT", path="/manifests/")
    result = await trial.tried(embedded.host, "manifest-too-large")
    assert (result.outcome, result.detail) == (Outcome.PASS, "a manifest of 5242880 bytes is taken")


async def test_a_crowd_that_is_refused_is_told(embedded: Running) -> None:
    embedded.faults.add(Answer(500), method="GET", path="/blobs/", after=30)
    result = await trial.tried(embedded.host, "burst")
    assert "one of 32 requests at once was answered with 500" in result.detail
    assert result.outcome is FAIL


async def test_what_is_put_off_is_counted(embedded: Running) -> None:
    embedded.faults.add(Answer(429, headers={"Retry-After": "2"}), method="GET", path="/blobs/", times=5, after=1)
    async with trial.site(embedded.host, attempts=8) as where:
        report = await trial.report(where, "burst")
    (result,) = report.results
    assert result.outcome is Outcome.PASS
    assert "5 times put off" in result.detail
    assert list(report.notices) == ["5 requests were answered with 429 and sent again, with Retry-After: 2"]
