"""What points to something that is not there, on registries that refuse it, take it, and do neither."""

from __future__ import annotations

import pytest

from manifest_tool.conformance.checks import children
from manifest_tool.conformance.result import Outcome
from manifest_tool.server.actions import Answer
from manifest_tool.server.rules import Rules
from manifest_tool.server.serve import Running, serving
from tests.conformance import trial
from tests.conformance.checks.wrong import Instead, refusal

MISSING = ("missing-child", "child-elsewhere", "missing-layer", "missing-config")


@pytest.mark.parametrize("name", MISSING)
async def test_a_clear_refusal_is_right(embedded: Running, name: str) -> None:
    result = await trial.tried(embedded.host, name)
    assert (result.outcome, result.detail) == (Outcome.PASS, "refused with 400 MANIFEST_BLOB_UNKNOWN")


@pytest.mark.parametrize("name", MISSING)
async def test_to_take_it_is_right_too(name: str) -> None:
    with serving(rules=Rules(sparse=True)) as running:
        result = await trial.tried(running.host, name)
    assert (result.outcome, result.detail) == (Outcome.PASS, "taken")


@pytest.mark.parametrize("name", MISSING)
async def test_to_break_over_it_is_wrong(embedded: Running, name: str) -> None:
    embedded.faults.add(Answer(500), method="PUT", path=f"-{name}$")
    result = await trial.tried(embedded.host, name)
    assert (result.outcome, result.detail) == (
        Outcome.FAIL,
        "PUT was answered with 500, where 201 or 400 was expected",
    )


@pytest.mark.parametrize("name", MISSING)
async def test_to_say_that_it_is_taken_and_lose_it_is_wrong(embedded: Running, name: str) -> None:
    embedded.faults.add(Answer(201), method="PUT", path=f"-{name}$")
    result = await trial.tried(embedded.host, name)
    assert result.outcome is Outcome.FAIL
    assert "GET by tag was answered with 404" in result.detail


@pytest.mark.parametrize("name", MISSING)
async def test_to_say_that_it_is_refused_and_keep_it_is_wrong(name: str) -> None:
    with serving(rules=Rules(sparse=True)) as running:
        running.faults.add(Instead(201, 400), method="PUT", path=f"-{name}$")
        result = await trial.tried(running.host, name)
    assert (result.outcome, result.detail) == (
        Outcome.FAIL,
        "refused with 400 and no code, but GET by tag was answered with 200",
    )


async def test_a_second_repository_that_is_not_to_be_had_leaves_it_untried(embedded: Running) -> None:
    embedded.faults.add(refusal(404, "NAME_UNKNOWN"), method="POST", path=f"{trial.OTHER}/blobs/uploads/")
    result = await trial.tried(embedded.host, "child-elsewhere")
    assert result.outcome is Outcome.UNTRIED
    assert result.detail.startswith(
        f"nothing can be put into {embedded.host}/{trial.OTHER}: POST was answered with 404"
    )


async def test_a_missing_subject_keeps_nothing_from_being_stored(embedded: Running) -> None:
    assert [check.id for check in children.CHECKS] == [*MISSING, "missing-subject"]
    assert (await trial.tried(embedded.host, "missing-subject")).outcome is Outcome.PASS
    embedded.faults.add(refusal(404, "MANIFEST_UNKNOWN"), method="PUT", path="-missing-subject$")
    result = await trial.tried(embedded.host, "missing-subject")
    assert result.outcome is Outcome.FAIL
    assert "an image whose subject is not there was answered with 404 (MANIFEST_UNKNOWN: no)" in result.detail
