"""What goes wrong in authentication, one test a row of the field's table; each row is provoked at a real server."""

from __future__ import annotations

import http.client as http_client
import json
import ssl
from collections.abc import Mapping
from typing import Any

import pytest

from manifest_tool.errors import InvalidContent, NotFound, RegistryError, Unauthorized
from manifest_tool.events import Noticed
from manifest_tool.oci import media_type as types
from manifest_tool.registry import helpers
from manifest_tool.registry.auth import Access
from manifest_tool.registry.client import Client
from manifest_tool.registry.credentials import Credential, DockerConfig, Keychain
from manifest_tool.server import actions
from manifest_tool.server.serve import Running, serving
from tests.registry.parts import Clock, Watched, client, credential_helper, http, raw, repository, tls_registry
from tests.registry.tokens import INDEX, OMIT, SECRET, Asked, basic, guarded, logins


async def _get(opened: Client, host: str, name: str = "team/app") -> None:
    await opened.get_manifest(repository(host, name), "latest")


async def _put(opened: Client, host: str) -> None:
    await opened.put_manifest(repository(host), "x", INDEX, types.OCI_INDEX)


def _challenged(running: Running, *lines: str, times: int | None = 1) -> None:
    """Answer the next request with these lines in place of the registry's own challenge."""

    async def refuse(request: Any, handler: Any) -> Any:
        response = await actions.Answer(401)(request, handler)
        for line in lines:
            response.headers.add("WWW-Authenticate", line)
        return response

    running.faults.add(refuse, times=times)


async def _pulled(*lines: str, auths: Mapping[str, str] | None = None) -> tuple[Asked, ...]:
    """Pull after a challenge whose ``{realm}`` is the real one; gives what the token endpoint was asked."""
    with guarded() as (running, service):
        _challenged(running, *(line.format(realm=service.url) for line in lines))
        async with client(auths=logins(running.host)) as opened:
            await _get(opened, running.host)
    return tuple(service.asked)


@pytest.mark.parametrize(
    "line",
    [
        'bEaReR REALM="{realm}",Service="s"',
        'Bearer realm="{realm}" , \tservice = "s"',
        "Bearer realm={realm},service=s",
        ', Bearer realm="{realm}",, service="s",',
    ],
)
async def test_d1_odd_ways_of_writing_a_challenge(line: str) -> None:
    assert [asked.service for asked in await _pulled(line)] == ["s"]


async def test_d2_commas_and_quotes_in_a_value() -> None:
    (asked,) = await _pulled(r'Bearer realm="{realm}",service="a, b=\"c\""')
    assert asked.service == 'a, b="c"'


async def test_d3_several_lines() -> None:
    (asked,) = await _pulled('Basic realm="r"', 'Bearer realm="{realm}",service="s"')
    assert asked.service == "s"


async def test_d3_basic_is_for_those_who_have_an_account() -> None:
    with guarded() as (running, service):
        _challenged(running, 'Basic realm="r"', service.challenge())
        async with client() as opened:
            await _get(opened, running.host)
    assert [asked.account for asked in service.asked] == [""]


async def test_d4_several_challenges_in_one_line() -> None:
    (asked,) = await _pulled('Basic realm="r", Digest nonce="n", Bearer realm="{realm}",service="s"')
    assert asked.service == "s"


async def test_d5_schemes_that_are_not_known() -> None:
    assert len(await _pulled("Negotiate", 'Digest realm="d"', 'Bearer realm="{realm}"')) == 1
    with serving() as running:
        _challenged(running, "Negotiate", 'Digest realm="d"', times=None)
        async with client(auths=logins(running.host)) as opened:
            with pytest.raises(Unauthorized) as caught:
                await _get(opened, running.host)
    assert caught.value.hint.startswith("the registry asks for digest, negotiate")


async def test_d6_no_service_is_not_sent() -> None:
    with guarded() as (running, service):
        _challenged(running, f'Bearer realm="{service.url}"')
        async with client() as opened:
            await _get(opened, running.host)
    assert "service" not in service.log[0].query


@pytest.mark.parametrize("line", ["Bearer", 'Bearer realm="",service="s"', 'Bearer service="s"'])
async def test_d6_no_realm_ends_at_once(line: str) -> None:
    with serving() as running:
        _challenged(running, line, times=None)
        async with client() as opened:
            with pytest.raises(Unauthorized, match="401 Unauthorized") as caught:
                await _get(opened, running.host)
    assert caught.value.hint == f"the registry does not say where tokens are to be had: WWW-Authenticate: {line}"
    assert len(running.log) == 1


async def test_d7_a_relative_realm() -> None:
    with serving() as running:
        _challenged(running, 'Bearer realm="/token",service="s"')
        running.faults.add(actions.Answer(200, b'{"token": "t"}'), path="^/token")
        running.put_manifest("team/app", INDEX, types.OCI_INDEX, "latest")
        async with client() as opened:
            await _get(opened, running.host)
    assert [request.path for request in running.log if request.path == "/token"] == ["/token"]


@pytest.mark.usefixtures("trusted", "names")
@pytest.mark.parametrize("realm", ["http://tokens.test/", "https://127.0.0.1/", "https://169.254.169.254/"])
async def test_d8_realms_that_get_no_credentials(tls: ssl.SSLContext, realm: str) -> None:
    with tls_registry(tls, "registry.test") as running:
        _challenged(running, f'Bearer realm="{realm}"', times=None)
        async with client(auths=logins(running.host)) as opened:
            with pytest.raises(Unauthorized, match="nothing is sent there"):
                await _get(opened, running.host)


async def test_d8_a_local_registry_may_have_a_local_token_server() -> None:
    assert [asked.account for asked in await _pulled('Bearer realm="{realm}"')] == ["me"]


async def test_d9_a_realm_with_a_query() -> None:
    with guarded() as (running, service):
        _challenged(running, f'Bearer realm="{service.url}?a=%2Fb&a=c",service="s"')
        async with client() as opened:
            await _get(opened, running.host)
    assert service.log[0].query.startswith("a=%2Fb&a=c&service=s&scope=")


@pytest.mark.parametrize("name", ["token", "access_token"])
@pytest.mark.parametrize("identity", [False, True])
async def test_d10_either_name_of_the_token(name: str, identity: bool) -> None:
    with guarded(field_name=name, anonymous={}) as (running, service):
        more = {"identitytoken": service.identity("me")} if identity else {}
        async with client(auths=logins(running.host, password="" if identity else SECRET, **more)) as opened:
            await _get(opened, running.host)
    assert [asked.method for asked in service.asked] == ["POST" if identity else "GET"]


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [(OMIT, 60.0), (0, 60.0), (300, 300.0), ("300", 300.0), (300.5, 300.0), ("soon", 60.0), (30, 30.0)],
)
async def test_d11_a_token_is_renewed_before_its_end(expires_in: object, seconds: float) -> None:
    clock = Clock()
    with guarded(expires_in=expires_in) as (running, service):
        async with client(clock=clock) as opened:
            for passed in (0.0, seconds * 0.8, seconds * 0.11):
                clock.now += passed
                await _get(opened, running.host)
    assert len(service.asked) == 2
    assert [request.status for request in running.log].count(401) == 1


@pytest.mark.parametrize("expires_in", ["300", 300.5, "soon", None, -1, [], "1e999"])
@pytest.mark.parametrize("issued_at", ["2020-01-01T00:00:00Z", "yesterday", 7, None])
async def test_d12_times_in_odd_forms(expires_in: object, issued_at: object) -> None:
    document = {"token": "t", "expires_in": expires_in, "issued_at": issued_at}
    with serving() as running:
        _challenged(running, 'Bearer realm="/token"')
        running.faults.add(actions.Answer(200, json.dumps(document).encode()), path="^/token")
        running.put_manifest("team/app", INDEX, types.OCI_INDEX, "latest")
        async with client() as opened:
            for _ in range(3):
                await _get(opened, running.host)
    assert sum(request.path == "/token" for request in running.log) == 1


@pytest.mark.parametrize("body", [b'{"token": ""}', b"{}", b'{"token": null}'])
async def test_d13_an_empty_token(body: bytes) -> None:
    with guarded() as (running, service):
        service.faults.add(actions.Answer(200, body))
        async with client() as opened:
            with pytest.raises(InvalidContent, match="without a token"):
                await _get(opened, running.host)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405])
async def test_d14_a_refresh_token_that_is_refused(status: int) -> None:
    with guarded(anonymous={}) as (running, service):
        service.faults.add(actions.Answer(status), method="POST")
        async with client(auths=logins(running.host, identitytoken="old")) as opened:
            await _get(opened, running.host)
    assert [request.method for request in service.log] == ["POST", "GET"]


async def test_d15_an_endpoint_that_takes_no_get() -> None:
    with guarded(anonymous={}) as (running, service):
        service.faults.add(actions.Answer(405), method="GET")
        async with client(auths=logins(running.host)) as opened:
            await _put(opened, running.host)
    assert [request.method for request in service.log] == ["GET", "POST"]
    assert service.asked == [Asked("POST", "me", "registry.test", ("repository:team/app:pull,push",))]


async def test_d15_without_credentials_there_is_no_other_way() -> None:
    with guarded() as (running, service):
        service.faults.add(actions.Answer(405), method="GET")
        async with client() as opened:
            with pytest.raises(RegistryError, match=r"the token endpoint of .* failed: GET .*: 405"):
                await _get(opened, running.host)
    assert len(service.log) == 1


async def test_d15_a_refused_password_is_not_sent_twice() -> None:
    with guarded() as (running, service):
        async with client(auths=logins(running.host, password="wrong")) as opened:
            with pytest.raises(Unauthorized):
                await _get(opened, running.host)
    assert [request.method for request in service.log] == ["GET"]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_d16_a_token_endpoint_that_is_busy(status: int) -> None:
    clock = Clock()
    with guarded() as (running, service):
        service.faults.add(actions.Answer(status, headers={"Retry-After": "7"}), times=2)
        async with client(clock=clock) as opened:
            await _get(opened, running.host)
    assert len(service.log) == 3
    assert sum(clock.pauses) >= 14


async def test_d16_a_token_endpoint_that_stays_busy_is_named() -> None:
    with guarded() as (running, service):
        service.faults.add(actions.Answer(503))
        async with client(attempts=3) as opened:
            with pytest.raises(RegistryError, match=r"^the token endpoint of .* failed: .*: 503") as caught:
                await _get(opened, running.host)
    assert not isinstance(caught.value, Unauthorized)
    assert len(service.log) == 3


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>Welcome</html>", "did not answer with JSON"),
        (b'{"token": "' + b"x" * 200_000 + b'"}', "larger than 131072 bytes"),
    ],
)
async def test_d17_a_page_or_far_too_much(body: bytes, message: str) -> None:
    with guarded() as (running, service):
        service.faults.add(actions.Answer(200, body))
        async with client() as opened:
            with pytest.raises(InvalidContent, match=message):
                await _get(opened, running.host)


async def test_d18_a_token_without_the_right() -> None:
    with guarded() as (running, service):
        service.add("reader", SECRET, {"*": "pull"})
        async with client(auths=logins(running.host, name="reader")) as opened:
            with pytest.raises(Unauthorized) as caught:
                await _put(opened, running.host)
    assert caught.value.hint == f"no push right on {running.host}/team/app for the account 'reader' from config.json"
    assert len(service.asked) == 2


async def test_d18_the_right_on_the_source_of_a_mount() -> None:
    with guarded(anonymous={}, mount_status=401) as (running, service):
        service.add("writer", SECRET, {"team/target": "pull,push"})
        blob = running.put_blob("team/one", b"layer")
        async with client(auths=logins(running.host, name="writer")) as opened:
            target, one = repository(running.host, "team/target"), repository(running.host, "team/one")
            with pytest.raises(Unauthorized) as caught:
                await opened.mount_blob(target, blob, one)
    assert caught.value.hint.startswith(f"no pull right on {running.host}/team/one for the account 'writer'")


async def test_d19_a_registry_that_accepts_no_token() -> None:
    with guarded() as (running, service):
        _challenged(running, service.challenge(error="invalid_token"), times=None)
        async with client(auths=logins(running.host)) as opened:
            with pytest.raises(Unauthorized) as caught:
                await _get(opened, running.host)
    assert caught.value.hint.startswith("the registry does not accept the token that its own token endpoint gave")
    assert (len(running.log), len(service.asked)) == (3, 2)


async def test_d20_a_token_that_ends_in_the_middle() -> None:
    with guarded() as (running, service):
        async with client(auths=logins(running.host)) as opened:
            await _get(opened, running.host)
            service.revoke()
            await _put(opened, running.host)
            service.revoke()
            await _put(opened, running.host)
    assert running.tags("team/app").keys() == {"latest", "x"}


async def test_d21_what_the_challenge_demands_goes_first() -> None:
    with guarded() as (running, service):
        demanded = "repository:mapped/team/app:pull"
        _challenged(running, service.challenge([demanded]))
        async with client() as opened:
            await _get(opened, running.host)
            await _get(opened, running.host)
    assert [asked.scopes for asked in service.asked] == [(demanded, "repository:team/app:pull")]


async def test_d21_what_is_asked_for_anyway_stays_in_its_order() -> None:
    with guarded() as (running, service):
        names = ("team/app", "team/one", "team/two")
        access = Access.to(repository(running.host), "pull", "push")
        for name in names:
            access |= Access.to(repository(running.host, name), "pull")
        async with client(auths=logins(running.host), access=access) as opened:
            for name in names:
                await _get(opened, running.host, name)
    assert [asked.scopes for asked in service.asked] == [
        ("repository:team/app:pull,push", "repository:team/one:pull", "repository:team/two:pull")
    ]


async def test_d22_a_refusal_without_a_challenge() -> None:
    with guarded(anonymous={}) as (running, service):
        running.faults.add(actions.Answer(401), path="/manifests/", times=2)
        async with client(auths=logins(running.host)) as opened:
            for _ in range(3):
                await _get(opened, running.host)
    assert sum(request.path == "/v2/" for request in running.log) == 1
    assert {asked.account for asked in service.asked} == {"me"}


async def test_d22_nothing_to_be_had_at_the_root_either() -> None:
    with serving() as running:
        running.faults.add(actions.Answer(401))
        async with client(auths=logins(running.host)) as opened:
            for _ in range(2):
                with pytest.raises(Unauthorized, match="not allowed to pull"):
                    await _get(opened, running.host)
    assert [request.path for request in running.log].count("/v2/") == 1


async def test_d22_a_root_that_sends_us_elsewhere_is_not_believed() -> None:
    with guarded() as (other, service), serving() as running:
        running.faults.add(actions.Answer(401), path="/manifests/")
        running.faults.add(actions.Answer(307, headers={"Location": f"http://{other.host}/v2/"}), path="/v2/$")
        async with client(auths=logins(running.host)) as opened:
            with pytest.raises(Unauthorized):
                await _get(opened, running.host)
    assert not service.asked


async def test_d22_a_private_repository_that_hides() -> None:
    with guarded() as (running, _):
        running.faults.add(actions.Answer(404), path="/hidden/", after=1)
        async with client() as opened:
            with pytest.raises(NotFound) as caught:
                await _get(opened, running.host, "hidden/app")
    assert caught.value.hint.startswith("it may need credentials: no credentials for ")


async def test_d22_a_403_names_the_account() -> None:
    with serving() as running:
        running.faults.add(actions.Answer(403))
        async with client() as opened:
            with pytest.raises(Unauthorized) as caught:
                await _get(opened, running.host)
    assert caught.value.hint.startswith("no credentials for ")


async def test_d23_an_identity_token_and_a_helper_s(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = """printf '%s' '{"Username":"<token>","Secret":"s"}'"""
    credential_helper(tmp_path, monkeypatch, answer)
    config = DockerConfig(auths={"r.test": {"identitytoken": "i"}}, helpers={"h.test": "fake"})
    keychain = Keychain(config)
    assert await keychain.find(repository("r.test")) == Credential(identity_token="i")
    found = await keychain.find(repository("h.test"))
    assert found is not None
    assert found.identity_token == "s"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 'credentials not found in native keychain'; exit 1", ""),
        ("echo 'the vault is sealed'; exit 1", "failed: the vault is sealed"),
        ("exec sleep 60", "did not answer in 0.2 s"),
    ],
)
async def test_d23_a_helper_without_an_answer(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, script: str, message: str
) -> None:
    credential_helper(tmp_path, monkeypatch, script)
    monkeypatch.setattr(helpers, "_SECONDS", 0.2)
    watched = Watched()
    assert await Keychain(DockerConfig(store="fake"), observe=watched).find(repository("r.test")) is None
    assert message in " ".join(event.message for event in watched.of(Noticed))
    assert bool(message) == bool(watched.events)


async def test_d24_a_refresh_token_is_used_from_then_on() -> None:
    clock = Clock()
    with guarded(anonymous={}, gives_refresh=True) as (running, service):
        async with client(auths=logins(running.host), clock=clock) as opened:
            for _ in range(3):
                await _get(opened, running.host)
                clock.now += 1_000
    assert [(asked.method, asked.account) for asked in service.asked] == [("GET", "me"), ("POST", "me"), ("POST", "me")]


async def test_d24_a_refresh_token_that_is_refused_later() -> None:
    clock = Clock()
    with guarded(anonymous={}, gives_refresh=True) as (running, service):
        async with client(auths=logins(running.host), clock=clock) as opened:
            await _get(opened, running.host)
            service.takes_refresh = service.gives_refresh = False
            for _ in range(2):
                clock.now += 1_000
                await _get(opened, running.host)
    assert [asked.method for asked in service.asked] == ["GET", "POST", "GET", "GET"]


async def test_d25_no_secret_in_what_is_told() -> None:
    watched = Watched()
    with guarded() as (running, service):
        refusal = json.dumps({"errors": [{"code": "DENIED", "message": f"{SECRET} of me:{SECRET}"}]})
        service.faults.add(actions.Answer(403, refusal.encode()), times=2)
        service.realm = f"http://me:{SECRET}@{service.host}/token?key={SECRET}"
        async with client(auths=logins(running.host), observe=watched) as opened:
            with pytest.raises(Unauthorized) as caught:
                await _get(opened, running.host)
    assert SECRET not in f"{caught.value} {caught.value.hint} {watched.events}"


async def test_d26_a_form_goes_out_in_one_piece() -> None:
    token = http(200, b'{"token": "t"}')
    with raw([token]) as endpoint:
        challenge = f'WWW-Authenticate: Bearer realm="http://{endpoint.host}/token"'
        with raw([http(401, b"", challenge), http(404)]) as server:
            async with client(auths={server.host: {"identitytoken": "i"}}) as opened:
                await opened.head_manifest(repository(server.host), "x")
    assert endpoint.heads[0].startswith("POST /token HTTP/1.1\r\n")
    assert "content-length: " in endpoint.heads[0].lower()
    assert "transfer-encoding" not in endpoint.heads[0].lower()


def test_d26_a_form_that_comes_in_pieces_is_read() -> None:
    # http.client sends what has no length in chunks, as skopeo does.
    with guarded() as (_, service):
        form = f"grant_type=password&username=me&password={SECRET}&scope=repository:team/app:pull&service=registry.test"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection = http_client.HTTPConnection(service.host, timeout=30)
        connection.request("POST", "/token", iter([form[:9].encode(), form[9:].encode()]), headers)
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["token"]) == (200, service.issued[-1])
        connection.close()
    assert service.log[0].headers["Transfer-Encoding"] == "chunked"


async def test_d27_nothing_is_sent_unasked() -> None:
    with serving(middlewares=[basic({"me": SECRET})]) as first, serving(middlewares=[basic({"me": SECRET})]) as other:
        async with client(auths=logins(first.host, other.host)) as opened:
            for running in (first, other):
                for _ in range(2):
                    await opened.head_manifest(repository(running.host), "x")
    for running in (first, other):
        assert ["Authorization" in request.headers for request in running.log] == [False, True, True]
