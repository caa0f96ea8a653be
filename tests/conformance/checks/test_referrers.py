"""Each check of referrers, on a registry that lists them and on some that do not, or do it wrongly."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from manifest_tool.conformance.checks import referrers
from manifest_tool.conformance.result import Outcome
from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.server import wire
from manifest_tool.server.actions import Answer, Body, Headers, content_type
from manifest_tool.server.serve import Running
from tests.conformance import trial
from tests.conformance.checks.wrong import Blind, refusal

PASS, FAIL, UNSUPPORTED = Outcome.PASS, Outcome.FAIL, Outcome.UNSUPPORTED
_PAGE = Answer(200, b"<html>", {"Content-Type": "text/html; charset=utf-8"})
_NONE = b'{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}'
_OTHER = {"digest": str(Digest.of(b"")), "size": 0, "mediaType": types.OCI_MANIFEST}
_APPLIED = "OCI-Filters-Applied"


@dataclass(frozen=True, slots=True)
class Listed:
    """List something else in place of each referrer."""

    change: Callable[[dict[str, Any]], dict[str, Any]]

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = cast("web.Response", await handler(request))
        document = json.loads(await wire.collect(answer))
        document["manifests"] = [self.change(entry) for entry in document["manifests"]]
        return web.Response(body=json.dumps(document).encode(), headers={"Content-Type": types.OCI_INDEX})


def _without(name: str) -> Listed:
    return Listed(lambda entry: {key: value for key, value in entry.items() if key != name})


@pytest.mark.parametrize("name", [check.id for check in referrers.CHECKS])
async def test_the_embedded_registry_passes(embedded: Running, name: str) -> None:
    result = await trial.tried(embedded.host, name)
    assert (result.outcome, result.detail) == (PASS, "")
    assert result.exchanges


@pytest.mark.parametrize(
    ("name", "action", "outcome", "words"),
    [
        (
            "referrers-api",
            Answer(404),
            UNSUPPORTED,
            "was answered with 404, where 200 was expected; clients fall back to the tag schema",
        ),
        (
            "referrers-api",
            refusal(405, "UNSUPPORTED"),
            UNSUPPORTED,
            "405 (UNSUPPORTED: no), where 200 was expected; clients fall back",
        ),
        ("referrers-api", _PAGE, UNSUPPORTED, "was answered with a page; clients fall back to the tag schema"),
        ("referrers-api", Answer(500), FAIL, "GET of referrers was answered with 500, where 200 was expected"),
        ("referrers-api", content_type("application/json"), FAIL, "Content-Type is 'application/json', where"),
        ("referrers-api", content_type(f"{types.OCI_INDEX}; charset=utf-8"), FAIL, "charset=utf-8', where"),
        ("referrers-api", Body(b"[]"), FAIL, "the list of referrers is no index: it is not a JSON object"),
        ("referrers-api", Body(b'{"manifests": []}'), FAIL, "is not an index with schemaVersion 2 and mediaType"),
        ("referrers-api", Body(_NONE.replace(b"[]", json.dumps([_OTHER]).encode())), FAIL, "1 referrers are listed of"),
        ("referrers-artifact", Body(_NONE), FAIL, "is not among its referrers even after 10 s"),
        ("referrers-artifact", _without("artifactType"), FAIL, "with the artifactType None, where 'application/vnd.ex"),
        ("referrers-artifact", _without("annotations"), FAIL, "is listed with the annotations None, where {'org.open"),
        ("referrers-artifact", Listed(lambda entry: {**entry, "size": 1}), FAIL, "is listed with the size 1, where "),
        ("referrers-image", _without("artifactType"), FAIL, "where 'application/vnd.oci.image.config.v1+json' was"),
        ("referrers-index", _without("artifactType"), FAIL, "with the artifactType None, where"),
        ("referrers-filter", Blind(("artifactType",)), UNSUPPORTED, "of all types are listed, whichever is asked for"),
        ("referrers-filter", Headers({_APPLIED: None}), FAIL, f"but {_APPLIED} does not say so"),
    ],
)
async def test_what_a_registry_does_otherwise_is_found(
    embedded: Running, name: str, action: Any, outcome: Outcome, words: str
) -> None:
    embedded.faults.add(action, method="GET", path="/referrers/")
    result = await trial.tried(embedded.host, name)
    assert (result.outcome, words in result.detail) == (outcome, True), result.detail


async def test_a_filter_that_is_only_said_to_be_applied_is_found(embedded: Running) -> None:
    embedded.faults.add(Headers({_APPLIED: "artifactType"}), method="GET", path="artifactType=")
    embedded.faults.add(Blind(("artifactType",)), method="GET", path="artifactType=")
    result = await trial.tried(embedded.host, "referrers-filter")
    assert (result.outcome, result.detail) == (
        FAIL,
        f"{_APPLIED} says that referrers of other types are left out, but they are not",
    )


async def test_a_filter_that_leaves_out_too_much_is_found(embedded: Running) -> None:
    embedded.faults.add(Body(_NONE), method="GET", path="artifactType=")
    result = await trial.tried(embedded.host, "referrers-filter")
    assert (result.outcome, result.detail) == (FAIL, "a referrer of the type that is asked for is left out")


@pytest.mark.parametrize(
    ("action", "status", "outcome", "words"),
    [
        (Headers({"OCI-Subject": None}), 200, FAIL, "OCI-Subject is missing, though the registry lists referrers"),
        (Headers({"OCI-Subject": None}), 404, UNSUPPORTED, "OCI-Subject is missing: the registry does not list"),
        (Headers({"OCI-Subject": "sha256:1"}), 200, FAIL, "OCI-Subject is 'sha256:1', where"),
        (refusal(400, "MANIFEST_INVALID"), 200, UNSUPPORTED, "an artifact with a subject was answered with 400"),
    ],
)
async def test_a_subject_that_is_not_acknowledged_is_found(
    embedded: Running, action: Any, status: int, outcome: Outcome, words: str
) -> None:
    # The first manifest is the subject.
    embedded.faults.add(action, method="PUT", path="/manifests/sha256:", after=1)
    if status != 200:
        embedded.faults.add(Answer(status), method="GET", path="/referrers/")
    result = await trial.tried(embedded.host, "referrers-subject")
    assert (result.outcome, words in result.detail) == (outcome, True), result.detail


async def test_a_referrer_that_is_listed_late_passes(embedded: Running) -> None:
    embedded.faults.add(Body(_NONE), method="GET", path="/referrers/", times=3)
    assert (await trial.tried(embedded.host, "referrers-artifact")).outcome is PASS


async def test_a_tag_schema_that_does_not_work_is_found(embedded: Running) -> None:
    embedded.faults.add(refusal(400, "TAG_INVALID"), method="PUT", path="/manifests/sha256-")
    result = await trial.tried(embedded.host, "referrers-tag-schema")
    assert result.outcome is UNSUPPORTED
    assert "an index of referrers under their tag was answered with 400 (TAG_INVALID: no)" in result.detail
