"""Where tokens are given."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from manifest_tool.server.auth import Auth
from manifest_tool.server.limits import Limits
from manifest_tool.server.serve import Running, serving
from tests.server import test_hostile as raw
from tests.server.test_guard import SECRET, Answer, basic

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PASSWORD = {"grant_type": "password", "username": "me", "password": SECRET}


@pytest.fixture
def running() -> Iterator[Running]:
    with serving(accounts={"me": SECRET}, auth=Auth.TOKEN) as running:
        yield running


def get(running: Running, authorization: str = "", **query: object) -> Answer:
    headers = {"Authorization": authorization} if authorization else {}
    return Answer(running.host, "GET", f"/token?{urlencode(query, doseq=True)}", b"", **headers)


def post(running: Running, **form: object) -> Answer:
    return Answer(running.host, "POST", "/token", urlencode(form, doseq=True).encode(), **FORM)


def opens(running: Running, token: str, path: str = "/v2/") -> bool:
    return Answer(running.host, "GET", path, Authorization=f"Bearer {token}").status != 401


def test_what_a_token_comes_with(running: Running) -> None:
    answer = get(running, basic(), service="manifest-tool-registry", scope="repository:a:pull", account="me")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    told = answer.json
    assert told["token"] == told["access_token"]
    assert (told["token_type"], told["expires_in"], told["scope"]) == ("Bearer", 300, "repository:a:pull")
    age = datetime.now(UTC) - datetime.fromisoformat(told["issued_at"])
    assert 0 <= age.total_seconds() < 60
    assert "refresh_token" not in told
    assert opens(running, told["token"], "/v2/a/manifests/1")


@pytest.mark.parametrize("scope", ["repository:a:pull repository:b:push", ["repository:a:pull", "repository:b:push"]])
def test_scopes_are_repeated_or_stand_side_by_side(running: Running, scope: object) -> None:
    expected = "repository:a:pull repository:b:push"
    assert get(running, basic(), scope=scope).json["scope"] == expected
    assert post(running, **PASSWORD, scope=scope).json["scope"] == expected


def test_a_token_without_a_scope_opens_the_root_and_no_more(running: Running) -> None:
    token = get(running, basic()).json["token"]
    assert opens(running, token)
    assert not opens(running, token, "/v2/a/manifests/1")


@pytest.mark.parametrize("authorization", ["", basic("me", "wrong"), basic("nobody"), "Bearer x", "Basic x"])
def test_strangers_get_none(running: Running, authorization: str) -> None:
    answer = get(running, authorization, scope="repository:a:pull")
    assert (answer.status, answer.told[1]) == (401, "UNAUTHORIZED")
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="manifest-tool registry"'


def test_strangers_get_one_to_pull_with_where_that_is_allowed() -> None:
    with serving(accounts={"me": SECRET}, auth=Auth.TOKEN, anonymous_pull=True) as running:
        told = get(running, scope="repository:a:pull,push,delete registry:catalog:*", offline_token="true").json
        assert told["scope"] == "repository:a:pull"
        assert "refresh_token" not in told
        assert opens(running, told["token"], "/v2/a/manifests/1")
        assert get(running, basic("me", "wrong")).status == 401
        assert get(running, basic(), scope="repository:a:push").json["scope"] == "repository:a:push"


def test_by_post(running: Running) -> None:
    told = post(running, **PASSWORD, service="manifest-tool-registry", client_id="x", scope="repository:a:pull").json
    assert told["scope"] == "repository:a:pull"
    assert opens(running, told["access_token"], "/v2/a/manifests/1")


def test_a_refresh_token_stands_for_the_password(running: Running) -> None:
    for told in (
        get(running, basic(), offline_token="true").json,
        get(running, basic(), access_type="offline").json,
        post(running, **PASSWORD, access_type="offline").json,
    ):
        refresh = told["refresh_token"]
        assert not opens(running, refresh)
        again = post(running, grant_type="refresh_token", refresh_token=refresh, scope="repository:a:push").json
        assert (again["scope"], "refresh_token" in again) == ("repository:a:push", False)
        assert opens(running, again["access_token"])


def test_a_refresh_token_ends_with_its_registry() -> None:
    with serving(accounts={"me": SECRET}, auth=Auth.TOKEN) as running:
        refresh = get(running, basic(), offline_token="true").json["refresh_token"]
    with serving(accounts={"me": SECRET}, auth=Auth.TOKEN) as running:
        answer = post(running, grant_type="refresh_token", refresh_token=refresh)
    assert answer.told == (400, "UNAUTHORIZED", "the refresh token has ended: log in again")
    assert answer.json["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("form", "error", "code"),
    [
        ({}, "unsupported_grant_type", "UNSUPPORTED"),
        ({"grant_type": "authorization_code"}, "unsupported_grant_type", "UNSUPPORTED"),
        (PASSWORD | {"password": "wrong"}, "invalid_grant", "UNAUTHORIZED"),
        (PASSWORD | {"username": ""}, "invalid_grant", "UNAUTHORIZED"),
        ({"grant_type": "password"}, "invalid_grant", "UNAUTHORIZED"),
        ({"grant_type": "refresh_token"}, "invalid_grant", "UNAUTHORIZED"),
        ({"grant_type": "refresh_token", "refresh_token": "a.b.c"}, "invalid_grant", "UNAUTHORIZED"),
        (PASSWORD | {"service": "another"}, "invalid_request", "DENIED"),
        (PASSWORD | {"x": ["1"] * 200}, "invalid_request", "UNSUPPORTED"),
    ],
)
def test_forms_that_are_refused(running: Running, form: dict[str, object], error: str, code: str) -> None:
    answer = post(running, **form)
    assert (*answer.told[:2], answer.json["error"]) == (400, code, error)
    assert answer.json["error_description"] == answer.told[2]
    assert SECRET not in answer.body.decode()


@pytest.mark.parametrize("body", [b"\xff", b"%ff=%ff", b"nonsense", b"&&&"])
def test_what_is_no_form(running: Running, body: bytes) -> None:
    answer = Answer(running.host, "POST", "/token", body, **FORM)
    assert (answer.status, answer.json["error"]) in {(400, "invalid_request"), (400, "unsupported_grant_type")}


def test_a_form_has_its_limit(running: Running) -> None:
    assert Answer(running.host, "POST", "/token", b"a=" + b"x" * 70_000, **FORM).told[:2] == (413, "SIZE_INVALID")


def test_a_form_that_does_not_come_is_given_up() -> None:
    with serving(accounts={"me": SECRET}, auth=Auth.TOKEN, limits=Limits(idle=0.2)) as running:
        response = raw.exchange(running, raw.head("POST", "/token", "Content-Length: 100") + b"grant_type=")
        assert (response.status, raw.codes(response)) == (408, ["REQUEST_TIMEOUT"])


def test_a_form_is_asked_for_where_a_client_waits_for_that(running: Running) -> None:
    form = urlencode(PASSWORD).encode()
    with raw.connected(running) as connection:
        connection.sendall(raw.head("POST", "/token", f"Content-Length: {len(form)}", "Expect: 100-continue"))
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(form)
        assert raw.answer(connection).status == 200


def test_a_token_for_another_service_is_not_given(running: Running) -> None:
    assert get(running, basic(), service="registry.test").told[:2] == (400, "DENIED")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "OPTIONS"])
def test_other_methods(running: Running, method: str) -> None:
    answer = Answer(running.host, method, "/token")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, POST")


def test_so_many_scopes_that_a_token_would_be_too_long_for_a_header(running: Running) -> None:
    scopes = " ".join(f"repository:{'a' * 60}{number}:pull" for number in range(75))
    assert 5000 < len(scopes) < 8000
    for answer in (get(running, basic(), scope=scopes), post(running, **PASSWORD, scope=scopes)):
        assert answer.told == (400, "DENIED", "so many scopes make a token too long: ask for fewer at a time")
    fewer = " ".join(scopes.split()[:60])
    token = post(running, **PASSWORD, scope=fewer).json["token"]
    assert opens(running, token, f"/v2/{'a' * 60}59/manifests/1")


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("registry.test", "registry.test"),
        ("registry.test:443", "registry.test:443"),
        ("10.0.0.1:5000", "10.0.0.1:5000"),
        ("[::1]:5000", "[::1]:5000"),
        ("registry_1:5000", "registry_1:5000"),
        ("", None),
        ('a",scope="x', None),
        ("user@evil.test", None),
        ("evil.test/path", None),
        ("evil.test?x=", None),
        ("evil.test#", None),
        ("evil.test:port", None),
        ("evil.test:123456", None),
        ("a b", None),
        ("-evil.test", None),
        ("[evil]", None),
        ("a" * 300, None),
        ("ü.test", None),
    ],
)
def test_the_host_that_was_asked_is_where_tokens_are_had(running: Running, host: str, named: str | None) -> None:
    connection = http.client.HTTPConnection(running.host)
    connection.putrequest("GET", "/v2/", skip_host=True)
    connection.putheader("Host", host.encode())
    connection.endheaders()
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status == 400:
        assert named is None, "the server itself takes it for no host"
        return
    assert f'realm="http://{named or running.host}/token"' in answer.headers["WWW-Authenticate"]
    assert "evil" not in answer.headers["WWW-Authenticate"]


def test_without_a_host_it_is_the_address_that_heard_it() -> None:
    with serving(accounts={"me": SECRET}, auth=Auth.TOKEN, host="::1") as running:
        port = int(running.host.rpartition(":")[2])
        with socket.create_connection(("::1", port)) as connection:
            connection.sendall(b"GET /v2/ HTTP/1.0\r\n\r\n")
            answer = connection.makefile("rb").read()
    assert f'realm="http://{running.host}/token"'.encode() in answer
