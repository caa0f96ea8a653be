"""Each check of mounts, on a registry that does it and on some that do not."""

from __future__ import annotations

from typing import Any

import pytest

from manifest_tool.conformance.checks import mounts
from manifest_tool.conformance.result import Outcome
from manifest_tool.registry.credentials import DockerConfig, Keychain
from manifest_tool.server.actions import Answer, Headers, NoMount, PhantomMount
from manifest_tool.server.serve import Running
from tests.conformance import trial
from tests.conformance.checks.wrong import Instead, refusal
from tests.registry.tokens import guarded, logins

FAIL, UNSUPPORTED = Outcome.FAIL, Outcome.UNSUPPORTED
MOUNT = r"mount="


@pytest.mark.parametrize("name", [check.id for check in mounts.CHECKS.checks])
async def test_the_embedded_registry_passes(embedded: Running, name: str) -> None:
    result = await trial.tried(embedded.host, name)
    assert result.outcome is Outcome.PASS, result.detail


@pytest.mark.parametrize(
    ("name", "action", "outcome", "words"),
    [
        ("mount-cross", NoMount(), UNSUPPORTED, "202: the registry does not mount the blob; blobs are copied instead"),
        ("mount-cross", refusal(401, "UNAUTHORIZED"), UNSUPPORTED, "with 401 (UNAUTHORIZED: no), where 201"),
        ("mount-cross", refusal(405, "UNSUPPORTED"), UNSUPPORTED, "blobs are copied instead"),
        ("mount-cross", Answer(500), FAIL, "POST of a mount was answered with 500"),
        ("mount-cross", Headers({"Location": None}), Outcome.PASS, ""),
        ("mount-location", Headers({"Location": None}), FAIL, "the Location of the blob is missing"),
        ("mount-cross", PhantomMount(), FAIL, "answered with 201, but GET of the blob with 404"),
        (
            "mount-usable",
            PhantomMount(),
            FAIL,
            "PUT of a manifest that uses what was mounted was answered with 400 (MANIFEST_BLOB_UNKNOWN",
        ),
        ("mount-same", NoMount(), UNSUPPORTED, "the registry does not mount the blob"),
        ("mount-anonymous", NoMount(), UNSUPPORTED, "looks in no other repository by itself"),
        ("mount-anonymous", PhantomMount(), FAIL, "but GET of the blob with 404"),
        ("mount-unknown", PhantomMount(), FAIL, "a mount of a blob that is nowhere was answered with 201"),
        (
            "mount-unknown",
            refusal(404, "BLOB_UNKNOWN"),
            UNSUPPORTED,
            "where 202 should open an upload; blobs are copied",
        ),
        ("mount-unknown", Answer(500), FAIL, "a mount of a blob that is nowhere was answered with 500"),
        ("mount-unknown", Answer(202, headers={"Location": "/v2/x"}), FAIL, "PUT in the upload that was opened"),
        (
            "mount-no-source",
            refusal(403, "DENIED"),
            UNSUPPORTED,
            "that is not there was answered with 403 (DENIED: no)",
        ),
        (
            "mount-no-source",
            Instead(202, 500),
            FAIL,
            "a mount from a repository that is not there was answered with 500",
        ),
    ],
)
async def test_what_is_wrong_is_told(embedded: Running, name: str, action: Any, outcome: Outcome, words: str) -> None:
    embedded.faults.add(action, method="POST", path=MOUNT)
    result = await trial.tried(embedded.host, name)
    assert words in result.detail
    assert result.outcome is outcome


async def test_a_mount_is_asked_for_with_the_right_to_read_its_source() -> None:
    with guarded(anonymous={}) as (running, _):
        keychain = Keychain(DockerConfig("", logins(running.host)))
        assert (await trial.tried(running.host, "mount-cross", keychain)).outcome is Outcome.PASS


async def test_a_token_that_is_not_given_for_the_source_is_told() -> None:
    with guarded(anonymous={}, strict=True) as (running, service):
        service.add("me", "hunter2", {trial.NAME: "pull,push,delete", trial.OTHER: "pull,push,delete"})
        keychain = Keychain(DockerConfig("", logins(running.host)))
        result = await trial.tried(running.host, "mount-no-source", keychain)
    assert "no token is given for both repositories" in result.detail
    assert result.outcome is UNSUPPORTED
