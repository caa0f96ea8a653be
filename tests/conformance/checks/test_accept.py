"""Each check of what is served to whom, on a registry that serves everybody and on some that choose."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from manifest_tool.conformance.checks import accept
from manifest_tool.conformance.result import Outcome
from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.server.actions import Answer, Body
from manifest_tool.server.serve import Running
from tests.conformance import trial
from tests.conformance.checks.wrong import refusal

PASS, FAIL, UNSUPPORTED = Outcome.PASS, Outcome.FAIL, Outcome.UNSUPPORTED
_IMAGE = b'{"schemaVersion": 2}'


def _converted(media_type: str, digest: str = str(Digest.of(_IMAGE))) -> Answer:
    return Answer(200, _IMAGE, {"Content-Type": media_type, "Docker-Content-Digest": digest})


async def _last_line(request: web.Request, handler: Handler) -> web.StreamResponse:
    """See only the last line of Accept, as proxies do that keep one of each header."""
    if request.headers.getall("Accept", [""])[-1] == types.DOCKER_MANIFEST:
        return web.Response(status=404)
    return await handler(request)


@pytest.mark.parametrize("name", [check.id for check in accept.CHECKS])
async def test_the_embedded_registry_passes(embedded: Running, name: str) -> None:
    result = await trial.tried(embedded.host, name)
    assert result.outcome is PASS, result.detail
    assert result.exchanges


@pytest.mark.parametrize(
    ("name", "action", "outcome", "words"),
    [
        ("accept-own", Body(b"{}"), FAIL, "GET with the index's own type accepted gives 2 bytes"),
        ("accept-indexes", Answer(406), FAIL, "GET with the types of indexes accepted was answered with 406"),
        ("accept-any", refusal(404, "MANIFEST_UNKNOWN"), UNSUPPORTED, "as curl does, it is answered with 404"),
        ("accept-any", Answer(500), FAIL, "GET was answered with 500, where 200 or 404 was expected"),
        ("accept-any", _converted(types.DOCKER_SCHEMA1_SIGNED), FAIL, "which was neither pushed nor asked for"),
        ("accept-images", refusal(404, "MANIFEST_UNKNOWN"), PASS, "404 (MANIFEST_UNKNOWN: no)"),
        ("accept-images", _converted(types.OCI_MANIFEST), PASS, f"one of its images, {Digest.of(_IMAGE)}"),
        ("accept-images", _converted(types.OCI_MANIFEST, "sha256:1"), FAIL, "and calls it sha256:1"),
        ("accept-images-docker", _converted(types.OCI_INDEX), FAIL, "which was neither pushed nor asked for"),
        ("accept-images-docker", Answer(500), FAIL, "GET was answered with 500"),
    ],
)
async def test_what_a_registry_does_otherwise_is_found(
    embedded: Running, name: str, action: Any, outcome: Outcome, words: str
) -> None:
    # The first GET makes sure that the index is there.
    embedded.faults.add(action, method="GET", path=f"/manifests/mt-\\w+-{name}$", after=1)
    result = await trial.tried(embedded.host, name)
    assert (result.outcome, words in result.detail) == (outcome, True), result.detail


async def test_a_proxy_that_keeps_one_line_of_accept_is_found(embedded: Running) -> None:
    embedded.faults.add(_last_line, method="GET", path="-accept-lines$")
    result = await trial.tried(embedded.host, "accept-lines")
    assert result.outcome is FAIL
    assert "GET with one line of Accept for each type was answered with 404" in result.detail
