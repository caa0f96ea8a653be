"""Each check of access and of refusals, on registries that do it and on some that do not."""

from __future__ import annotations

from typing import Any

import pytest

from manifest_tool.conformance.result import Outcome, Result
from manifest_tool.registry.credentials import DockerConfig, Keychain
from manifest_tool.server.actions import Answer, Body
from manifest_tool.server.serve import Running, serving
from tests.conformance import trial
from tests.conformance.checks.wrong import refusal
from tests.registry.tokens import SECRET, TokenService, basic, guarded, logins

PASS, FAIL, UNSUPPORTED, UNTRIED = Outcome.PASS, Outcome.FAIL, Outcome.UNSUPPORTED, Outcome.UNTRIED
_RIGHTS = {trial.NAME: "pull,push,delete", trial.OTHER: "pull,push,delete"}


def keychain(running: Running, password: str = SECRET) -> Keychain:
    return Keychain(DockerConfig("", logins(running.host, password=password)))


async def by_token(name: str, **settings: Any) -> tuple[Result, TokenService]:
    with guarded(**{"anonymous": {}, **settings}) as (running, service):
        service.add("me", SECRET, _RIGHTS)
        return await trial.tried(running.host, name, keychain(running)), service


@pytest.mark.parametrize(
    ("name", "outcome", "detail"),
    [
        ("ping", PASS, ""),
        ("challenge", PASS, "no account is asked for"),
        ("anonymous-write", UNTRIED, "no account is asked for"),
        ("token-scopes", UNTRIED, "no token is asked for"),
        ("unknown-manifest", PASS, ""),
        ("unknown-blob", PASS, ""),
        ("error-codes", PASS, "MANIFEST_UNKNOWN, BLOB_UNKNOWN"),
    ],
)
async def test_a_registry_that_asks_for_nothing(embedded: Running, name: str, outcome: Outcome, detail: str) -> None:
    result = await trial.tried(embedded.host, name)
    assert (result.outcome, result.detail) == (outcome, detail)


@pytest.mark.parametrize(
    ("name", "outcome", "detail"),
    [
        ("ping", PASS, ""),
        ("challenge", PASS, "Basic at the root of the API"),
        ("anonymous-write", PASS, "answered with 401 (UNAUTHORIZED: authentication required)"),
        ("token-scopes", UNTRIED, "no token is asked for"),
        ("unknown-blob", PASS, ""),
    ],
)
async def test_a_registry_that_asks_for_a_password(name: str, outcome: Outcome, detail: str) -> None:
    with serving(middlewares=[basic({"me": SECRET})]) as running:
        result = await trial.tried(running.host, name, keychain(running))
    assert (result.outcome, result.detail) == (outcome, detail)
    assert SECRET not in repr(result)


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("ping", ""),
        ("challenge", "Bearer for 'registry.test' at the root of the API"),
        ("anonymous-write", "answered with 401 (UNAUTHORIZED: authentication required)"),
        ("token-scopes", ""),
    ],
)
async def test_a_registry_that_asks_for_tokens(name: str, detail: str) -> None:
    result, service = await by_token(name)
    assert (result.outcome, result.detail) == (PASS, detail)
    assert not any(secret in repr(result) for secret in (SECRET, *service.issued))


async def test_reading_is_free_and_writing_is_not() -> None:
    with serving(middlewares=[basic({"me": SECRET}, pull=True)]) as running:
        result = await trial.tried(running.host, "challenge", keychain(running))
    assert result.detail == "Basic to write"


async def test_a_token_for_one_repository_alone_is_told() -> None:
    result, _ = await by_token("token-scopes", most_scopes=1)
    assert "a token for two repositories does not do for" in result.detail
    assert f"{trial.OTHER}: POST was answered with 401" in result.detail
    assert result.outcome is UNSUPPORTED


async def test_a_token_endpoint_that_refuses_several_scopes_is_told() -> None:
    with guarded(anonymous={}, strict=True) as (running, service):
        service.add("me", SECRET, {trial.NAME: "pull,push,delete"})
        result = await trial.tried(running.host, "token-scopes", keychain(running))
    assert "no token is given for two repositories" in result.detail
    assert "manifest-tool asks for a token for each repository" in result.detail
    assert result.outcome is UNSUPPORTED


async def test_a_wrong_password_is_told_with_what_to_do() -> None:
    with serving(middlewares=[basic({"me": "another"})]) as running:
        result = await trial.tried(running.host, "ping", keychain(running))
    assert "not allowed to use the registry" in result.detail
    assert "its password is wrong or has expired" in result.detail
    assert result.outcome is FAIL


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (None, "was answered with 401 and no challenge, at the root of the API"),
        ("Negotiate", "Negotiate is asked for at the root of the API; only Basic and Bearer are known"),
        ("Bearer service=x", "the challenge Bearer for 'x' has no realm"),
        ('Bearer realm="nowhere"', ""),
        ('Bearer realm="ftp://x/"', "the realm 'ftp://x/' of the challenge is no http or https URL"),
    ],
)
async def test_a_challenge_that_cannot_be_answered_is_told(embedded: Running, header: str | None, words: str) -> None:
    embedded.faults.add(Answer(401, headers={"WWW-Authenticate": header} if header else {}))
    result = await trial.tried(embedded.host, "challenge")
    assert words in result.detail
    assert result.outcome is (FAIL if words else PASS)


@pytest.mark.parametrize(
    ("name", "method", "action", "outcome", "words"),
    [
        ("ping", "GET", Answer(404), FAIL, "GET of the root of the API was answered with 404"),
        (
            "anonymous-write",
            "POST",
            refusal(404, "NAME_UNKNOWN"),
            PASS,
            "answered with 404 (NAME_UNKNOWN: no)",
        ),
        (
            "anonymous-write",
            "POST",
            Answer(500),
            FAIL,
            "answered with 500, where 401 or 403 or 404 or 405 was expected",
        ),
        ("anonymous-write", "POST", Answer(403), PASS, "answered with 403"),
        ("unknown-manifest", "GET", Answer(403), FAIL, "GET of a manifest by an unknown tag was answered with 403"),
        ("unknown-manifest", "HEAD", Answer(200), FAIL, "HEAD of a manifest by an unknown tag was answered with 200"),
        ("unknown-manifest", "HEAD", Answer(405), PASS, ""),
        ("unknown-blob", "GET", Answer(500), FAIL, "GET of an unknown blob was answered with 500"),
        ("unknown-blob", "HEAD", Answer(200), FAIL, "HEAD of an unknown blob was answered with 200"),
        ("error-codes", "GET", Body(b"<html>no</html>"), UNSUPPORTED, "the body of a 404 names no code"),
        ("error-codes", "GET", Body(b'{"error": "no"}'), FAIL, "the body of a 404 is JSON of another form"),
        ("error-codes", "GET", Body(b'{"errors": [{"message": "no"}]}'), FAIL, "is JSON of another form"),
        ("error-codes", "GET", Body(b"[" * 100_000), UNSUPPORTED, "names no code"),
    ],
)
async def test_what_is_wrong_is_told(
    embedded: Running, name: str, method: str, action: Any, outcome: Outcome, words: str
) -> None:
    embedded.faults.add(action, method=method)
    result = await trial.tried(embedded.host, name)
    assert words in result.detail
    assert result.outcome is outcome
