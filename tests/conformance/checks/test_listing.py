"""Each check of lists of tags, on a registry that does it and on some that do not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from manifest_tool.conformance.checks import listing
from manifest_tool.conformance.result import Outcome
from manifest_tool.server import wire
from manifest_tool.server.actions import Answer, Body, Headers
from manifest_tool.server.serve import Running
from tests.conformance import trial
from tests.conformance.checks.wrong import Blind, refusal

PASS, FAIL, UNSUPPORTED = Outcome.PASS, Outcome.FAIL, Outcome.UNSUPPORTED
_OTHERS = ["Beta", "alpha"]
_LINK = '<{}>; rel="next"'


@dataclass(frozen=True, slots=True)
class Ordered:
    """List the tags in another order, and others before them."""

    by_case: bool

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = cast("web.Response", await handler(request))
        document = json.loads(await wire.collect(answer))
        tags = [*document["tags"], *_OTHERS]
        listed = sorted(tags, key=str.lower) if self.by_case else sorted(tags, reverse=True)
        return web.Response(body=json.dumps({**document, "tags": listed}).encode())


@pytest.mark.parametrize("name", [check.id for check in listing.CHECKS])
async def test_the_embedded_registry_passes(embedded: Running, name: str) -> None:
    result = await trial.tried(embedded.host, name)
    assert result.outcome is PASS, result.detail
    assert result.exchanges


@pytest.mark.parametrize(
    ("name", "path", "action", "outcome", "words"),
    [
        ("tag-list", "", refusal(404, "NAME_UNKNOWN"), UNSUPPORTED, "GET of the list of tags was answered with 404"),
        ("tag-list", "", Answer(500), FAIL, "GET of the list of tags was answered with 500"),
        ("tag-list", "", Body(b'{"tags": null}'), FAIL, "a new tag is not among the 0 that are listed even after 3"),
        ("tag-list", "", Body(b"[]"), FAIL, "the list of tags is not a JSON object with tags"),
        ("tag-list", "", Body(b'{"tags": [1]}'), FAIL, "the tags are not a list of texts"),
        ("tag-list", "", Body(b"[" * 100_000), FAIL, "the list of tags is not a JSON object with tags"),
        ("tag-list", "", Headers({"Link": _LINK.format("ftp://x/")}), FAIL, "the Link to the next page is no http"),
        ("tag-list-order", "", Ordered(by_case=False), FAIL, "the tags are in no order: mt-"),
        ("tag-list-order", "", Ordered(by_case=True), PASS, ""),
        ("tag-list-n", r"\?n=", Blind(("n",)), FAIL, "n=1 is answered with 2 tags"),
        ("tag-list-link", r"\?n=", Headers({"Link": None}), UNSUPPORTED, "has no Link to the next"),
        ("tag-list-link", r"\?n=", Blind(("n",)), UNSUPPORTED, "there are no pages: n=1 is answered with 2 tags"),
        ("tag-list-link", "-link-b", Answer(500), FAIL, "GET of the next page was answered with 500"),
        ("tag-list-link", "-link-b", Blind(("last",)), FAIL, "-link-a, where mt-"),
        ("tag-list-last", r"last=", Blind(("last",)), FAIL, "-last-a, where mt-"),
        ("tag-list-last-alone", r"last=", Blind(("last",)), FAIL, "with what comes before it too"),
        ("tag-list-last-alone", r"last=", Body(b'{"tags": []}'), FAIL, "which comes after it"),
    ],
)
async def test_what_a_registry_does_otherwise_is_found(
    embedded: Running, name: str, path: str, action: Any, outcome: Outcome, words: str
) -> None:
    embedded.faults.add(action, method="GET", path=f"/tags/list.*{path}")
    result = await trial.tried(embedded.host, name)
    assert (result.outcome, words in result.detail) == (outcome, True), result.detail


async def test_a_tag_that_is_listed_late_is_measured(embedded: Running) -> None:
    embedded.faults.add(Body(b'{"tags": []}'), method="GET", path="/tags/list", times=2)
    result = await trial.tried(embedded.host, "tag-list")
    assert (result.outcome, result.detail) == (PASS, "after 0.3 s")


async def test_pages_that_lead_in_a_circle_are_not_followed_for_ever(embedded: Running) -> None:
    embedded.faults.add(Headers({"Link": _LINK.format(f"/v2/{trial.NAME}/tags/list")}), path="/tags/list")
    result = await trial.tried(embedded.host, "tag-list")
    assert result.outcome is FAIL
    assert "the Link to the next page of tags leads back to one before" in result.detail


async def test_a_list_of_very_many_pages_is_not_read_to_its_end(embedded: Running) -> None:
    """It may be a big registry's; nothing is known then."""

    async def another(request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await handler(request)
        number = int(request.query.get("page", "0"))
        answer.headers["Link"] = _LINK.format(f"/v2/{trial.NAME}/tags/list?page={number + 1}")
        return answer

    embedded.faults.add(another, path="/tags/list")
    result = await trial.tried(embedded.host, "tag-list")
    assert (result.outcome, result.detail) == (Outcome.UNTRIED, "there are more than 200 pages of tags")
