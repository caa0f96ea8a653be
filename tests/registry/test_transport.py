"""The transport: redirects, caps, retries and proxies, over real sockets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from manifest_tool.errors import Exchange, InvalidContent, RegistryError, Unreachable, UsageError
from manifest_tool.events import Answered, Noticed, Waiting
from manifest_tool.oci.reference import Registry
from manifest_tool.registry.retry import STATUSES
from manifest_tool.registry.transport import Options, Request, Transport, proxy_for
from manifest_tool.server import actions
from manifest_tool.server.serve import Running
from tests.registry.parts import RESET, Clock, Watched, application, http, raw, tls_registry, transport

_SECRET = {"Authorization": "Bearer hunter2"}


def _url(running: Running, path: str = "/v2/") -> URL:
    return URL(f"http://{running.host}{path}", encoded=True)


@contextmanager
def _redirecting(to: str, status: int = 307) -> Iterator[str]:
    """A server that sends every request elsewhere."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": to})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    with application(app) as host:
        yield host


async def test_a_header_may_have_several_lines(embedded: Running) -> None:
    lines = CIMultiDict([("Accept", "text/plain"), ("Accept", "text/html")])
    async with transport() as opened:
        await opened.send(Request("GET", _url(embedded), lines).adding(_SECRET))
    (request,) = embedded.log
    assert [value for name, value in request.headers.items() if name == "Accept"] == ["text/plain", "text/html"]
    assert request.headers["Authorization"] == "Bearer hunter2"


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_within_the_origin_keeps_the_authorization(embedded: Running, status: int) -> None:
    embedded.faults.add(actions.Answer(status, headers={"Location": "/v2/"}), path="^/elsewhere")
    async with transport() as opened:
        answer = await opened.send(Request("GET", _url(embedded, "/elsewhere"), _SECRET))
    assert answer.status == 200
    assert answer.url == _url(embedded)
    assert [request.headers["Authorization"] for request in embedded.log] == ["Bearer hunter2"] * 2


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_another_origin_does_not_see_the_authorization(embedded: Running, method: str) -> None:
    with _redirecting(f"http://{embedded.host}/v2/") as host:
        async with transport() as opened:
            answer = await opened.send(Request(method, URL(f"http://{host}/"), _SECRET))
    assert answer.status == 200
    assert "Authorization" not in embedded.log[0].headers


async def test_nor_does_the_way_back_bring_it_back(embedded: Running) -> None:
    with _redirecting(f"http://{embedded.host}/v2/") as host:
        embedded.faults.add(actions.Answer(302, headers={"Location": f"http://{host}/"}), path="^/out")
        async with transport() as opened:
            await opened.send(Request("GET", _url(embedded, "/out"), _SECRET))
    out, back = embedded.log
    assert "Authorization" in out.headers
    assert "Authorization" not in back.headers


async def test_a_user_name_in_a_redirect_is_not_sent(embedded: Running) -> None:
    with _redirecting(f"http://user:hunter2@{embedded.host}/v2/") as host:
        async with transport() as opened:
            answer = await opened.send(Request("GET", URL(f"http://{host}/"), _SECRET))
    assert answer.status == 200
    assert "Authorization" not in embedded.log[0].headers


async def test_a_signed_query_travels_to_the_letter(embedded: Running) -> None:
    signed = "/v2/?sig=a%2Fb%3D+c&x=%e4&empty="
    with _redirecting(f"http://{embedded.host}{signed}") as host:
        async with transport() as opened:
            await opened.send(Request("GET", URL(f"http://{host}/")))
    assert embedded.log[0].query == "sig=a%2Fb%3D+c&x=%e4&empty="


@pytest.mark.usefixtures("trusted")
async def test_a_redirect_does_not_leave_https(tls: ssl.SSLContext, embedded: Running) -> None:
    with tls_registry(tls) as secure:
        secure.faults.add(actions.Answer(307, headers={"Location": f"http://{embedded.host}/v2/"}))
        async with transport() as opened:
            with pytest.raises(RegistryError, match="the redirect leaves https, and is not followed"):
                await opened.send(Request("GET", URL(f"https://{secure.host}/v2/"), _SECRET))
    assert not list(embedded.log)


async def test_a_loop_ends(embedded: Running) -> None:
    embedded.faults.add(actions.Answer(307, headers={"Location": "/v2/?token=hunter2"}))
    async with transport() as opened:
        with pytest.raises(RegistryError, match="redirected in a circle") as caught:
            await opened.send(Request("GET", _url(embedded)))
    assert len(embedded.log) == 2
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH", "DELETE"])
async def test_writes_do_not_follow(embedded: Running, method: str) -> None:
    embedded.faults.add(actions.Answer(302, headers={"Location": "/v2/"}))
    async with transport() as opened:
        with pytest.raises(RegistryError, match="a request that writes was redirected"):
            await opened.send(Request(method, _url(embedded), body=b"x"))
    assert len(embedded.log) == 1


@pytest.mark.parametrize("location", ["ftp://r.test/", "http://[", "//r.test:99999/"])
async def test_redirects_to_nowhere(embedded: Running, location: str) -> None:
    embedded.faults.add(actions.Answer(302, headers={"Location": location}))
    async with transport() as opened:
        with pytest.raises(RegistryError, match="the redirect is no http or https URL"):
            await opened.send(Request("GET", _url(embedded)))


async def test_a_redirect_without_a_location_is_the_answer(embedded: Running) -> None:
    embedded.faults.add(actions.Answer(307))
    async with transport() as opened:
        assert (await opened.send(Request("GET", _url(embedded)))).status == 307


# Bodies


async def test_a_body_of_the_limit_is_read(embedded: Running) -> None:
    embedded.faults.add(actions.Body(b"x" * 100))
    async with transport() as opened:
        answer = await opened.send(Request("GET", _url(embedded), limit=100))
    assert answer.body == b"x" * 100


async def test_a_longer_one_is_an_error_and_read_no_further(embedded: Running) -> None:
    # It drips: whoever read on to its end would sit here for minutes.
    embedded.faults.add(actions.Drip(0.001, piece=60))
    embedded.faults.add(actions.Body(b"x" * 10_000_000))
    async with transport() as opened:
        with pytest.raises(InvalidContent, match="the answer is larger than 100 bytes: GET"):
            await opened.send(Request("GET", _url(embedded), limit=100))


async def test_a_longer_one_is_cut_off_where_it_is_an_error_s(embedded: Running) -> None:
    embedded.faults.add(actions.Answer(404, b"x" * 10_000_000))
    async with transport() as opened:
        answer = await opened.send(Request("GET", _url(embedded)))
    assert len(answer.body) == 64 * 1024


async def test_a_compressed_body_is_limited_by_what_comes_out(embedded: Running) -> None:
    embedded.faults.add(actions.Gzip())
    embedded.faults.add(actions.Body(b"x" * 50_000))
    async with transport() as opened:
        assert len((await opened.send(Request("GET", _url(embedded)))).body) == 50_000
        with pytest.raises(InvalidContent, match="larger than"):
            await opened.send(Request("GET", _url(embedded), limit=1_000))
    assert embedded.log[0].headers["Accept-Encoding"] == "identity"


async def test_a_compressed_body_that_is_none(embedded: Running) -> None:
    embedded.faults.add(actions.Headers({"Content-Encoding": "gzip"}))
    async with transport(attempts=2) as opened:
        with pytest.raises(Unreachable):
            await opened.send(Request("GET", _url(embedded)))


async def test_chunks_need_no_length(embedded: Running) -> None:
    embedded.faults.add(actions.Chunked())
    async with transport() as opened:
        assert (await opened.send(Request("GET", _url(embedded)))).body == b"{}"


async def test_a_large_body_is_sent_whole_each_time(embedded: Running) -> None:
    embedded.faults.add(actions.Answer(503), times=2)
    async with transport() as opened:
        await opened.send(Request("PUT", _url(embedded, "/v2/"), body=b"x" * 3_000_000))
    assert [request.body_bytes for request in embedded.log] == [3_000_000] * 3


async def test_a_streamed_body_is_opened_anew_and_closed_each_time(embedded: Running) -> None:
    opened_bodies, closed = [], []

    async def body() -> AsyncGenerator[bytes, None]:
        opened_bodies.append(1)
        try:
            yield b"one"
            yield b"two"
        finally:
            closed.append(1)

    embedded.faults.add(actions.Answer(503), times=1)
    embedded.faults.add(actions.Reset(), times=1, after=1)
    async with transport() as opened:
        await opened.send(Request("PUT", _url(embedded), body=body))
        assert (len(opened_bodies), len(closed)) == (3, 3)
    assert embedded.log[-1].body_bytes == 6


async def test_a_stream_that_is_left_early(embedded: Running) -> None:
    embedded.faults.add(actions.Body(b"x" * 5_000_000))
    async with transport() as opened:
        async with opened.stream(Request("GET", _url(embedded))) as (answer, chunks):
            assert (answer.status, answer.body) == (200, b"")
            assert await anext(chunks)
        with pytest.raises(StopAsyncIteration):
            await anext(chunks)


async def test_a_stream_of_an_error_has_its_body(embedded: Running) -> None:
    embedded.faults.add(actions.Answer(404, b"why"))
    async with transport() as opened, opened.stream(Request("GET", _url(embedded))) as (answer, _):
        assert (answer.status, answer.body) == (404, b"why")


# Trying again


@pytest.mark.parametrize("status", sorted(STATUSES))
async def test_what_passes_is_tried_again(embedded: Running, status: int) -> None:
    embedded.faults.add(actions.Answer(status, b"busy"), times=2)
    watched = Watched()
    async with transport(observe=watched) as opened:
        answer = await opened.send(Request("GET", _url(embedded)))
    assert answer.status == 200
    assert [event.seconds for event in watched.of(Waiting)] == [0.5, 1.0]
    assert watched.reasons == [str(Exchange("GET", str(_url(embedded)), status, "busy"))] * 2
    assert [event.status for event in watched.of(Answered)] == [status, status, 200]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 416, 501, 505])
async def test_what_stays_is_not(embedded: Running, status: int) -> None:
    embedded.faults.add(actions.Answer(status))
    async with transport() as opened:
        assert (await opened.send(Request("GET", _url(embedded)))).status == status
    assert len(embedded.log) == 1


async def test_the_last_answer_is_given_back(embedded: Running) -> None:
    embedded.faults.add(actions.Answer(503, b"down"))
    clock = Clock()
    async with transport(clock=clock) as opened:
        answer = await opened.send(Request("GET", _url(embedded)))
    assert (answer.status, answer.body) == (503, b"down")
    assert len(embedded.log) == 5
    assert clock.pauses == [0.5, 1.0, 2.0, 4.0]


async def test_an_expected_status_is_not_tried_again(embedded: Running) -> None:
    embedded.faults.add(actions.Answer(503))
    async with transport() as opened:
        await opened.send(Request("GET", _url(embedded), expected=frozenset({503})))
    assert len(embedded.log) == 1


async def test_retry_after_is_waited_for(embedded: Running) -> None:
    embedded.faults.add(actions.Answer(429, headers={"Retry-After": "7"}), times=1)
    clock = Clock()
    async with transport(clock=clock) as opened:
        assert (await opened.send(Request("GET", _url(embedded)))).status == 200
    assert clock.pauses == [7.0]


async def test_a_retry_after_beyond_all_patience_ends_it(embedded: Running) -> None:
    embedded.faults.add(actions.Answer(429, headers={"Retry-After": "3600"}))
    async with transport() as opened:
        assert (await opened.send(Request("GET", _url(embedded)))).status == 429
    assert len(embedded.log) == 1


async def test_broken_connections_are_tried_again() -> None:
    ok = http(200, b"{}")
    # aiohttp itself asks twice where a connection ends without an answer: it may have been a stale one.
    with raw([RESET], [b""], [http(200, b"{", length=2)], [RESET], [ok]) as server:
        async with transport() as opened:
            answer = await opened.send(Request("GET", URL(f"http://{server.host}/v2/")))
    assert answer.body == b"{}"
    assert len(server.heads) == 5


async def test_a_stale_connection_costs_no_pause() -> None:
    clock = Clock()
    with raw([http(200, b"one"), b""], [http(200, b"two")]) as server:
        async with transport(clock=clock) as opened:
            request = Request("GET", URL(f"http://{server.host}/v2/"))
            bodies = [(await opened.send(request)).body, (await opened.send(request)).body]
    assert bodies == [b"one", b"two"]
    assert not clock.pauses


@pytest.mark.parametrize("answer", [RESET, b"", http(503), http(429, b"", "Retry-After: 0")])
async def test_what_must_not_be_repeated_is_sent_once(answer: bytes) -> None:
    with raw([answer]) as server:
        async with transport() as opened:
            request = Request("POST", URL(f"http://{server.host}/v2/"), repeatable=False)
            if answer.startswith(b"HTTP"):
                assert (await opened.send(request)).status in {429, 503}
            else:
                with pytest.raises(Unreachable):
                    await opened.send(request)
    assert len(server.heads) == 1


async def test_events_hold_no_secrets(embedded: Running) -> None:
    embedded.faults.add(actions.Answer(503), times=1)
    watched = Watched()
    async with transport(observe=watched) as opened:
        await opened.send(Request("GET", _url(embedded, "/v2/?_state=hunter2"), _SECRET))
    assert len(watched.events) == 3
    assert "hunter2" not in str(watched.events)


# The session


async def test_no_cookie_is_kept(embedded: Running) -> None:
    embedded.faults.add(actions.Headers({"Set-Cookie": "session=hunter2; Path=/"}))
    async with transport() as opened:
        for _ in range(2):
            await opened.send(Request("GET", _url(embedded)))
    assert "Cookie" not in embedded.log[1].headers
    assert embedded.log[0].headers["User-Agent"].startswith("manifest-tool/")


async def test_one_session_is_closed_with_the_transport(embedded: Running) -> None:
    async with transport() as opened:
        await opened.send(Request("GET", _url(embedded)))
        session = opened._session
        assert isinstance(session, aiohttp.ClientSession)
        assert not session.closed
    assert session.closed


async def test_a_transport_is_entered_first() -> None:
    with pytest.raises(RuntimeError, match="not open"):
        await Transport(Options()).send(Request("GET", URL("http://r.test/")))


@pytest.mark.parametrize(
    ("host", "options", "url"),
    [
        ("r.test", Options(), "https://r.test/v2/"),
        ("r.test:5000", Options(plain_http=True), "http://r.test:5000/v2/"),
        ("docker.io", Options(), "https://registry-1.docker.io/v2/"),
        ("localhost:5000", Options(), "http://localhost:5000/v2/"),
        ("127.0.0.1:5000", Options(insecure=True), "http://127.0.0.1:5000/v2/"),
        ("[::1]:5000", Options(), "http://[::1]:5000/v2/"),
        ("[::1]", Options(plain_http=True, insecure=True), "http://[::1]/v2/"),
    ],
)
def test_urls(host: str, options: Options, url: str) -> None:
    assert str(Transport(options).url(Registry.parse(host), "/v2/")) == url


# Proxies


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, "https://r.test/", None),
        ({"HTTPS_PROXY": "http://p:3128"}, "https://r.test/", "http://p:3128"),
        ({"https_proxy": "p:3128"}, "https://r.test/", "http://p:3128"),
        ({"HTTPS_PROXY": "http://p:3128"}, "http://r.test/", None),
        ({"http_proxy": "http://p:3128"}, "http://r.test/", "http://p:3128"),
        ({"ALL_PROXY": "http://p:3128"}, "https://r.test/", "http://p:3128"),
        ({"HTTPS_PROXY": "http://me:secret@p:3128"}, "https://r.test/", "http://me:secret@p:3128"),
        ({"HTTPS_PROXY": ""}, "https://r.test/", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "r.test"}, "https://r.test/", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".test"}, "https://r.test:5000/", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "r.test:5000"}, "https://r.test:5000/", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "r.test:5000"}, "https://r.test:5001/", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, "https://r.test/", None),
        ({"ALL_PROXY": "http://p:1"}, "http://localhost:5000/", None),
        ({"ALL_PROXY": "http://p:1"}, "https://127.0.0.2:5000/", None),
        ({"ALL_PROXY": "http://p:1"}, "https://[::1]:5000/", None),
        ({"ALL_PROXY": "http://p:1"}, "https://127.evil.test/", "http://p:1"),
    ],
)
def test_which_proxy(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str, proxy: str | None) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = proxy_for(URL(url))
    assert (str(found) if found else None) == proxy


@pytest.mark.parametrize("text", ["socks5://me:hunter2@p:1080", "http://", "http://me:hunter2@[", "ftp://p"])
def test_a_proxy_that_is_none(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", text)
    with pytest.raises(UsageError, match="the proxy that the environment names for https") as caught:
        proxy_for(URL("https://r.test/"))
    assert "hunter2" not in str(caught.value)


@pytest.mark.usefixtures("names")
@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (http(407), "the proxy refuses to connect to registry.test, 407 X"),
        (http(403), "the proxy refuses to connect to registry.test, 403 X"),
    ],
)
async def test_a_proxy_that_refuses(monkeypatch: pytest.MonkeyPatch, answer: bytes, message: str) -> None:
    with raw([answer]) as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:hunter2@{server.host}")
        async with transport() as opened:
            with pytest.raises(Unreachable, match=message) as caught:
                await opened.send(Request("GET", URL("https://registry.test/v2/"), _SECRET))
    assert server.heads[0].startswith("CONNECT registry.test:443 HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic" in server.heads[0]
    assert "Bearer hunter2" not in server.heads[0]
    assert "hunter2" not in str(caught.value)


async def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hunter2@127.0.0.1:1")
    async with transport(attempts=1) as opened:
        with pytest.raises(Unreachable, match=r"cannot connect to the proxy 127.0.0.1:1, connection refused") as caught:
            await opened.send(Request("GET", URL("https://registry.test/v2/")))
    assert "hunter2" not in str(caught.value)


@pytest.mark.usefixtures("names")
async def test_plain_http_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw([http(200, b"{}")]) as server:
        monkeypatch.setenv("HTTP_PROXY", f"http://{server.host}")
        async with transport() as opened:
            answer = await opened.send(Request("GET", URL("http://registry.test:5000/v2/")))
    assert answer.body == b"{}"
    assert server.heads[0].startswith("GET http://registry.test:5000/v2/ HTTP/1.1\r\n")


async def test_an_answer_has_to_end_some_time(embedded: Running) -> None:
    embedded.faults.add(actions.Drip(0.05))
    embedded.put_manifest("team/app", b"x" * 100, "text/plain", "latest")
    async with Transport(Options(retry=Clock().retry(1), seconds=0.3)) as opened:
        with pytest.raises(Unreachable, match="did not answer in time"):
            await opened.send(Request("GET", _url(embedded, "/v2/team/app/manifests/latest")))


async def test_and_so_has_the_way_to_it() -> None:
    answering: set[asyncio.Task[None] | None] = set()

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering.add(asyncio.current_task())
        with suppress(ConnectionError):
            while True:
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                await writer.drain()
                await asyncio.sleep(0.01)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with Transport(Options(retry=Clock().retry(1), seconds=0.3)) as opened:
            with pytest.raises(Unreachable, match="did not answer in time"):
                await opened.send(Request("GET", URL(f"http://127.0.0.1:{port}/")))
        await asyncio.wait([task for task in answering if task])


async def test_a_registry_is_not_spoken_to_as_another_url_was(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw([http(200)]) as proxy:
        monkeypatch.setenv("http_proxy", f"http://{proxy.host}")
        async with transport() as opened:
            await opened.send(Request("GET", URL("http://registry.example.com/token")))
            assert opened.url(Registry.parse("registry.example.com"), "/v2/").scheme == "https"


async def test_a_file_of_authorities_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nowhere.pem"))
    watched = Watched()
    async with transport(observe=watched):
        pass
    assert [event.message for event in watched.of(Noticed)] == [
        f"SSL_CERT_FILE names {tmp_path}/nowhere.pem, which is no file; no certificate is trusted by it"
    ]
