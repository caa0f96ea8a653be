"""Each check of tags, on a registry that does it and on some that do not."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from manifest_tool.conformance.checks import tags
from manifest_tool.conformance.result import Outcome
from manifest_tool.server.actions import Answer, Body, Headers
from manifest_tool.server.serve import Running
from tests.conformance import trial
from tests.conformance.checks.wrong import Blind, refusal

PASS, FAIL, UNSUPPORTED = Outcome.PASS, Outcome.FAIL, Outcome.UNSUPPORTED
_PARAMETER = r"/manifests/sha256:\w+\?tag="


@pytest.mark.parametrize("name", [check.id for check in tags.CHECKS])
async def test_the_embedded_registry_passes(embedded: Running, name: str) -> None:
    result = await trial.tried(embedded.host, name)
    assert (result.outcome, result.detail) == (PASS, "")
    assert result.exchanges


@pytest.mark.parametrize(
    ("name", "method", "path", "action", "after", "outcome", "words"),
    [
        ("tag-several", "PUT", "-several-b$", refusal(403, "DENIED"), 0, UNSUPPORTED, "was answered with 403 (DENIED"),
        ("tag-several", "PUT", "-several-c$", Answer(201), 0, FAIL, "GET by tag was answered with 404"),
        (
            "tag-move",
            "PUT",
            "-move$",
            refusal(409, "DENIED"),
            1,
            UNSUPPORTED,
            "tags are immutable: publish each",
        ),
        ("tag-move", "PUT", "-move$", refusal(412, "PRECONDITION"), 1, UNSUPPORTED, "with 412 (PRECONDITION: no)"),
        ("tag-move", "PUT", "-move$", Answer(500), 1, FAIL, "under a tag that is taken was answered with 500"),
        ("tag-move", "PUT", "-move$", Answer(201), 1, FAIL, "was answered with 201, but the tag did not move"),
        (
            "tag-again",
            "PUT",
            "-again$",
            refusal(400, "TAG_INVALID"),
            1,
            UNSUPPORTED,
            "same tag was answered with 400 (TAG_",
        ),
        ("tag-again", "GET", "-again$", Body(b"{}"), 0, FAIL, "GET by tag gives 2 bytes"),
        (
            "tag-parameter",
            "PUT",
            _PARAMETER,
            refusal(400, "UNSUPPORTED"),
            0,
            UNSUPPORTED,
            "digest with tags was",
        ),
        ("tag-parameter", "PUT", _PARAMETER, Answer(500), 0, FAIL, "PUT by digest with tags was answered with 500"),
        ("tag-parameter", "PUT", _PARAMETER, Blind(("tag",)), 0, UNSUPPORTED, "sets none, and OCI-Tag is missing"),
        ("tag-parameter", "PUT", _PARAMETER, Headers({"OCI-Tag": None}), 0, FAIL, "but OCI-Tag is missing"),
        ("tag-parameter", "PUT", _PARAMETER, Headers({"OCI-Tag": "other"}), 0, FAIL, "OCI-Tag tells other, where mt-"),
        ("tag-parameter", "GET", "-parameter-b$", Answer(404), 0, FAIL, "GET by tag was answered with 404"),
        ("tag-race", "PUT", "-race$", Answer(500), 1, FAIL, "one of two PUTs under the same tag was answered with 500"),
        ("tag-race", "PUT", "-race$", Answer(201), 0, FAIL, "GET was answered with 404"),
        ("tag-race", "GET", "-race$", Body(b"{}"), 0, FAIL, "GET gives neither of the two manifests"),
        ("tag-race", "GET", "/sha256:", Answer(404), 0, FAIL, "GET by digest was answered with 404"),
    ],
)
async def test_what_a_registry_does_otherwise_is_found(
    embedded: Running, name: str, method: str, path: str, action: Any, after: int, outcome: Outcome, words: str
) -> None:
    embedded.faults.add(action, method=method, path=path, after=after)
    result = await trial.tried(embedded.host, name)
    assert (result.outcome, words in result.detail) == (outcome, True), result.detail


async def test_a_registry_that_refuses_one_of_two_at_once_passes(embedded: Running) -> None:
    embedded.faults.add(refusal(409, "DENIED"), method="PUT", path="-race$", after=1)
    result = await trial.tried(embedded.host, "tag-race")
    assert (result.outcome, result.detail) == (PASS, "one of the two was refused")


async def test_tags_may_be_told_on_one_line(embedded: Running) -> None:
    async def joined(request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await handler(request)
        answer.headers["OCI-Tag"] = ", ".join(answer.headers.popall("OCI-Tag"))
        return answer

    embedded.faults.add(joined, method="PUT", path=_PARAMETER)
    assert (await trial.tried(embedded.host, "tag-parameter")).outcome is PASS
