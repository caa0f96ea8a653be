"""One seam for every HTTP exchange: retries, redirects, caps, and foreign exceptions mapped to our own."""

from __future__ import annotations

import asyncio
import io
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeAlias
from urllib.request import getproxies_environment, proxy_bypass

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from manifest_tool import __version__
from manifest_tool.errors import Exchange, InvalidContent, RegistryError, Unreachable, UsageError
from manifest_tool.events import Answered, Noticed, Observer, ignore
from manifest_tool.oci.host import is_loopback
from manifest_tool.oci.manifest import MAX_SIZE
from manifest_tool.registry import answers, failures, links, redact, tls
from manifest_tool.registry.connections import Connector
from manifest_tool.registry.pace import Pace
from manifest_tool.registry.retry import Retry, is_temporary

if TYPE_CHECKING:
    from types import TracebackType

    from manifest_tool.oci.reference import Registry
    from manifest_tool.registry.answers import Answer

_CONNECT_SECONDS = 30.0
_PROBE_SECONDS = 5.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REPEATING = frozenset({307, 308})
"""Redirects that keep the method and the body (RFC 9110 § 15.4)."""
_MAX_REDIRECTS = 10
_ENCODINGS = frozenset({"", "identity", "gzip", "deflate"})
_CHUNK = 256 * 1024
_ERROR_LIMIT = 64 * 1024
_MAX_WARNINGS = 100

Body = Callable[[], AsyncGenerator[bytes, None]]
"""Opens a body anew for each try."""
_Sent: TypeAlias = io.BytesIO | AsyncGenerator[bytes, None] | None


@dataclass(frozen=True, slots=True)
class Options:
    """How registries are spoken to."""

    plain_http: bool = False
    insecure: bool = False
    """Do not verify certificates."""
    trust: tls.Trust = field(default_factory=tls.Trust)
    retry: Retry = field(default_factory=Retry)
    seconds: float = 120.0
    """In which a request without a streamed body has its whole answer."""
    idle: float = 60.0
    """Seconds in which something must move on a connection."""
    deadline: float = 1800.0
    """Seconds after which a run tries nothing again."""
    manifest_limit: int = MAX_SIZE
    """Bytes of a manifest or of a config that are read."""
    public_only: bool = False
    """Ask nobody whom not the whole internet reaches; for what is done at the word of strangers."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to send."""

    method: str
    url: URL
    headers: Mapping[str, str] = field(default_factory=dict, hash=False, repr=False)
    """A multidict where one of them has several lines."""
    body: bytes | Body | None = field(default=None, repr=False)
    limit: int = _ERROR_LIMIT
    """Bytes that are read of what a GET was expected to answer; more is an error."""
    expected: frozenset[int] = frozenset({200})
    """Statuses that the caller deals with; they are never tried again."""
    repeatable: bool = True
    confidential: bool = False
    """What is answered may repeat secrets, and is not told."""

    def adding(self, headers: Mapping[str, str]) -> Request:
        """The same request with more headers."""
        together = CIMultiDict(self.headers)
        together.update(headers)
        return replace(self, headers=together)


class Transport:
    """An HTTP session that knows nothing of accounts. Enter it to use it."""

    def __init__(self, options: Options, *, observe: Observer = ignore) -> None:
        self.options = options
        self.observe = observe
        self._schemes: dict[str, str] = {}
        self._session: aiohttp.ClientSession | None = None
        self._pace = Pace(options.retry, options.deadline, observe)
        self.pause = self._pace.pause
        self._warned: set[str] = set()
        self._proxies: dict[links.Origin, URL | None] = {}

    async def __aenter__(self) -> Self:
        self._check_authorities()
        self._contexts = tls.Contexts(self.options.trust, verify=not self.options.insecure)
        self._connector = Connector(public_only=self.options.public_only)
        self._session = aiohttp.ClientSession(
            connector=self._connector,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=self.options.idle),
            headers={"User-Agent": f"manifest-tool/{__version__}", "Accept-Encoding": "identity"},
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    def _check_authorities(self) -> None:
        """Tell of a file with authorities that is not there: ssl would trust nobody, and not say so."""
        path = os.environ.get("SSL_CERT_FILE")
        if path and not Path(path).is_file():
            self.observe(Noticed(f"SSL_CERT_FILE names {path}, which is no file; no certificate is trusted by it"))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session:
            await self._connector.abandon()
            await self._session.close()

    def expect(self, registry: Registry, requests: int) -> None:
        """Tell that so many requests at once will soon go to a registry."""
        self._connector.expect(self.url(registry, "/"), requests)

    def url(self, registry: Registry, path: str, query: Mapping[str, str] | None = None) -> URL:
        """The URL of an API path at a registry: plain http on loopback and where asked for, else https."""
        url = URL(f"{self._scheme(registry)}://{registry.api_host}{path}", encoded=True)
        return url.with_query(query) if query else url

    def is_at(self, url: URL, registry: Registry) -> bool:
        """Whether a URL is one of the registry itself."""
        return links.same_origin(url, self.url(registry, "/"))

    def _scheme(self, registry: Registry) -> str:
        if known := self._schemes.get(registry.api_host):
            return known
        return "http" if self.options.plain_http or registry.is_loopback else "https"

    async def send(self, request: Request) -> Answer:
        """Send a request, again where that helps; the last answer is given back whatever its status."""
        failed = 0
        while True:
            try:
                answer = await self._once(request)
            except Unreachable as error:
                if await self._wants_tls(request.url):
                    request = replace(request, url=request.url.with_scheme("https"))
                    continue
                failed += 1
                if not (request.repeatable and error.transient and await self.pause(failed, str(error))):
                    raise
                continue
            if answer.status == 400 and await self._wants_tls(request.url):
                request = replace(request, url=request.url.with_scheme("https"))
                continue
            if is_loopback(request.url.host or ""):
                self._schemes.setdefault(request.url.authority, request.url.scheme)
            if answer.status in request.expected or not request.repeatable or not _is_temporary(answer):
                return answer
            failed += 1
            about = answers.exchange(replace(answer, body=b"") if request.confidential else answer)
            if not await self.pause(failed, str(about), answer.headers):
                return answer

    async def _once(self, request: Request) -> Answer:
        # A body that is streamed takes as long as it takes, so long as the other side goes on reading it.
        # Nor does it wait for a turn: what it is made of may come from the same origin.
        streamed = callable(request.body)
        seconds = None if streamed else self.options.seconds
        turn = nullcontext() if streamed else self._pace.turn(request.url)
        async with turn:
            with failures.mapped(request.method, request.url):
                async with asyncio.timeout(seconds) as limit, self._exchange(request, limit) as response:
                    return answers.of(request.method, response, await self._read_body(request, response))

    async def _wants_tls(self, url: URL) -> bool:
        """Whether a loopback host that took no plain http speaks TLS; once it has answered, it is not asked."""
        if url.scheme != "http" or self.options.plain_http or not is_loopback(url.host or ""):
            return False
        if url.authority not in self._schemes:
            self._schemes[url.authority] = "https" if await _speaks_tls(url.with_scheme("https")) else "http"
        return self._schemes[url.authority] == "https"

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[tuple[Answer, AsyncIterator[bytes]]]:
        """Send a request once and give its answer with the body still on the wire where the status is expected."""
        async with asyncio.timeout(None) as limit, self._exchange(request, limit) as response:
            good = response.status in request.expected
            answer = answers.of(request.method, response, b"" if good else await self._read_body(request, response))
            async with aclosing(self._chunks(response)) as chunks:
                yield answer, chunks

    @asynccontextmanager
    async def _exchange(self, request: Request, limit: asyncio.Timeout) -> AsyncIterator[aiohttp.ClientResponse]:
        """One request and the redirects that it leads to."""
        url, headers = request.url, CIMultiDict(request.headers)
        seen = [url]
        while True:
            async with (
                self._opened(request.body, limit) as body,
                await self._hop(request.method, url, headers, body) as response,
            ):
                target = _redirect(request, response)
                if target is None:
                    _check_encoding(request, response)
                    yield response
                    return
            if not links.same_origin(target, url):
                headers.pop("Authorization", None)
            if target in seen or len(seen) > _MAX_REDIRECTS:
                raise _endless(request, [*seen, target])
            seen.append(target)
            url = target

    async def _hop(self, method: str, url: URL, headers: Mapping[str, str], body: _Sent) -> aiohttp.ClientResponse:
        if self._session is None:
            raise RuntimeError("the transport is not open")
        await self._pace.opened(url)
        proxy = self._proxy(url)
        started = time.monotonic()
        with failures.mapped(method, url, plain_http=self.options.plain_http):
            response = await self._session.request(
                method,
                url,
                headers=headers,
                data=body,
                allow_redirects=False,
                proxy=proxy,
                ssl=self._contexts.of(url) if proxy or url.scheme == "https" else True,
            )
        self.observe(Answered(method, redact.url(url), response.status, time.monotonic() - started))
        self._pace.heed(url, response.status, response.headers)
        self._warn(url, response)
        return response

    def _proxy(self, url: URL) -> URL | None:
        """What the environment said when the origin was first asked."""
        origin = links.origin(url)
        if origin not in self._proxies:
            self._proxies[origin] = proxy_for(url)
        return self._proxies[origin]

    def _opened(self, body: bytes | Body | None, limit: asyncio.Timeout) -> AbstractAsyncContextManager[_Sent]:
        """The body of one request, closed with it."""
        if callable(body):
            return _streamed(_lazily(body(), limit, self.options.idle))
        return nullcontext(io.BytesIO(body) if body is not None else None)

    def _warn(self, url: URL, response: aiohttp.ClientResponse) -> None:
        """Hand on each warning of a registry once."""
        for text in answers.warnings(response.headers):
            if text not in self._warned and len(self._warned) < _MAX_WARNINGS:
                self._warned.add(text)
                self.observe(Noticed(f"{redact.host(url)} says: {text}"))

    async def _read_body(self, request: Request, response: aiohttp.ClientResponse) -> bytes:
        """The body, read no further than the limit; cut off there where the answer is an error anyway."""
        expected = response.status in request.expected
        limit = request.limit if expected else _ERROR_LIMIT
        body = bytearray()
        with failures.mapped(response.method, response.url):
            async for chunk in response.content.iter_chunked(_CHUNK):
                body += chunk
                if len(body) > limit:
                    break
        if len(body) > limit and expected and request.method == "GET":
            raise InvalidContent(
                f"the answer is larger than {limit} bytes",
                Exchange(request.method, redact.url(response.url), response.status),
            )
        return bytes(body[:limit])

    async def _chunks(self, response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
        with failures.mapped(response.method, response.url):
            async for chunk in response.content.iter_chunked(_CHUNK):
                yield chunk


def _is_temporary(answer: Answer) -> bool:
    codes = answers.exchange(answer).codes if answer.status >= 400 else ()
    return is_temporary(answer.status, codes)


def _check_encoding(request: Request, response: aiohttp.ClientResponse) -> None:
    """Refuse what cannot be decoded: it would be taken for damaged."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if response.status in request.expected and request.method != "HEAD" and encoding not in _ENCODINGS:
        raise InvalidContent(
            f"the answer is encoded as {answers.plain(encoding)[:100]!r}, which was not asked for",
            Exchange(request.method, redact.url(response.url), response.status),
        )


def _redirect(request: Request, response: aiohttp.ClientResponse) -> URL | None:
    """Where an answer sends us, or none where it is the answer."""
    location = response.headers.get("Location")
    if response.status not in _REDIRECTS or not location:
        return None
    exchange = Exchange(request.method, redact.url(response.url), response.status)
    writes = request.method not in {"GET", "HEAD"}
    if writes and response.status not in _REPEATING:
        raise RegistryError("a request that writes was redirected to one that reads", exchange)
    try:
        target = links.follow(response.url, location)
    except ValueError as error:
        raise RegistryError(f"the redirect {error}, and is not followed", exchange) from None
    if writes and not links.same_origin(target, response.url):
        raise RegistryError(f"a request that writes was redirected to {redact.host(target)}", exchange)
    return target


def _endless(request: Request, chain: Sequence[URL]) -> RegistryError:
    what = "redirected in a circle" if chain[-1] in chain[:-1] else f"more than {_MAX_REDIRECTS} redirects"
    steps = " → ".join(map(redact.url, chain))
    return RegistryError(f"{what}, {steps}", Exchange(request.method, redact.url(request.url)))


@asynccontextmanager
async def _streamed(chunks: AsyncGenerator[bytes, None]) -> AsyncIterator[AsyncGenerator[bytes, None]]:
    try:
        yield chunks
    finally:
        # Where aiohttp still reads it, it has cancelled that, which closes it as well.
        if not getattr(chunks, "ag_running", False):
            await chunks.aclose()


async def _lazily(
    chunks: AsyncGenerator[bytes, None], limit: asyncio.Timeout, seconds: float
) -> AsyncGenerator[bytes, None]:
    """The same chunks, the first not at once; each is taken in some seconds, or the limit is over.

    From Python 3.12 on, aiohttp begins to send a body before it looks for the answer, and cannot tell of a body that
    fails before it first waits. Nor has it a time-out for what it sends.
    """
    clock = asyncio.get_running_loop().time
    async with aclosing(chunks):
        await asyncio.sleep(0)
        async for chunk in chunks:
            if not limit.expired():
                limit.reschedule(clock() + seconds)
            yield chunk
            if not limit.expired():
                limit.reschedule(None)


async def _speaks_tls(url: URL) -> bool:
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            _, writer = await asyncio.open_connection(url.host, url.port, ssl=tls.unverified())
    except OSError:
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True


def proxy_for(url: URL) -> URL | None:
    """The proxy that the environment names for a URL; loopback is never asked for through one."""
    host = url.host or ""
    if is_loopback(host) or proxy_bypass(host) or proxy_bypass(f"{host}:{url.port}"):
        return None
    named = getproxies_environment()
    text = named.get(url.scheme) or named.get("all", "")
    if not text:
        return None
    try:
        proxy = URL(text if "://" in text else f"http://{text}")
        if proxy.scheme not in {"http", "https"} or not proxy.host or not proxy.port:
            raise ValueError
    except ValueError:
        # It may hold a password, and is not repeated.
        raise UsageError(
            f"the proxy that the environment names for {url.scheme} is no http or https URL",
            hint="see HTTPS_PROXY and HTTP_PROXY, or except the host in NO_PROXY",
        ) from None
    return proxy
