"""The one place where what aiohttp, ssl and the system raise becomes an error of our own."""

from __future__ import annotations

import errno
import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import aiohttp

from manifest_tool.errors import Exchange, RegistryError, Unreachable
from manifest_tool.oci.host import is_loopback
from manifest_tool.registry import redact, tls
from manifest_tool.registry.answers import plain
from manifest_tool.registry.retry import is_temporary

if TYPE_CHECKING:
    from yarl import URL

_RANGE_REFUSED = 416


def is_transient(error: RegistryError) -> bool:
    """Whether another try may end better, one that begins elsewhere included."""
    if error.final:
        return False
    if isinstance(error, Unreachable):
        return error.transient
    about = error.exchange
    return about is not None and (about.status == _RANGE_REFUSED or is_temporary(about.status, about.codes))


def retry_after(error: RegistryError) -> Mapping[str, str]:
    """The header that says when, where the answer had one."""
    after = error.exchange.retry_after if error.exchange else ""
    return {"Retry-After": after} if after else {}


@contextmanager
def mapped(method: str, url: URL, *, plain_http: bool = False) -> Iterator[None]:
    """Raise `Unreachable` for everything that keeps a request from being answered.

    With ``plain_http``, loopback was not tried with TLS either.
    """
    try:
        yield
    except (aiohttp.ClientError, OSError) as error:
        about = Exchange(method, redact.url(url))
        host = redact.host(url)
        raise (_tls(error, host, about) or _connection(error, host, about, _hint(url, plain_http=plain_http))) from None


def _tls(error: Exception, host: str, about: Exchange) -> Unreachable | None:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        fault = tls.explain(error.certificate_error)
        return Unreachable(f"the certificate of {host} is not trusted, {fault.reason}", about, hint=fault.hint)
    if not isinstance(error, aiohttp.ClientConnectorSSLError):
        return None
    text = str(error.os_error)
    if "WRONG_VERSION_NUMBER" in text or "RECORD_LAYER_FAILURE" in text:
        return Unreachable(f"{host} does not speak TLS", about, hint="pass --plain-http where it speaks plain http")
    reason = getattr(error.os_error, "reason", "") or text
    return Unreachable(f"no TLS connection to {host}, {reason[:100]}", about)


def _hint(url: URL, *, plain_http: bool) -> str:
    """What to do where plain http is hung up on; loopback is else asked for TLS then anyway."""
    return tls.WANTED if url.scheme == "http" and (plain_http or not is_loopback(url.host or "")) else ""


def _connection(error: Exception, host: str, about: Exchange, hint: str) -> Unreachable:
    if isinstance(error, aiohttp.InvalidURL):
        return Unreachable("the URL is not valid", about)
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return Unreachable(
            f"the proxy refuses to connect to {host}, {error.status} {plain(error.message)[:100]}", about
        )
    if isinstance(error, aiohttp.ClientResponseError):
        return Unreachable(f"{host} does not answer with HTTP, {plain(error.message)[:100]}", about, hint=hint)
    hung_up = isinstance(error, aiohttp.ServerDisconnectedError | ConnectionResetError)
    return Unreachable(_reason(error, host), about, hint=hint if hung_up else "", transient=True)


def _reason(error: Exception, host: str) -> str:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"the name {error.host} cannot be resolved"
    if isinstance(error, TimeoutError):
        return f"{host} did not answer in time"
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return f"cannot connect to the proxy {error.host}:{error.port}, {_system(error.os_error)}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"cannot connect to {host}, {_system(error.os_error)}"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return f"{host} closed the connection without an answer"
    if isinstance(error, aiohttp.ClientPayloadError):
        return f"{host} broke off in the middle of its answer"
    return f"the connection to {host} failed, {_system(error)}"


def _system(error: Exception) -> str:
    """The system's words for an error; those of aiohttp may hold a whole URL."""
    if isinstance(error, ssl.SSLError):
        return getattr(error, "reason", None) or "TLS error"
    number = getattr(error, "errno", None) or (errno.ECONNRESET if isinstance(error, ConnectionResetError) else 0)
    return os.strerror(number).lower() if number > 0 else type(error).__name__
