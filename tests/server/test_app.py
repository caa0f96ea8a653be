"""Paths, methods, and connections that stay in step."""

from __future__ import annotations

import errno
import logging
import os
import socket
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from manifest_tool.oci.digest import Digest
from manifest_tool.server.memory import MemoryStore
from manifest_tool.server.serve import Running, serving
from tests.server.conftest import Client

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

DIGEST = Digest.of(b"data")


@pytest.mark.parametrize("path", ["/", "/v1/", "/v2/a", "/v2/a/manifests/", "/v2/manifests/tag", "/v2//tags/list"])
def test_no_path_of_a_registry(client: Client, path: str) -> None:
    assert client("GET", path).status in {400, 404}


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/v2/", "GET, HEAD"),
        ("DELETE", "/v2/a/tags/list", "GET, HEAD"),
        ("POST", "/v2/a/manifests/tag", "DELETE, GET, HEAD, PUT"),
        ("PUT", f"/v2/a/blobs/{DIGEST}", "DELETE, GET, HEAD"),
        ("GET", "/v2/a/blobs/uploads/", "POST"),
        ("POST", "/v2/a/blobs/uploads/x", "DELETE, GET, HEAD, PATCH, PUT"),
    ],
)
def test_no_method(client: Client, method: str, path: str, allow: str) -> None:
    answer = client(method, path, b"body")
    assert (answer.status, answer.codes, answer.headers["Allow"]) == (405, ["UNSUPPORTED"], allow)


@pytest.mark.parametrize("size", [1, 100_000, 10_000_000])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/v2/a/manifests/.bad"),
        ("PUT", "/v2/a/manifests/tag"),
        ("PATCH", "/v2/a/blobs/uploads/unknown"),
        ("POST", "/v2/a/blobs/uploads/?digest=bad"),
        ("POST", "/v2/A/blobs/uploads/"),
        ("GET", "/"),
    ],
)
def test_an_early_refusal_keeps_the_connection(client: Client, method: str, path: str, size: int) -> None:
    assert client(method, path, b"G" * size).status in {400, 404, 413}
    assert client("GET", "/v2/").json == {}


def test_a_body_without_end_is_not_read_to_it(registry: Running) -> None:
    client = Client(registry.host)
    answer = client("PUT", "/v2/a/manifests/.bad", (bytes(1_000_000) for _ in range(70)))
    assert (answer.status, answer.headers["Connection"]) == (400, "close")
    client.close()


def test_a_middleware_refuses_before_anything_happens() -> None:
    @web.middleware
    async def deny(request: web.Request, handler: Handler) -> web.StreamResponse:
        if "Authorization" not in request.headers:
            raise web.HTTPUnauthorized(headers={"WWW-Authenticate": 'Basic realm="here"'})
        return await handler(request)

    with serving(middlewares=[deny]) as registry:
        client = Client(registry.host)
        refused = client("POST", "/v2/a/blobs/uploads/", b"x" * 1_000_000)
        assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, 'Basic realm="here"')
        assert client("POST", "/v2/a/blobs/uploads/", Authorization="Basic eDp5").status == 202
        assert [request.status for request in registry.log] == [401, 202]
        client.close()


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 99\r\n\r\nsome",
        b"Transfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n4\r\nsome\r\nnonsense\r\n",
    ],
)
def test_a_client_that_breaks_off_is_no_news(registry: Running, caplog: pytest.LogCaptureFixture, rest: bytes) -> None:
    host, _, port = registry.host.partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as gone:
        gone.sendall(b"POST /v2/a/blobs/uploads/?digest=%b HTTP/1.1\r\nHost: x\r\n%b" % (str(DIGEST).encode(), rest))
        gone.shutdown(socket.SHUT_WR)
        while gone.recv(4096):
            pass
    assert registry.store.repositories() == []
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [
        (errno.EIO, 500, "UNKNOWN"),
        (errno.EROFS, 500, "UNKNOWN"),
        (errno.ENOSPC, 413, "SIZE_INVALID"),
        (errno.EFBIG, 413, "SIZE_INVALID"),
    ],
)
def test_storage_that_fails_is_said_so(number: int, status: int, code: str) -> None:
    class Failing(MemoryStore):
        def repositories(self) -> list[str]:
            raise OSError(number, os.strerror(number), "/a/path/of/the/server")

    with serving(Failing()) as registry:
        client = Client(registry.host)
        answer = client("GET", "/v2/_catalog")
        assert (answer.status, answer.codes) == (status, [code])
        assert answer.json["errors"][0]["detail"] == os.strerror(number)
        client.close()
