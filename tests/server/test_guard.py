"""Registries that not everybody may do everything with, asked over HTTP."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from manifest_tool.errors import UsageError
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.media_type import OCI_INDEX
from manifest_tool.registry import challenge
from manifest_tool.server.auth import Auth
from manifest_tool.server.serve import Running, serving
from tests import harness

SECRET = "hunter2"
INDEX = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}).encode()


def basic(name: str = "me", password: str = SECRET) -> str:
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"


class Answer:
    """What a registry answers to one request."""

    def __init__(self, host: str, method: str, target: str, body: bytes = b"", **headers: str) -> None:
        self.status, self.headers, self.body = harness.request(host, method, target, body, headers)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def told(self) -> tuple[int, str, str]:
        """The status, and the code and the message of a refusal."""
        (error,) = self.json["errors"]
        return self.status, error["code"], error["message"]

    @property
    def challenge(self) -> dict[str, str]:
        (found,) = challenge.parse([self.headers["WWW-Authenticate"]])
        return {"scheme": found.scheme, **found.parameters}


def token(running: Running, *scopes: str, authorization: str = "") -> str:
    query = "&".join(f"scope={scope}" for scope in scopes)
    answer = Answer(running.host, "GET", f"/token?{query}", Authorization=authorization or basic())
    assert answer.status == 200, answer.body
    return f"Bearer {answer.json['token']}"


@pytest.fixture
def by_password() -> Iterator[Running]:
    with serving(accounts={"me": SECRET, "you": "hunter3"}) as running:
        yield running


@pytest.fixture
def by_token() -> Iterator[Running]:
    with serving(accounts={"me": SECRET, "you": "hunter3"}, auth=Auth.TOKEN) as running:
        yield running


PATHS = [
    "/v2/",
    "/v2",
    "/v2/_catalog",
    "/v2/a/tags/list",
    "/v2/a/manifests/1",
    "/v2/A/manifests/1",
    "/v2/x",
    "/",
    "/tokens",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"])
def test_nothing_is_told_to_strangers(by_password: Running, method: str, path: str) -> None:
    answer = Answer(by_password.host, method, path)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="manifest-tool registry"'
    if method != "HEAD":
        assert answer.told == (401, "UNAUTHORIZED", "authentication required")


def test_a_name_and_a_password_open_it(by_password: Running) -> None:
    assert Answer(by_password.host, "GET", "/v2/", Authorization=basic()).json == {}
    assert (
        Answer(by_password.host, "GET", "/v2/", authorization=basic("you", "hunter3").replace("Basic", "bASIC")).json
        == {}
    )
    put = Answer(
        by_password.host, "PUT", "/v2/a/manifests/1", INDEX, Authorization=basic(), **{"Content-Type": OCI_INDEX}
    )
    assert put.status == 201
    assert Answer(by_password.host, "DELETE", "/v2/a/manifests/1", Authorization=basic()).status == 202


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (basic("me", "wrong"), "the user name or the password is wrong"),
        (basic("me", "hunter3"), "the user name or the password is wrong"),
        (basic("nobody"), "the user name or the password is wrong"),
        (basic("me", ""), "the user name or the password is wrong"),
        (basic("ME"), "the user name or the password is wrong"),
        (basic("", "x"), "this is no authorization by name and password"),
        ("Basic", "this is no authorization by name and password"),
        ("Basic !!", "this is no authorization by name and password"),
        ("Basic /w==", "this is no authorization by name and password"),
        (f"Basic {base64.b64encode(b'me').decode()}", "the user name or the password is wrong"),
        ("Bearer x", "this is no authorization by name and password"),
        ("Digest username=me", "this is no authorization by name and password"),
        ("", "this is no authorization by name and password"),
        (basic("me", "x" * 5000), "the user name or the password is wrong"),
    ],
)
def test_what_does_not_open_it(by_password: Running, header: str, message: str) -> None:
    answer = Answer(by_password.host, "GET", "/v2/", Authorization=header)
    assert answer.told == (401, "UNAUTHORIZED", message)
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="manifest-tool registry"'


def test_a_header_without_end_is_refused(by_password: Running) -> None:
    assert Answer(by_password.host, "GET", "/v2/", Authorization=basic("me", "x" * 100_000)).status == 400


def test_many_at_once_and_the_right_ones_get_through(by_password: Running) -> None:
    headers = [basic("me", f"wrong{number}") if number % 2 else basic() for number in range(50)]
    with ThreadPoolExecutor(50) as threads:
        statuses = list(
            threads.map(lambda header: Answer(by_password.host, "GET", "/v2/", Authorization=header).status, headers)
        )
    assert statuses == [200, 401] * 25


def test_nobody_s_name_and_password_are_none(by_password: Running) -> None:
    answer = Answer(by_password.host, "GET", "/v2/", Authorization=basic("", ""))
    assert answer.told == (401, "UNAUTHORIZED", "authentication required")


def test_everybody_pulls_with_tokens_alone() -> None:
    with (
        pytest.raises(UsageError, match="--anonymous-pull needs --auth token"),
        serving(accounts={"me": SECRET}, anonymous_pull=True),
    ):
        pass


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v2/", None),
        ("GET", "/v2/x", None),
        ("GET", "/v2/_catalog", "registry:catalog:*"),
        ("GET", "/v2/a/b/manifests/1", "repository:a/b:pull"),
        ("PUT", "/v2/a/b/manifests/1", "repository:a/b:pull,push"),
        ("DELETE", "/v2/a/b/manifests/1", "repository:a/b:delete"),
        ("POST", "/v2/a/blobs/uploads/?mount=x&from=b", "repository:a:pull,push repository:b:pull"),
        ("POST", "/v2/a/blobs/uploads/?mount=x&from=%22", "repository:a:pull,push"),
        ("GET", '/v2/a"b/manifests/1', None),
    ],
)
def test_a_token_is_asked_for_with_the_scope_that_is_needed(
    by_token: Running, method: str, path: str, scope: str | None
) -> None:
    answer = Answer(by_token.host, method, path)
    assert answer.told == (401, "UNAUTHORIZED", "authentication required")
    expected = {
        "scheme": "bearer",
        "realm": f"http://{by_token.host}/token",
        "service": "manifest-tool-registry",
    }
    assert answer.challenge == expected | ({"scope": scope} if scope else {})


def test_a_token_is_good_for_what_it_was_asked_for(by_token: Running) -> None:
    by_token.put_manifest("a", INDEX, OCI_INDEX, "1")
    digest, host = by_token.put_manifest("a/b", INDEX, OCI_INDEX, "1"), by_token.host
    pull, push = token(by_token, "repository:a:pull"), token(by_token, "repository:a:push")
    delete, catalogue = token(by_token, "repository:a:delete"), token(by_token, "registry:catalog:*")
    tries = {
        ("GET", "/v2/"): {pull, push, delete, catalogue},
        ("GET", "/v2/_catalog"): {catalogue},
        ("GET", "/v2/a/manifests/1"): {pull},
        ("HEAD", "/v2/a/tags/list"): {pull},
        ("POST", "/v2/a/blobs/uploads/"): {push},
        ("DELETE", "/v2/a/manifests/1"): {delete},
        ("GET", "/v2/a/b/manifests/1"): set[str](),
        ("DELETE", f"/v2/a/b/manifests/{digest}"): set[str](),
        ("POST", "/v2/a/b/blobs/uploads/"): set[str](),
    }
    for (method, path), good in tries.items():
        for given in (pull, push, delete, catalogue):
            answer = Answer(host, method, path, Authorization=given)
            assert (answer.status < 300) is (given in good), (method, path)
            if given not in good:
                assert answer.status == 401
                assert answer.challenge["error"] == "insufficient_scope"
                assert answer.challenge["scope"].startswith(("repository:a", "registry:catalog"))


def test_what_is_lacking_is_told(by_token: Running) -> None:
    answer = Answer(by_token.host, "DELETE", "/v2/a/manifests/1", Authorization=token(by_token, "repository:a:pull"))
    assert answer.told == (401, "UNAUTHORIZED", "the token lacks repository:a:delete")


@pytest.mark.parametrize("header", ["Bearer x", "bearer x", "Bearer a.b.c", "Bearer " + "x" * 5000])
def test_what_is_no_token(by_token: Running, header: str) -> None:
    answer = Answer(by_token.host, "GET", "/v2/a/manifests/1", Authorization=header)
    assert answer.told == (401, "UNAUTHORIZED", "the token is not of this registry, or not any more")
    assert answer.challenge["error"] == "invalid_token"
    assert answer.challenge["scope"] == "repository:a:pull"


@pytest.mark.parametrize("header", ["Bearer ", "Bearer", basic(), ""])
def test_a_password_is_no_token(by_token: Running, header: str) -> None:
    answer = Answer(by_token.host, "GET", "/v2/a/manifests/1", Authorization=header)
    assert answer.told == (401, "UNAUTHORIZED", "authentication required")
    assert "error" not in answer.challenge


def test_two_authorizations_are_none(by_token: Running) -> None:
    import http.client

    connection = http.client.HTTPConnection(by_token.host)
    connection.putrequest("GET", "/v2/")
    for value in (token(by_token), token(by_token)):
        connection.putheader("Authorization", value)
    connection.endheaders()
    assert connection.getresponse().status in {400, 401}
    connection.close()


@pytest.mark.parametrize(
    ("query", "scopes", "mounted"),
    [
        ("mount={digest}&from=source", ["repository:a:push", "repository:source:pull"], True),
        ("mount={digest}&from=source", ["repository:a:pull,push"], False),
        ("mount={digest}&from=source", ["repository:a:push", "repository:source:push"], False),
        ("mount={digest}", ["repository:a:push", "repository:source:pull"], False),
        ("mount={digest}&from=", ["repository:a:push", "repository:source:pull"], False),
        ("mount={digest}&from=a&from=source", ["repository:a:pull,push"], False),
        ("mount={digest}&mount={digest}&from=source", ["repository:a:pull,push"], False),
        ("%6Dount={digest}&%66rom=source", ["repository:a:pull,push"], False),
    ],
)
def test_a_mount_needs_pull_on_its_source(by_token: Running, query: str, scopes: list[str], mounted: bool) -> None:
    digest, given = by_token.put_blob("source", b"data"), token(by_token, *scopes)
    target = f"/v2/a/blobs/uploads/?{query.format(digest=digest)}"
    answer = Answer(by_token.host, "POST", target, Authorization=given)
    assert answer.status == (201 if mounted else 202)
    assert (by_token.blob("a", digest) == b"data") is mounted
    if not mounted:
        upload = f"{answer.headers['Location']}?digest={digest}"
        assert Answer(by_token.host, "PUT", upload, b"data", Authorization=given).status == 201


def test_a_blob_in_one_request_is_no_mount(by_token: Running) -> None:
    digest, given = Digest.of(b"data"), token(by_token, "repository:a:push")
    target = f"/v2/a/blobs/uploads/?digest={digest}"
    assert Answer(by_token.host, "POST", target, b"data", Authorization=given).status == 201


WRITES = [
    ("PUT", "/v2/a/manifests/1"),
    ("DELETE", "/v2/a/manifests/1"),
    ("POST", "/v2/a/blobs/uploads/"),
    ("PATCH", "/v2/a/blobs/uploads/id"),
    ("PUT", "/v2/a/blobs/uploads/id"),
    ("DELETE", "/v2/a/blobs/uploads/id"),
    ("POST", "/v2/"),
    ("OPTIONS", "/v2/a/manifests/1"),
]


def test_a_registry_that_takes_nothing() -> None:
    with serving(read_only=True) as running:
        running.put_manifest("a", INDEX, OCI_INDEX, "1")
        for method, path in WRITES:
            answer = Answer(running.host, method, path, INDEX)
            assert answer.told == (405, "UNSUPPORTED", "this registry is read-only")
            assert answer.headers["Allow"] == "GET, HEAD"
        assert Answer(running.host, "GET", "/v2/a/manifests/1").body == INDEX
        assert running.store.repositories() == ["a"]


def test_a_registry_that_takes_nothing_still_gives_tokens() -> None:
    with serving(accounts={"me": SECRET}, auth=Auth.TOKEN, read_only=True) as running:
        given = token(running, "repository:a:push")
        assert Answer(running.host, "POST", "/v2/a/blobs/uploads/").status == 401
        assert Answer(running.host, "POST", "/v2/a/blobs/uploads/", Authorization=given).status == 405
