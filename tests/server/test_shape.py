"""Every refusal has the form of the API, those of HTTP itself too."""

from __future__ import annotations

import gzip
import json
import logging
import socket
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from manifest_tool.oci.digest import Digest
from manifest_tool.server.serve import Running, serving
from tests.server.conftest import Client

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

HOST = b"Host: x\r\nConnection: close\r\n"
HELLO = bytes.fromhex("160301004a010000460303") + bytes(70)


def raw(registry: Running, request: bytes) -> bytes:
    """What comes back until the connection ends."""
    host, _, port = registry.host.partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (HELLO, 400, "BAD_REQUEST"),
        (b"nonsense\r\n\r\n", 400, "BAD_REQUEST"),
        (b"GET /v2/ HTTP/1.1\r\nno header\r\n\r\n", 400, "BAD_REQUEST"),
        (b"GET /v2/ HTTP/3.7\r\n%b\r\n" % HOST, 400, "BAD_REQUEST"),
        (b"GET /v2/\xff HTTP/1.1\r\n%b\r\n" % HOST, 400, "BAD_REQUEST"),
        (b"GET /%b HTTP/1.1\r\n%b\r\n" % (b"a" * 9000, HOST), 400, "BAD_REQUEST"),
        (b"GET / HTTP/1.1\r\n%bA: %b\r\n\r\n" % (HOST, b"a" * 9000), 400, "BAD_REQUEST"),
        (b"PUT /v2/a/manifests/b HTTP/1.1\r\n%bContent-Length: -1\r\n\r\n" % HOST, 400, "BAD_REQUEST"),
        (b"PUT /v2/a/manifests/b HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\n\r\nx\r\n" % HOST, 400, "BAD_REQUEST"),
        (
            b"PUT /v2/a/manifests/b HTTP/1.1\r\n%bContent-Length: 1\r\nExpect: x\r\n\r\nx" % HOST,
            417,
            "EXPECTATION_FAILED",
        ),
        (b"OPTIONS * HTTP/1.1\r\n%b\r\n" % HOST, 404, "NOT_FOUND"),
        (b"GET //v2/ HTTP/1.1\r\n%b\r\n" % HOST, 404, "NOT_FOUND"),
        (b"GET /v2/../v2/ HTTP/1.1\r\n%b\r\n" % HOST, 404, "NOT_FOUND"),
        (b"TRACE /v2/ HTTP/1.1\r\n%b\r\n" % HOST, 405, "UNSUPPORTED"),
    ],
)
def test_what_is_not_to_be_answered(
    registry: Running, caplog: pytest.LogCaptureFixture, request_: bytes, status: int, code: str
) -> None:
    head, _, body = raw(registry, request_).partition(b"\r\n\r\n")
    line, *headers = head.decode().split("\r\n")
    assert line.split(" ")[0] in {"HTTP/1.0", "HTTP/1.1"}
    assert int(line.split(" ")[1]) == status
    assert "Content-Type: application/json" in headers
    assert f"Content-Length: {len(body)}" in headers
    [error] = json.loads(body)["errors"]
    assert (error["code"], error["message"] != "", set(error)) == (code, True, {"code", "message", "detail"})
    assert b"aaa" not in body
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_client_may_ask_before_it_sends_a_body(registry: Running) -> None:
    digest = Digest.of(b"data")
    line = f"POST /v2/a/blobs/uploads/?digest={digest} HTTP/1.1\r\n".encode()
    answer = raw(registry, line + HOST + b"Expect: 100-Continue\r\nContent-Length: 4\r\n\r\ndata")
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n")
    assert registry.blob("a", digest) == b"data"


def test_a_body_is_not_unpacked(registry: Running, client: Client) -> None:
    packed = gzip.compress(b"data")
    target = f"/v2/a/blobs/uploads/?digest={Digest.of(packed)}"
    assert client("POST", target, packed, Content_Encoding="gzip").status == 201
    assert client("PUT", "/v2/a/manifests/tag", b"no gzip", Content_Encoding="gzip").codes == ["MANIFEST_INVALID"]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "UNAUTHORIZED"),
        (403, "DENIED"),
        (405, "UNSUPPORTED"),
        (413, "SIZE_INVALID"),
        (429, "TOOMANYREQUESTS"),
        (503, "SERVICE_UNAVAILABLE"),
    ],
)
def test_what_a_middleware_raises(status: int, code: str) -> None:
    @web.middleware
    async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
        error = web.HTTPException(text="plain", reason="not now")
        error.set_status(status, "not now")
        error.headers.add("WWW-Authenticate", "Basic")
        error.headers.add("WWW-Authenticate", "Bearer")
        raise error

    with serving(middlewares=[refuse]) as registry:
        client = Client(registry.host)
        answer = client("GET", "/v2/")
        assert (answer.status, answer.codes) == (status, [code])
        assert answer.json["errors"][0]["message"] == "not now"
        assert answer.headers.get_all("WWW-Authenticate") == ["Basic", "Bearer"]  # type: ignore[attr-defined]
        assert answer.headers["Content-Length"] == str(len(answer.body))
        client.close()


def test_what_a_middleware_says_in_json_is_left_as_it_is() -> None:
    @web.middleware
    async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
        raise web.HTTPForbidden(text="{}", content_type="application/json")

    with serving(middlewares=[refuse]) as registry:
        client = Client(registry.host)
        assert client("GET", "/v2/").body == b"{}"
        client.close()


def test_a_bug_of_ours_is_told_as_an_error_too(caplog: pytest.LogCaptureFixture) -> None:
    @web.middleware
    async def fail(request: web.Request, handler: Handler) -> web.StreamResponse:
        raise KeyError("secret")

    with serving(middlewares=[fail]) as registry:
        client = Client(registry.host)
        answer = client("GET", "/v2/")
        assert (answer.status, answer.codes) == (500, ["INTERNAL_SERVER_ERROR"])
        assert b"secret" not in answer.body
        client.close()
    assert "secret" in caplog.text
