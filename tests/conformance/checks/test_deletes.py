"""Each check of deletes, on a registry that does it and on some that do not."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from manifest_tool.conformance.checks import deletes
from manifest_tool.conformance.result import Outcome
from manifest_tool.oci.digest import Digest
from manifest_tool.server.actions import Answer
from manifest_tool.server.serve import Running
from tests.conformance import trial
from tests.conformance.checks.wrong import Instead, refusal

FAIL, UNSUPPORTED = Outcome.FAIL, Outcome.UNSUPPORTED


@pytest.mark.parametrize("name", [check.id for check in deletes.CHECKS.checks])
async def test_the_embedded_registry_passes(embedded: Running, name: str) -> None:
    result = await trial.tried(embedded.host, name)
    assert result.outcome is Outcome.PASS, result.detail


@pytest.mark.parametrize(
    ("name", "path", "action", "outcome", "words"),
    [
        (
            "delete-tag",
            "/manifests/mt-",
            refusal(400, "DIGEST_INVALID"),
            UNSUPPORTED,
            "answered with 400 (DIGEST_INVALID",
        ),
        (
            "delete-tag",
            "/manifests/mt-",
            refusal(405, "UNSUPPORTED"),
            UNSUPPORTED,
            "DELETE of a tag was answered with 405",
        ),
        ("delete-tag", "/manifests/mt-", Answer(202), FAIL, "the tag was deleted, but GET is still answered with 200"),
        ("delete-tag", "/manifests/mt-", Answer(500), FAIL, "DELETE of a tag was answered with 500"),
        ("delete-manifest", "/manifests/sha", refusal(403, "DENIED"), UNSUPPORTED, "answered with 403 (DENIED: no)"),
        ("delete-manifest", "/manifests/sha", Answer(202), FAIL, "the manifest was deleted, but GET is still"),
        (
            "delete-blob",
            "/blobs/sha",
            refusal(405, "UNSUPPORTED"),
            UNSUPPORTED,
            "DELETE of a blob was answered with 405",
        ),
        ("delete-blob", "/blobs/sha", Answer(202), FAIL, "the blob was deleted, but GET is still answered with 200"),
        ("delete-unknown", "/manifests/sha", Instead(404, 500), FAIL, "that is not there was answered with 500"),
    ],
)
async def test_what_is_wrong_is_told(
    embedded: Running, name: str, path: str, action: Any, outcome: Outcome, words: str
) -> None:
    embedded.faults.add(action, method="DELETE", path=path)
    result = await trial.tried(embedded.host, name)
    assert words in result.detail
    assert result.outcome is outcome


async def test_a_tag_that_takes_its_manifest_with_it_is_told(embedded: Running) -> None:
    async def all_of_it(request: web.Request, handler: Handler) -> web.StreamResponse:
        digest = embedded.tags(trial.NAME).get(request.path.rpartition("/")[2])
        if isinstance(digest, Digest):
            embedded.store.delete_manifest(trial.NAME, digest)
        return web.Response(status=202)

    embedded.faults.add(all_of_it, method="DELETE", path="/manifests/mt-")
    result = await trial.tried(embedded.host, "delete-tag")
    assert (result.outcome, result.detail) == (
        FAIL,
        "with the tag, the manifest is gone: GET was answered with 404",
    )


async def test_a_tag_that_outlives_its_manifest_is_told(embedded: Running) -> None:
    embedded.faults.add(Answer(200), method="GET", path="/manifests/mt-", after=2)
    result = await trial.tried(embedded.host, "delete-manifest")
    assert "a tag of the manifest was deleted, but GET is still answered with 200 after 10 s" in result.detail
    assert result.outcome is FAIL


async def test_what_is_gone_late_is_told_with_the_time(embedded: Running) -> None:
    embedded.faults.add(Answer(200), method="GET", path="/blobs/sha", after=1, times=2)
    result = await trial.tried(embedded.host, "delete-blob")
    assert (result.outcome, result.detail) == (Outcome.PASS, "the blob was gone after 0.3 s")
