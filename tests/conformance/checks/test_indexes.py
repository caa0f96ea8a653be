"""Each kind of index and of image, on a registry that keeps it, and on some that refuse, break over or change it."""

from __future__ import annotations

import pytest

from manifest_tool.conformance.checks import indexes, kinds
from manifest_tool.conformance.result import Outcome
from manifest_tool.oci import media_type as types
from manifest_tool.server.actions import Answer, Body, content_type
from manifest_tool.server.serve import Running
from tests.conformance import trial
from tests.conformance.checks.wrong import refusal

FAIL, UNSUPPORTED = Outcome.FAIL, Outcome.UNSUPPORTED
_CHECKS = (*indexes.CHECKS, *kinds.CHECKS)


@pytest.mark.parametrize("name", [check.id for check in _CHECKS])
async def test_every_kind_is_kept_or_what_becomes_of_it_is_found(embedded: Running, name: str) -> None:
    path = f"/manifests/mt-\\w+-{name}$"
    passed = await trial.tried(embedded.host, name)
    assert passed.outcome is Outcome.PASS, passed.detail
    assert not embedded.store.repositories() or not embedded.tags(trial.NAME)

    embedded.faults.add(refusal(400, "MANIFEST_INVALID"), method="PUT", path=path)
    refused = await trial.tried(embedded.host, name)
    assert refused.outcome is UNSUPPORTED
    assert " was answered with 400 (MANIFEST_INVALID: no)" in refused.detail

    embedded.faults.clear()
    embedded.faults.add(Body(b"{}"), method="GET", path=path)
    changed = await trial.tried(embedded.host, name)
    assert changed.outcome is FAIL
    assert changed.detail.startswith("GET by tag gives 2 bytes with the digest sha256:44136fa3")


@pytest.mark.parametrize("name", ["list-docker", "index-large", "artifact"])
async def test_a_registry_that_breaks_over_a_kind_fails(embedded: Running, name: str) -> None:
    embedded.faults.add(Answer(500), method="PUT", path=f"-{name}$")
    result = await trial.tried(embedded.host, name)
    assert result.outcome is FAIL
    assert result.detail.endswith("was answered with 500")


async def test_an_index_that_is_taken_and_lost_is_found(embedded: Running) -> None:
    embedded.faults.add(Answer(201), method="PUT", path="-index-oci$")
    result = await trial.tried(embedded.host, "index-oci")
    assert result.outcome is FAIL
    assert "GET by tag was answered with 404" in result.detail
    assert "it was stored before" in result.detail


async def test_an_index_that_is_served_as_something_else_is_found(embedded: Running) -> None:
    embedded.faults.add(content_type(types.OCI_MANIFEST), method="GET", path="-list-docker$")
    result = await trial.tried(embedded.host, "list-docker")
    assert result.outcome is FAIL
    assert f"but the registry sent it as {types.OCI_MANIFEST!r}" in result.detail


async def test_images_that_are_not_seen_at_once_do_not_count_against_a_kind(embedded: Running) -> None:
    embedded.faults.add(refusal(400, "MANIFEST_BLOB_UNKNOWN"), method="PUT", path="-index-oci$", times=1)
    result = await trial.tried(embedded.host, "index-oci")
    assert result.outcome is Outcome.PASS, result.detail


async def test_images_that_are_never_seen_were_lost(embedded: Running) -> None:
    embedded.faults.add(refusal(400, "MANIFEST_BLOB_UNKNOWN"), method="PUT", path="-(index-oci|image-foreign-layer)$")
    lost = await trial.tried(embedded.host, "index-oci")
    assert lost.outcome is FAIL
    assert lost.detail.endswith("(MANIFEST_BLOB_UNKNOWN: no), though all that it points to was stored")
    # A layer that lies elsewhere was never stored.
    assert (await trial.tried(embedded.host, "image-foreign-layer")).outcome is UNSUPPORTED


async def test_a_kind_whose_images_are_refused_is_not_supported(embedded: Running) -> None:
    embedded.faults.add(refusal(415, "UNSUPPORTED"), method="PUT", path="/manifests/sha256:")
    result = await trial.tried(embedded.host, "list-docker")
    assert (result.outcome, result.detail) == (
        UNSUPPORTED,
        "PUT of an image was answered with 415 (UNSUPPORTED: no)",
    )
