"""Debian's docker-registry with accounts: by htpasswd, and by the tokens of a service."""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import harness
from tests.registry.test_tls import Authority
from tests.registry.tokens import TokenService, token_service

SECRET = "hunter2"
_HTPASSWD = "me:$2b$04$54YPlcpyXdxf7M8A99eo7OvAX9XWmH98RFuE/P2EqOv50Q1/6L2oe\n"
"""The account as ``htpasswd -B`` writes it; Python has no bcrypt of its own."""


@contextmanager
def registry(folder: Path, *, http: str = "", more: str = "") -> Iterator[str]:
    with harness.docker_registry(harness.need("docker-registry"), folder, http=http, more=more) as host:
        yield host


@contextmanager
def guarded(folder: Path, *, http: str = "") -> Iterator[str]:
    """A registry with one account."""
    accounts = folder / "htpasswd"
    accounts.write_text(_HTPASSWD)
    more = f"auth: {{htpasswd: {{realm: test, path: {accounts}}}}}"
    with registry(folder / "registry", http=http, more=more) as host:
        yield host


@dataclass(frozen=True, slots=True)
class Signer:
    """Makes the tokens that docker-registry verifies (distribution, token authentication specification)."""

    authority: Authority
    program: str

    def __call__(self, granted: frozenset[tuple[str, str]]) -> str:
        now = int(time.time())
        names = sorted({name for name, _ in granted})
        access = [
            {"type": "repository", "name": name, "actions": sorted(right for of, right in granted if of == name)}
            for name in names
        ]
        claims = {"iss": "tokens", "aud": "registry.test", "nbf": now - 60, "exp": now + 300, "access": access}
        certificate = ssl.PEM_cert_to_DER_cert((self.authority.folder / "server.cert").read_text())
        head = {"typ": "JWT", "alg": "ES256", "x5c": [base64.b64encode(certificate).decode()]}
        signed = f"{_encoded(json.dumps(head).encode())}.{_encoded(json.dumps(claims).encode())}"
        return f"{signed}.{_encoded(self._signature(signed))}"

    def _signature(self, text: str) -> bytes:
        """The two numbers of an ECDSA signature, out of the DER that openssl gives."""
        command = [self.program, "dgst", "-sha256", "-sign", str(self.authority.folder / "server.key")]
        der = subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout
        first = der[4 : 4 + der[3]]
        second = der[6 + len(first) :]
        return b"".join(number.lstrip(b"\0").rjust(32, b"\0") for number in (first, second))


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@contextmanager
def with_tokens(folder: Path, authority: Authority) -> Iterator[tuple[str, TokenService]]:
    """A registry that takes the tokens of a service: ``me`` may push, ``keeper`` delete too, ``reader`` only pull."""
    signer = Signer(authority, harness.need("openssl"))
    with token_service(mint=signer) as service:
        service.add("me", SECRET, {"*": "pull,push"})
        service.add("keeper", SECRET, {"*": "pull,push,delete"})
        service.add("reader", SECRET, {"*": "pull"})
        settings = f"realm: {service.url}, service: {service.service}, issuer: tokens"
        more = f"auth: {{token: {{{settings}, rootcertbundle: {authority.folder / 'ca.crt'}}}}}"
        with registry(folder / "registry", more=more) as host:
            yield host, service
