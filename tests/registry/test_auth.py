"""Authentication against a real token server, and what is never sent to whom."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from manifest_tool.concurrency import outcomes
from manifest_tool.errors import ExitCode, InvalidContent, ManifestToolError, RegistryError, Unauthorized
from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.reference import Registry, Repository
from manifest_tool.registry import auth
from manifest_tool.registry.answers import Answer
from manifest_tool.registry.auth import Access, Attempt, Token
from manifest_tool.registry.credentials import Credential
from manifest_tool.registry.transport import Request
from manifest_tool.server import actions
from manifest_tool.server.serve import Running, serving
from tests.registry.parts import Clock, Watched, client, repository, tls_registry
from tests.registry.tokens import INDEX, OMIT, SECRET, Asked, basic, guarded, logins, token_service

_ME = Credential("me", SECRET)
_DIGEST = Digest.of(INDEX)


def _statuses(running: Running) -> list[int]:
    return [request.status for request in running.log]


# Tokens


async def test_anonymous_pull_takes_one_token() -> None:
    with guarded() as (running, service):
        async with client() as opened:
            found = await opened.get_manifest(repository(running.host), "latest")
            await opened.get_manifest(repository(running.host), "latest")
    assert found.digest == _DIGEST
    assert service.asked == [Asked("GET", "", "registry.test", ("repository:team/app:pull",))]
    assert _statuses(running) == [401, 200, 200]


async def test_twenty_requests_share_one_flight() -> None:
    with guarded() as (running, service):
        running.latency = 0.02
        team = repository(running.host)
        async with client(access=Access.to(team, "pull")) as opened:
            await asyncio.gather(*(opened.head_manifest(team, "latest") for _ in range(20)))
    assert len(service.asked) == 1


async def test_a_run_asks_for_everything_at_once_and_for_push_first() -> None:
    with guarded() as (running, service):
        target, one, two = (repository(running.host, name) for name in ("team/target", "team/one", "team/two"))
        elsewhere = repository("registry.test", "other")
        access = Access.to(one, "pull") | Access.to(elsewhere, "pull") | Access.to(target, "push", "pull")
        async with client(auths=logins(running.host), access=access | Access.to(two, "pull")) as opened:
            await opened.get_manifest(one, "latest")
            await opened.get_manifest(two, "latest")
            await opened.put_manifest(target, "x", INDEX, types.OCI_INDEX)
    scopes = ("repository:team/target:pull,push", "repository:team/one:pull", "repository:team/two:pull")
    assert service.asked == [Asked("GET", "me", "registry.test", scopes)]
    assert service.log[0].query.count("scope=") == 3


async def test_a_token_is_renewed_before_its_end() -> None:
    clock = Clock()
    with guarded(expires_in=100) as (running, service):
        async with client(clock=clock) as opened:
            await opened.get_manifest(repository(running.host), "latest")
            clock.now += 89
            await opened.get_manifest(repository(running.host), "latest")
            assert len(service.asked) == 1
            clock.now += 2
            await opened.get_manifest(repository(running.host), "latest")
    assert len(service.asked) == 2
    assert _statuses(running) == [401, 200, 200, 200]


async def test_a_token_that_ended_early_is_renewed_once() -> None:
    with guarded() as (running, service):
        team = repository(running.host)
        async with client() as opened:
            await opened.get_manifest(team, "latest")
            service.revoke()
            running.log.clear()
            await asyncio.gather(*(opened.head_manifest(team, "latest") for _ in range(10)))
    assert len(service.asked) == 2
    assert sorted(_statuses(running)) == [200] * 10 + [401] * 10


async def test_a_registry_that_takes_no_token_is_not_asked_for_ever() -> None:
    with guarded() as (running, service):
        running.faults.add(actions.Answer(401, headers={"WWW-Authenticate": service.challenge()}))
        async with client() as opened:
            with pytest.raises(Unauthorized, match="not allowed to pull"):
                await opened.get_manifest(repository(running.host), "latest")
    assert len(service.asked) == 2
    assert len(running.log) == 3


async def test_a_service_that_cuts_several_scopes_is_asked_narrowly() -> None:
    with guarded(most_scopes=1) as (running, service):
        target, one = repository(running.host, "team/target"), repository(running.host, "team/one")
        access = Access.to(target, "pull", "push") | Access.to(one, "pull")
        async with client(auths=logins(running.host), access=access) as opened:
            await opened.get_manifest(one, "latest")
            await opened.put_manifest(target, "x", INDEX, types.OCI_INDEX)
            running.log.clear()
            service.asked.clear()
            for _ in range(5):
                await opened.get_manifest(one, "latest")
                await opened.head_manifest(target, "x")
    # What a wide token did not do for is remembered: nothing is tried in vain twice.
    assert _statuses(running) == [200] * 10
    assert service.asked == []


async def test_a_service_that_refuses_several_scopes_is_asked_narrowly() -> None:
    with guarded(strict=True, anonymous={"team/one": "pull"}) as (running, service):
        one, secret = repository(running.host, "team/one"), repository(running.host, "secret")
        async with client(access=Access.to(one, "pull") | Access.to(secret, "pull")) as opened:
            await opened.get_manifest(one, "latest")
            await opened.get_manifest(one, "latest")
    assert [asked.scopes for asked in service.asked] == [
        ("repository:secret:pull", "repository:team/one:pull"),
        ("repository:team/one:pull",),
    ]
    assert _statuses(running) == [401, 200, 200]


async def test_a_narrow_token_that_ended_early_is_renewed_too() -> None:
    with guarded(most_scopes=1) as (running, service):
        target, one = repository(running.host, "team/target"), repository(running.host, "team/one")
        access = Access.to(target, "pull", "push") | Access.to(one, "pull")
        async with client(auths=logins(running.host), access=access) as opened:
            await opened.get_manifest(one, "latest")
            service.revoke()
            await opened.get_manifest(one, "latest")


async def test_an_account_without_push_is_told_so() -> None:
    with guarded() as (running, service):
        service.add("reader", SECRET, {"*": "pull"})
        team = repository(running.host)
        async with client(auths=logins(running.host, name="reader"), access=Access.to(team, "pull", "push")) as opened:
            with pytest.raises(Unauthorized) as caught:
                await opened.put_manifest(team, "x", INDEX, types.OCI_INDEX)
    error = caught.value
    assert str(error).startswith(f"not allowed to push {running.host}/team/app:x: PUT http://{running.host}/v2/team/")
    assert error.hint == f"no push right on {running.host}/team/app for the account 'reader' from config.json"
    assert error.exit_code is ExitCode.DENIED
    assert len(running.log) == 3
    assert len(service.asked) == 2


async def test_anonymous_push_is_told_to_log_in() -> None:
    with guarded() as (running, _):
        async with client() as opened:
            with pytest.raises(Unauthorized) as caught:
                await opened.put_manifest(repository(running.host), "x", INDEX, types.OCI_INDEX)
    assert caught.value.hint.startswith(f"no credentials for {running.host} were found")


async def test_a_wrong_password_is_told_by_the_endpoint() -> None:
    with guarded() as (running, service):
        async with client(auths=logins(running.host, password="wrong")) as opened:
            wanted = (opened.get_manifest(repository(running.host), "latest") for _ in range(3))
            error, *_ = await outcomes(wanted)
    assert isinstance(error, Unauthorized)
    assert str(error).startswith(f"the token endpoint of {running.host} refused the account 'me': GET {service.url}?")
    assert "UNAUTHORIZED: incorrect username or password" in str(error)
    assert "wrong" not in str(error)
    # It would be refused again, so it is asked once.
    assert len(service.asked) == 1


@pytest.mark.parametrize("status", [202, 401])
async def test_a_mount_asks_for_both_repositories(status: int) -> None:
    with guarded(anonymous={}, mount_status=status) as (running, service):
        blob = running.put_blob("team/one", b"layer")
        target, one = repository(running.host, "team/target"), repository(running.host, "team/one")
        async with client(auths=logins(running.host)) as opened:
            assert await opened.mount_blob(target, blob, one) is None
    assert service.asked[-1].scopes == ("repository:team/target:pull,push", "repository:team/one:pull")


async def test_a_mount_without_the_right_to_its_source() -> None:
    with guarded(anonymous={}) as (running, service):
        service.add("writer", SECRET, {"team/target": "pull,push"})
        blob = running.put_blob("team/one", b"layer")
        target, one = repository(running.host, "team/target"), repository(running.host, "team/one")
        async with client(auths=logins(running.host, name="writer")) as opened:
            assert await opened.mount_blob(target, blob, one) is not None
            service.mount_status = 401
            with pytest.raises(Unauthorized, match="not allowed to mount blob"):
                await opened.mount_blob(target, blob, one)
    assert len(running.log) < 8


# Basic


async def test_basic_answers_a_challenge_alone() -> None:
    with serving(middlewares=[basic({"me": SECRET})]) as running:
        async with client(auths=logins(running.host)) as opened:
            for _ in range(2):
                assert await opened.head_manifest(repository(running.host), "x") is None
    assert ["Authorization" in request.headers for request in running.log] == [False, True, True]
    assert _statuses(running) == [401, 404, 404]


async def test_basic_is_not_sent_where_nobody_asked(embedded: Running) -> None:
    async with client(auths=logins(embedded.host)) as opened:
        await opened.head_manifest(repository(embedded.host), "x")
    assert "Authorization" not in embedded.log[0].headers


@pytest.mark.parametrize(("auths", "requests"), [({}, 1), (logins("other.test"), 1)])
async def test_basic_without_credentials_ends_at_once(auths: Any, requests: int) -> None:
    with serving(middlewares=[basic({"me": SECRET})]) as running:
        async with client(auths=auths) as opened:
            with pytest.raises(Unauthorized) as caught:
                await opened.get_manifest(repository(running.host), "x")
    assert caught.value.hint.startswith("no credentials for")
    assert len(running.log) == requests


async def test_a_wrong_password_is_sent_once() -> None:
    with serving(middlewares=[basic({"me": "other"})]) as running:
        async with client(auths=logins(running.host)) as opened:
            with pytest.raises(Unauthorized) as caught:
                await opened.get_manifest(repository(running.host), "x")
    assert "the account 'me' from config.json lacks this right, or its password is wrong" in caught.value.hint
    assert len(running.log) == 2


async def test_bearer_comes_before_basic() -> None:
    with guarded() as (running, service):
        both = f'Basic realm="r", {service.challenge()}'
        running.faults.add(actions.Answer(401, headers={"WWW-Authenticate": both}), times=1)
        async with client(auths=logins(running.host)) as opened:
            await opened.get_manifest(repository(running.host), "latest")
    assert running.log[1].headers["Authorization"].startswith("Bearer ")


@pytest.mark.parametrize(
    ("challenge", "hint", "requests"),
    [
        ("Negotiate, Digest nonce=n", "the registry asks for digest, negotiate; only basic and bearer are known", 1),
        ("", "no credentials for", 2),
        ("Bearer", "the registry does not say where tokens are to be had: WWW-Authenticate: Bearer", 1),
        ('Bearer realm="", service="x"', "the registry does not say where tokens are to be had: WWW-Auth", 1),
    ],
)
async def test_challenges_that_lead_nowhere(embedded: Running, challenge: str, hint: str, requests: int) -> None:
    embedded.faults.add(actions.Answer(401, headers={"WWW-Authenticate": challenge}))
    async with client() as opened:
        with pytest.raises(Unauthorized, match="not allowed to pull") as caught:
            await opened.get_manifest(repository(embedded.host), "x")
    assert caught.value.hint.startswith(hint)
    assert len(embedded.log) == requests


# Whose credentials go where


async def test_given_credentials_go_to_their_registry_alone() -> None:
    with guarded() as (target, tokens), guarded() as (source, others):
        access = Access.to(repository(target.host), "pull") | Access.to(repository(source.host), "pull")
        async with client(explicit=_ME, explicit_for=target.host, access=access) as opened:
            await opened.get_manifest(repository(target.host), "latest")
            await opened.get_manifest(repository(source.host), "latest")
    assert [asked.account for asked in tokens.asked] == ["me"]
    assert [asked.account for asked in others.asked] == [""]
    assert all("Basic" not in request.headers.get("Authorization", "") for request in others.log)


async def test_a_registry_that_names_another_s_realm_gets_none_of_its_tokens() -> None:
    with guarded(anonymous={}) as (home, service), serving(middlewares=[service.middleware()]) as stranger:
        stranger.put_manifest("team/app", INDEX, types.OCI_INDEX, "latest")
        service.add("me", SECRET, {"*": "pull"})
        auths = {**logins(home.host), **logins(stranger.host, password="another")}
        async with client(auths=auths) as opened:
            await opened.get_manifest(repository(home.host), "latest")
            with pytest.raises(Unauthorized, match="refused the account 'me'"):
                await opened.get_manifest(repository(stranger.host), "latest")
    assert all("Authorization" not in request.headers for request in stranger.log)


async def test_credentials_do_not_follow_a_redirect_of_the_token_endpoint() -> None:
    with guarded() as (running, service), token_service(anonymous={"*": "pull"}) as other:
        service.faults.add(actions.Answer(307, headers={"Location": other.url}))
        async with client(auths=logins(running.host)) as opened:
            with pytest.raises(Unauthorized):
                await opened.get_manifest(repository(running.host), "latest")
    assert "Authorization" in service.log[0].headers
    assert all("Authorization" not in request.headers for request in other.log)


# Identity tokens


async def test_an_identity_token_is_posted() -> None:
    with guarded(anonymous={}) as (running, service):
        identity = service.identity("me")
        async with client(auths={running.host: {"identitytoken": identity}}) as opened:
            await opened.get_manifest(repository(running.host), "latest")
    assert service.asked == [Asked("POST", "me", "registry.test", ("repository:team/app:pull",))]
    assert service.log[0].query == ""
    assert "Authorization" not in service.log[0].headers


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405])
async def test_a_refused_identity_token_falls_to_the_password(status: int) -> None:
    with guarded(anonymous={}) as (running, service):
        service.faults.add(actions.Answer(status), method="POST")
        async with client(auths=logins(running.host, identitytoken="old")) as opened:
            await opened.get_manifest(repository(running.host), "latest")
    assert [asked.method for asked in service.asked] == ["GET"]


async def test_a_refused_identity_token_without_a_password() -> None:
    with guarded(anonymous={}) as (running, service):
        async with client(auths={running.host: {"identitytoken": SECRET}}) as opened:
            with pytest.raises(Unauthorized, match=r"refused the identity token: POST .*: 400") as caught:
                await opened.get_manifest(repository(running.host), "latest")
    assert SECRET not in str(caught.value)
    assert len(service.asked) == 1


async def test_a_registry_token_is_used_as_it_is() -> None:
    with guarded(anonymous={"*": "pull"}) as (running, service):
        async with client() as opened:
            await opened.get_manifest(repository(running.host), "latest")
        async with client(auths={running.host: {"registrytoken": service.issued[0]}}) as opened:
            await opened.get_manifest(repository(running.host), "latest")
            service.revoke()
            with pytest.raises(Unauthorized):
                await opened.get_manifest(repository(running.host), "latest")
    assert len(service.asked) == 1


# What token endpoints answer


@pytest.mark.parametrize("field", ["token", "access_token"])
async def test_either_field_has_the_token(field: str) -> None:
    with guarded(field_name=field) as (running, _):
        async with client() as opened:
            await opened.get_manifest(repository(running.host), "latest")


def _read(document: Any) -> Token:
    return auth._read(Answer("GET", URL("https://t.test/?x=hunter2"), 200, body=json.dumps(document).encode()), 0.0)


@pytest.mark.parametrize(
    ("expires_in", "renew_at"),
    [
        (OMIT, 54),
        (None, 54),
        (0, 54),
        (-5, 54),
        ("", 54),
        ("soon", 54),
        ([], 54),
        ({"a": 1}, 54),
        (1e400, 54),
        (10**400, 54),
        ("nan", 54),
        (300, 270),
        ("300", 270),
        (300.5, 270.45),
        (30, 25),
        (4, 2),
    ],
)
def test_how_long_a_token_lasts(expires_in: Any, renew_at: float) -> None:
    document = {"token": "t"} if expires_in is OMIT else {"token": "t", "expires_in": expires_in}
    assert _read({**document, "issued_at": "yesterday"}).renew_at == pytest.approx(renew_at)


@pytest.mark.parametrize("expires_in", [OMIT, 0, "300", 300.5, "garbage"])
async def test_tokens_are_used_whatever_is_said_of_their_end(expires_in: Any) -> None:
    with guarded(expires_in=expires_in) as (running, service):
        async with client() as opened:
            for _ in range(3):
                await opened.get_manifest(repository(running.host), "latest")
    assert len(service.asked) == 1


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), lambda inner:
       st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["token", "expires_in"]), inner)))  # fmt: skip
def test_no_document_is_too_odd(document: Any) -> None:
    try:
        token = _read(document)
    except InvalidContent:
        return
    assert token.value.isascii()
    assert token.renew_at > 0


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html><title>Sign in</title>", "the token endpoint did not answer with JSON"),
        (b"[" * 60_000, "the token endpoint did not answer with JSON"),
        (b"[]", "the token endpoint did not answer with JSON"),
        (b"{}", "the token endpoint answered without a token"),
        (b'{"token": ""}', "the token endpoint answered without a token"),
        (b'{"token": 7}', "the token endpoint answered without a token"),
        (b'{"token": "hunter2\\r\\nX: y"}', "the token endpoint answered without a token"),
        (b'{"token": "' + b"x" * 200_000 + b'"}', "the answer is larger than 131072 bytes"),
    ],
)
async def test_answers_that_hold_no_token(body: bytes, message: str) -> None:
    with guarded() as (running, service):
        service.faults.add(actions.Answer(200, body))
        async with client() as opened:
            with pytest.raises(InvalidContent, match=message) as caught:
                await opened.get_manifest(repository(running.host), "latest")
    assert f"GET {service.url}" in str(caught.value)
    assert SECRET not in str(caught.value)
    assert len(service.log) == 1


async def test_a_token_endpoint_may_fail_for_a_while() -> None:
    clock = Clock()
    with guarded() as (running, service):
        service.faults.add(actions.Answer(500), times=1)
        service.faults.add(actions.Answer(429, headers={"Retry-After": "3"}), after=1, times=1)
        # aiohttp itself asks once more where a connection ends without an answer.
        service.faults.add(actions.Reset(), after=2, times=2)
        async with client(clock=clock) as opened:
            await opened.get_manifest(repository(running.host), "latest")
    assert clock.pauses == [0.5, 3.0, 2.0]


async def test_a_token_endpoint_that_is_down_is_named_and_asked_again_later() -> None:
    with guarded() as (running, service):
        service.faults.add(actions.Answer(503, b"down"), times=5)
        async with client() as opened:
            with pytest.raises(
                RegistryError, match=f"the token endpoint of {running.host} failed: GET .*: 503 Service Unavailable$"
            ):
                await opened.get_manifest(repository(running.host), "latest")
            await opened.get_manifest(repository(running.host), "latest")
    assert [request.status for request in service.log] == [503] * 5 + [200]


# Realms


@pytest.mark.parametrize("realm", ["/token", "/token?account=x&x=a%2Fb", "//{host}/token"])
async def test_a_realm_may_be_relative_and_have_a_query(realm: str) -> None:
    with guarded() as (running, service):
        service.realm = realm.format(host=service.host)
        if realm.startswith("//"):
            async with client() as opened:
                await opened.get_manifest(repository(running.host), "latest")
            return
        running.faults.add(actions.Answer(200, b'{"token": "t"}'), path="^/token")
        async with client() as opened:
            with pytest.raises(Unauthorized):
                await opened.get_manifest(repository(running.host), "latest")
    (asked, *_) = running.log.where(lambda request: request.path == "/token")
    own = realm.partition("?")[2]
    assert asked.query.startswith(f"{own}&service=registry.test&scope=" if own else "service=registry.test&scope=")


@pytest.mark.usefixtures("trusted", "names")
@pytest.mark.parametrize(
    ("realm", "message"),
    [
        ("http://tokens.test/", "names a token endpoint that leaves https, and nothing is sent there"),
        ("ftp://tokens.test/", "names a token endpoint that is no http or https URL, and nothing is sent there"),
        ("http://[", "names a token endpoint that is no http or https URL, and nothing is sent there"),
        ("https://127.0.0.1/", "names a token endpoint that leads to a local address, and nothing is sent there"),
        ("https://127.1/", "names a token endpoint that leads to a local address"),
        ("https://localhost:8443/", "names a token endpoint that leads to a local address"),
        ("https://[::1]/", "names a token endpoint that leads to a local address"),
        ("https://[::ffff:127.0.0.1]/", "names a token endpoint that leads to a local address"),
        ("https://0.0.0.0/", "names a token endpoint that leads to a local address"),
        ("https://169.254.169.254/latest", "names a token endpoint that leads to a local address"),
    ],
)
async def test_realms_that_are_refused(tls: ssl.SSLContext, realm: str, message: str) -> None:
    with tls_registry(tls, "registry.test") as running:
        running.faults.add(actions.Answer(401, headers={"WWW-Authenticate": f'Bearer realm="{realm}"'}))
        async with client(auths=logins(running.host)) as opened:
            with pytest.raises(Unauthorized, match=message):
                await opened.get_manifest(repository(running.host), "latest")
    assert len(running.log) == 1


@pytest.mark.usefixtures("trusted", "names")
async def test_a_realm_on_another_name_is_fine(tls: ssl.SSLContext) -> None:
    with (
        token_service(tls=tls, name="tokens.test", anonymous={"*": "pull"}) as service,
        tls_registry(tls, "registry.test", [service.middleware()]) as running,
    ):
        running.put_manifest("team/app", INDEX, types.OCI_INDEX, "latest")
        async with client() as opened:
            await opened.get_manifest(repository(running.host), "latest")
    assert service.realm == ""
    assert len(service.asked) == 1


async def test_a_user_name_in_a_realm_is_not_sent() -> None:
    with guarded() as (running, service):
        service.realm = f"http://admin:hunter2@{service.host}/token"
        async with client() as opened:
            await opened.get_manifest(repository(running.host), "latest")
    assert "Authorization" not in service.log[0].headers


# Secrets


async def test_no_secret_is_told() -> None:
    watched = Watched()
    with guarded() as (running, service):
        service.faults.add(actions.Answer(503, b"down"), times=1)
        async with client(auths=logins(running.host), observe=watched) as opened:
            await opened.get_manifest(repository(running.host), "latest")
            texts = [*map(repr, watched.events), repr(opened.sender.authenticator), repr(opened)]
            service.revoke()
            running.faults.add(actions.Answer(401, headers={"WWW-Authenticate": service.challenge()}))
            with pytest.raises(ManifestToolError) as caught:
                await opened.get_manifest(repository(running.host), "latest")
            texts += [str(caught.value), repr(caught.value), caught.value.hint]
    encoded = base64.b64encode(f"me:{SECRET}".encode()).decode()
    for secret in (SECRET, encoded, *service.issued):
        assert not [text for text in texts if secret in text]


async def test_a_flight_that_was_broken_off_is_begun_anew() -> None:
    with guarded() as (running, service):
        service.faults.add(actions.Delay(0.2), times=1)
        async with client() as opened:
            wanted = opened.get_manifest(repository(running.host), "latest")
            asking = asyncio.ensure_future(wanted)
            while not opened.sender.authenticator._tokens:  # noqa: ASYNC110  # nothing tells when a flight begins
                await asyncio.sleep(0.001)
            for flight in opened.sender.authenticator._tokens.values():
                flight.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            await opened.get_manifest(repository(running.host), "latest")


def test_values_that_hold_secrets_do_not_show_them() -> None:
    assert "hunter2" not in repr(Request("POST", URL("http://t.test/"), {"Authorization": "hunter2"}, b"hunter2"))
    assert "hunter2" not in repr(Token("hunter2", 1.0))
    assert "hunter2" not in repr(Attempt("Bearer hunter2"))


# Access


_NAMES = st.sampled_from(["a", "b", "c/d"])
_ACCESS = st.builds(
    lambda names, actions: Access.to(Repository(Registry("r.test"), names), *actions),
    _NAMES,
    st.sets(st.sampled_from(["pull", "push"]), min_size=1),
)


@given(st.lists(_ACCESS, min_size=1, max_size=4))
def test_access_is_merged(parts: list[Access]) -> None:
    merged = auth.NO_ACCESS
    for part in parts:
        merged |= part
    reverse = auth.NO_ACCESS
    for part in reversed(parts):
        reverse |= part
    assert merged.scopes == reverse.scopes
    pushing = ["push" in scope for scope in merged.scopes]
    assert pushing == sorted(pushing, reverse=True)


@pytest.mark.parametrize("status", [400, 401, 403, 500])
@pytest.mark.parametrize(
    "body",
    [
        b'{"errors":[{"code":"UNAUTHORIZED","message":"bad auth Basic bWU6aHVudGVyMg== me:hunter2"}]}',
        b'{"token":"abcdefghijklmnopqrstuvwxyz0123456789"}',
        b"hunter2",
        b'{"errors":[{"code":"X","message":"m","detail":{"token":"abcdefghijklmnopqrstuvwxyz0123456789"}}]}',
    ],
)
async def test_what_a_token_endpoint_repeats_of_us_is_not_told(status: int, body: bytes) -> None:
    watched = Watched()
    with guarded() as (running, service):
        service.faults.add(actions.Answer(status, body))
        async with client(auths=logins(running.host), observe=watched, attempts=2) as opened:
            with pytest.raises(RegistryError) as caught:
                await opened.get_manifest(repository(running.host), "latest")
    told = f"{caught.value} {caught.value.hint} {watched.events}"
    assert str(status) in told
    for secret in (SECRET, "bWU6aHVudGVyMg", "abcdefghijklmnop"):
        assert secret not in told
