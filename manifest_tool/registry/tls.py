"""Whom to trust, and as whom to speak, host by host; and what it means where TLS fails."""

from __future__ import annotations

import os
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from manifest_tool.errors import UsageError
from manifest_tool.registry import links

if TYPE_CHECKING:
    from yarl import URL

    from manifest_tool.registry.links import Origin

_PEM = "certificates and keys stand in files as PEM text"

WANTED = "it may speak https: leave out --plain-http"
FOLDERS = (Path("/etc/docker/certs.d"), Path("/etc/containers/certs.d"))
"""Where Docker and podman keep what they know of single registries, for everybody."""


def folders() -> tuple[Path, ...]:
    """The same with that of the user, which goes first."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config")
    with suppress(RuntimeError):  # there are containers whose user has no home
        return (home.expanduser() / "containers" / "certs.d", *FOLDERS)
    return FOLDERS


@dataclass(frozen=True, slots=True)
class Trust:
    """Authorities and client certificates: the system's, a file's, and those of single hosts."""

    ca_file: str = ""
    """Authorities beside those of the system."""
    folders: tuple[Path, ...] = field(default_factory=folders)
    """Each has a folder a host: ``*.crt`` are authorities, ``*.cert`` with ``*.key`` what we show ourselves with.

    Where several have something to show, the first one's is shown.
    """

    def context(self, url: URL) -> ssl.SSLContext:
        """What TLS with the host of a URL is spoken with; raises `UsageError` where a file is of no use."""
        made = self.common()
        # OpenSSL shows the certificate that it was given last.
        for folder in reversed(self.folders_of(url)):
            for path in sorted(folder.glob("*.crt")):
                _add_authorities(made, path)
            for path in sorted(folder.glob("*.cert")):
                _add_certificate(made, path, path.with_suffix(".key"))
        return made

    def common(self) -> ssl.SSLContext:
        """The same for hosts of which nothing is kept."""
        made = ssl.create_default_context()
        # Since Python 3.13 it refuses authorities that say less than RFC 5280 wants; every other client takes them.
        made.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if self.ca_file:
            _add_authorities(made, Path(self.ca_file).expanduser())
        return made

    def folders_of(self, url: URL) -> tuple[Path, ...]:
        """The folders that are there for the host of a URL; the port may be left out where it is that of https."""
        host = url.host_subcomponent or ""
        names = dict.fromkeys((f"{host}:{url.port}", url.host_port_subcomponent or host))
        return tuple(path for folder in self.folders for name in names if (path := folder / name).is_dir())


class Contexts:
    """The contexts of one run: each is made once, and hosts of which nothing is kept share one."""

    def __init__(self, trust: Trust, *, verify: bool = True) -> None:
        self._trust = trust
        self._verify = verify
        # Reading the system's authorities takes its time; a file of ours that is wrong is told at once.
        self._common = self._finished(trust.common()) if trust.ca_file else None
        self._made: dict[Origin, ssl.SSLContext] = {}

    def of(self, url: URL) -> ssl.SSLContext:
        """The context for a URL."""
        origin = links.origin(url)
        if origin not in self._made:
            special = url.scheme == "https" and self._trust.folders_of(url)
            self._made[origin] = self._finished(self._trust.context(url)) if special else self._shared()
        return self._made[origin]

    def _shared(self) -> ssl.SSLContext:
        if self._common is None:
            self._common = self._finished(self._trust.common())
        return self._common

    def _finished(self, context: ssl.SSLContext) -> ssl.SSLContext:
        return context if self._verify else unverified(context)


def unverified(context: ssl.SSLContext | None = None) -> ssl.SSLContext:
    """A context, or else the system's own, that verifies nothing."""
    context = context or ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a certificate is not accepted, and what to do about it."""

    reason: str
    hint: str


_SELF_SIGNED = 18
_NOT_YET, _EXPIRED = 9, 10
_NAMES = frozenset({62, 64})


def explain(error: Exception) -> Fault:
    """What the refusal of a certificate means (``X509_V_ERR_*`` of OpenSSL)."""
    code = getattr(error, "verify_code", 0)
    words = getattr(error, "verify_message", "").rstrip(".") or "it cannot be verified"
    if code in _NAMES:
        return Fault(f"it is for another name: {words}", "use the name that the certificate is for")
    if code == _EXPIRED:
        return Fault(words, "it has to be renewed at the registry; see also whether the clock here is right")
    if code == _NOT_YET:
        return Fault(words, "see whether the clock here is right")
    hint = "name the file with your authority's certificates with --ca-file or in SSL_CERT_FILE, or pass --insecure"
    if code == _SELF_SIGNED:
        return Fault(words, f"{hint}; a self-signed certificate is its own authority")
    return Fault(words, hint)


def _add_authorities(context: ssl.SSLContext, path: Path) -> None:
    try:
        context.load_verify_locations(path)
    except OSError as error:
        raise UsageError(f"cannot read authorities from {path}: {_reason(error)}", hint=_PEM) from None


def _add_certificate(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    if not key.is_file():
        raise UsageError(f"there is no key {key} for the certificate beside it", hint="NAME.cert goes with NAME.key")
    try:
        # Without an answer OpenSSL would ask the terminal.
        context.load_cert_chain(certificate, key, password="")
    except OSError as error:
        raise UsageError(f"cannot use {certificate} with its key: {_reason(error)}", hint=_PEM) from None


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no PEM").replace("_", " ").lower()
    return (error.strerror or type(error).__name__).lower()
