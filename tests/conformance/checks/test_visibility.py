"""How soon what was written is seen, on registries that show it at once, late and never; no pause takes any time."""

from __future__ import annotations

import re

import pytest

from manifest_tool.conformance.checks import visibility
from manifest_tool.conformance.result import Outcome
from manifest_tool.server.actions import Answer, Body
from manifest_tool.server.serve import Running
from tests.conformance import trial
from tests.conformance.checks.wrong import refusal

PASS, FAIL = Outcome.PASS, Outcome.FAIL
_UNKNOWN = refusal(404, "MANIFEST_UNKNOWN")
_LACKING = refusal(400, "MANIFEST_BLOB_UNKNOWN")
_PATHS = {
    "visible-tag": "-visible-tag$",
    "visible-child": "/manifests/sha256:",
    "visible-readers": "-visible-readers$",
    "visible-move": "-visible-move$",
}


@pytest.mark.parametrize("name", [check.id for check in visibility.CHECKS])
async def test_the_embedded_registry_shows_everything_at_once(embedded: Running, name: str) -> None:
    result = await trial.tried(embedded.host, name)
    assert (result.outcome, result.detail) == (PASS, "at once")


@pytest.mark.parametrize("name", _PATHS)
async def test_what_is_seen_late_is_measured(embedded: Running, name: str) -> None:
    embedded.faults.add(_UNKNOWN, method="GET", path=_PATHS[name], times=3)
    result = await trial.tried(embedded.host, name)
    assert result.outcome is PASS
    assert re.fullmatch(r"after 0\.[137] s", result.detail), result.detail


@pytest.mark.parametrize("name", _PATHS)
async def test_what_is_never_seen_is_found(embedded: Running, name: str) -> None:
    embedded.faults.add(_UNKNOWN, method="GET", path=_PATHS[name])
    result = await trial.tried(embedded.host, name)
    assert result.outcome is FAIL
    assert re.search(r"readers were given 404 \(MANIFEST_UNKNOWN: no\) even after 3\d s", result.detail), result.detail


async def test_some_readers_who_never_see_a_tag_are_counted(embedded: Running) -> None:
    embedded.faults.add(Body(b"{}"), method="GET", path="-visible-readers$", after=3)
    result = await trial.tried(embedded.host, "visible-readers")
    assert result.outcome is FAIL
    assert result.detail.startswith("8 of 8 readers were given something else even after 3")


async def test_an_index_that_is_stored_in_the_end_tells_when(embedded: Running) -> None:
    embedded.faults.add(_LACKING, method="PUT", path="-at-once$", times=2)
    async with trial.site(embedded.host, attempts=5) as site:
        (result,) = (await trial.report(site, "visible-index")).results
    assert (result.outcome, result.detail) == (PASS, "after 1.5 s, attempt 3")


async def test_an_index_whose_images_are_never_seen_is_found(embedded: Running) -> None:
    embedded.faults.add(_LACKING, method="PUT", path="-at-once$")
    result = await trial.tried(embedded.host, "visible-index")
    assert result.outcome is FAIL
    assert "right after its images (attempt 2) was answered with 400" in result.detail


async def test_a_registry_that_breaks_over_an_index_is_asked_once(embedded: Running) -> None:
    embedded.faults.add(Answer(500), method="PUT", path="-at-once$")
    result = await trial.tried(embedded.host, "visible-index")
    assert (result.outcome, len(embedded.log.where(lambda request: request.path.endswith("-at-once")))) == (FAIL, 2)
