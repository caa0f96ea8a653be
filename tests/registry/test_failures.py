"""Requests that are not answered: each reason has its own words, from real sockets."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import aiohttp
import pytest
from yarl import URL

from manifest_tool.errors import ExitCode, Unreachable
from manifest_tool.oci.reference import Registry
from manifest_tool.registry import failures
from manifest_tool.registry.transport import Request
from manifest_tool.server.serve import serving
from tests.harness import free_port
from tests.registry.parts import RESET, client, http, raw, repository, tls_registry, transport

_SIGNED = "/v2/?_state=hunter2"


async def _failure(url: str, method: str = "GET", body: bytes | None = None, **options: Any) -> Unreachable:
    async with transport(attempts=1, **options) as opened:
        with pytest.raises(Unreachable) as caught:
            await opened.send(Request(method, URL(url), body=body))
    error = caught.value
    assert error.exit_code is ExitCode.REGISTRY
    assert "hunter2" not in str(error)
    assert str(error).isprintable()
    return error


async def test_a_refused_connection() -> None:
    host = f"127.0.0.1:{free_port()}"
    error = await _failure(f"http://{host}{_SIGNED}")
    assert str(error) == f"cannot connect to {host}, connection refused: GET http://{host}/v2/?_state=…"
    assert error.transient


async def test_plain_http_to_https_on_loopback_has_a_hint() -> None:
    with raw([b""]) as server:
        error = await _failure(f"http://{server.host}/v2/", plain_http=True)
    assert error.hint == "it may speak https: leave out --plain-http"


async def test_a_name_that_nobody_knows() -> None:
    error = await _failure("https://nothing.invalid/v2/")
    assert str(error).startswith("the name nothing.invalid cannot be resolved: GET https://nothing.invalid/v2/")
    assert error.transient


@pytest.mark.parametrize(
    ("answer", "message", "transient"),
    [
        (RESET, "the connection to {host} failed, connection reset by peer", True),
        (b"", "{host} closed the connection without an answer", True),
        (http(200, b"abc", length=10), "{host} broke off in the middle of its answer", True),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
            "{host} broke off in the middle of its answer",
            True,
        ),
        (b"HTTP/9 hello\r\n\r\n", "{host} does not answer with HTTP, ", False),
        (http(200, b"", "X: " + "x" * 100_000), "{host} does not answer with HTTP, ", False),
    ],
)
async def test_broken_answers(answer: bytes, message: str, transient: bool) -> None:
    with raw([answer]) as server:
        error = await _failure(f"http://{server.host}{_SIGNED}")
    assert str(error).startswith(message.format(host=server.host))
    assert error.transient is transient


async def test_an_upload_that_is_reset_names_no_secret() -> None:
    with raw([RESET]) as server:
        error = await _failure(f"http://{server.host}{_SIGNED}", "PUT", b"x" * 5_000_000)
    assert f"the connection to {server.host} failed, " in str(error)


async def test_a_server_that_stalls() -> None:
    # It waits for a second request that never comes, once in the middle of a body and once before any answer.
    for answers in ([http(200, b"abc", length=10), b""], [b"HTTP/1.1 200 X\r\n", b""]):
        with raw(answers) as server:
            error = await _failure(f"http://{server.host}{_SIGNED}", idle=0.05)
        assert str(error).startswith(f"{server.host} did not answer in time")
        assert error.transient


@pytest.mark.parametrize(
    ("raised", "message", "transient"),
    [
        (aiohttp.InvalidURL("x"), "the URL is not valid", False),
        (ssl.SSLError(1, "[SSL] x"), "the connection to r.test failed, TLS error", True),
        (aiohttp.ClientConnectionError("https://r.test/?_state=hunter2"), "failed, ClientConnectionError", True),
        (aiohttp.ClientOSError(32, "Can not write /?_state=hunter2"), "r.test failed, broken pipe", True),
        (TimeoutError(), "r.test did not answer in time", True),
    ],
)
def test_rare_failures(raised: Exception, message: str, transient: bool) -> None:
    with pytest.raises(Unreachable, match=message) as caught, failures.mapped("GET", URL("https://me:hunter2@r.test/")):
        raise raised
    assert caught.value.transient is transient
    assert "hunter2" not in str(caught.value)


async def test_tls_to_a_plain_port() -> None:
    with serving() as running:
        error = await _failure(f"https://{running.host}/v2/")
    assert f"{running.host} does not speak TLS" in str(error)
    assert error.hint == "pass --plain-http where it speaks plain http"
    assert not error.transient


async def test_a_certificate_that_is_not_trusted(tls: ssl.SSLContext) -> None:
    with tls_registry(tls) as running:
        error = await _failure(f"https://{running.host}/v2/")
    assert f"the certificate of {running.host} is not trusted, self-signed certificate" in str(error)
    assert "SSL_CERT_FILE" in error.hint
    assert "--ca-file" in error.hint
    assert "--insecure" in error.hint
    assert not error.transient


@pytest.mark.usefixtures("trusted", "names")
async def test_a_certificate_of_another_name(tls: ssl.SSLContext) -> None:
    with tls_registry(tls) as running:
        port = running.host.rpartition(":")[2]
        error = await _failure(f"https://wrong.test:{port}/v2/")
    assert f"the certificate of wrong.test:{port} is not trusted, " in str(error)
    assert "wrong.test" in str(error)


async def test_a_server_without_a_common_version(tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    default = ssl.create_default_context()
    default.minimum_version = ssl.TLSVersion.TLSv1_3
    monkeypatch.setattr(ssl, "create_default_context", lambda: default)
    with tls_registry(tls) as running:
        error = await _failure(f"https://{running.host}/v2/")
    assert running.host in str(error)
    # Whether the alert or the reset comes first is the system's choice.
    assert "no TLS connection to" in str(error) or "connection reset by peer" in str(error)


@pytest.mark.usefixtures("trusted")
async def test_a_certificate_may_be_trusted(tls: ssl.SSLContext) -> None:
    with tls_registry(tls) as running:
        async with transport() as opened:
            answer = await opened.send(Request("GET", URL(f"https://{running.host}/v2/")))
    assert answer.status == 200


async def test_insecure_verifies_nothing(tls: ssl.SSLContext) -> None:
    with tls_registry(tls) as running:
        async with client(insecure=True) as opened:
            assert await opened.head_manifest(repository(running.host), "x") is None


_GO = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_loopback_goes_over_to_tls_where_the_server_says_so(tls: ssl.SSLContext, method: str) -> None:
    with raw([_GO], [http(404)], tls=tls, tls_after=1) as server:
        async with transport() as opened:
            answer = await opened.send(Request(method, URL(f"http://{server.host}/v2/")))
            again = opened.url(Registry.parse(server.host), "/v2/")
    assert answer.status == 404
    assert answer.url == again == URL(f"https://{server.host}/v2/")


@pytest.mark.usefixtures("trusted")
async def test_loopback_goes_over_to_tls_where_the_server_hangs_up(tls: ssl.SSLContext) -> None:
    with tls_registry(tls) as running:
        async with client() as opened:
            wanted = (opened.head_manifest(repository(running.host), str(number)) for number in range(10))
            assert set(await asyncio.gather(*wanted)) == {None}
    assert len(running.log) == 10


async def test_a_loopback_host_that_has_answered_stays_with_plain_http() -> None:
    with raw([http(404), b""], [b""]) as server:
        async with transport(attempts=2) as opened:
            url = URL(f"http://{server.host}/v2/")
            await opened.send(Request("GET", url))
            with pytest.raises(Unreachable, match="closed the connection"):
                await opened.send(Request("POST", url))
    assert all(head.endswith("\r\n\r\n") for head in server.heads)


@pytest.mark.usefixtures("trusted")
async def test_plain_http_that_was_asked_for_is_not_left(tls: ssl.SSLContext) -> None:
    with tls_registry(tls) as running:
        async with client(plain_http=True, attempts=1) as opened:
            with pytest.raises(Unreachable, match="closed the connection"):
                await opened.head_manifest(repository(running.host), "x")
