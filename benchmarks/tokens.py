"""A token server whose tokens docker-registry verifies, and the check that holds the embedded registry to them.

``python -m benchmarks.tokens FOLDER REALM PORT`` serves tokens on the port, and, each on a free one, the embedded
registry without any check and with it. FOLDER holds what `make_key` made, and REALM is where challenges send clients.
It prints the addresses as JSON.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import secrets
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from aiohttp import encode_basic_auth, web

from manifest_tool.server.app import create_app
from manifest_tool.server.memory import MemoryStore

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware

ACCOUNT, SECRET = "bench", "bench-secret"
"""The one account; it may do everything."""
SERVICE, ISSUER = "registry", "tokens"

_CERTIFICATE, _KEY = "tokens.crt", "tokens.der"
_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
"""What stands before a SHA-256 in a PKCS #1 signature."""
_NAMED = re.compile(r"/v2/(?P<name>.+)/(?:manifests|blobs|tags|referrers)/")

Rights: TypeAlias = frozenset[tuple[str, str]]
"""Repositories and actions."""


def make_key(folder: Path) -> Path:
    """Make a key and its certificate with openssl; gives the certificate's path."""
    certificate = folder / _CERTIFICATE
    pem = folder / "tokens.pem"
    names = ("-subj", "/CN=tokens", "-days", "2", "-keyout", str(pem), "-out", str(certificate))
    _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", *names)
    _openssl("rsa", "-traditional", "-in", str(pem), "-outform", "DER", "-out", str(folder / _KEY))
    return certificate


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


@dataclass(frozen=True, slots=True)
class Signer:
    """An RSA key; signing here costs less than a process of openssl for each token."""

    modulus: int
    primes: tuple[int, int]
    exponents: tuple[int, int]
    coefficient: int
    certificate: str
    """Base64, as tokens carry it."""

    @classmethod
    def load(cls, folder: Path) -> Signer:
        modulus, _, _, p, q, dp, dq, coefficient = _integers((folder / _KEY).read_bytes())
        lines = (folder / _CERTIFICATE).read_text().splitlines()
        return cls(modulus, (p, q), (dp, dq), coefficient, "".join(lines[1:-1]))

    def sign(self, data: bytes) -> bytes:
        """Sign as RS256."""
        size = (self.modulus.bit_length() + 7) // 8
        info = _DIGEST_INFO + hashlib.sha256(data).digest()
        number = int.from_bytes(b"\0\1" + b"\xff" * (size - len(info) - 3) + b"\0" + info)
        (p, q), (dp, dq) = self.primes, self.exponents
        first, second = pow(number, dp, p), pow(number, dq, q)
        return (second + q * (self.coefficient * (first - second) % p)).to_bytes(size)

    def token(self, rights: Rights) -> str:
        """A token as docker-registry takes them."""
        now = int(time.time())
        access = [
            {"type": "repository", "name": name, "actions": sorted(action for of, action in rights if of == name)}
            for name in sorted({name for name, _ in rights})
        ]
        claims = {"iss": ISSUER, "aud": SERVICE, "nbf": now - 60, "exp": now + 3600, "access": access}
        claims["jti"] = secrets.token_hex(8)
        head = {"typ": "JWT", "alg": "RS256", "x5c": [self.certificate]}
        signed = f"{_encoded(json.dumps(head).encode())}.{_encoded(json.dumps(claims).encode())}"
        return f"{signed}.{_encoded(self.sign(signed.encode()))}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _integers(der: bytes) -> list[int]:
    """The numbers of a PKCS #1 private key, but for the version that they begin with."""
    found = []
    _, place = _length(der, 1)
    while place < len(der):
        size, place = _length(der, place + 1)
        found.append(int.from_bytes(der[place : place + size]))
        place += size
    return found[1:]


def _length(der: bytes, place: int) -> tuple[int, int]:
    """A length, and the place behind it."""
    first = der[place]
    if first < 0x80:
        return first, place + 1
    behind = place + 1 + (first & 0x7F)
    return int.from_bytes(der[place + 1 : behind]), behind


@dataclass(slots=True)
class Tokens:
    """Issues tokens, and knows those that it has issued."""

    signer: Signer
    realm: str
    issued: dict[str, Rights] = field(default_factory=dict)

    async def issue(self, request: web.Request) -> web.Response:
        """Answer a request for a token: everything to the account, and nothing to anybody else."""
        known = request.headers.get("Authorization") == encode_basic_auth(ACCOUNT, SECRET)
        scopes = [scope for text in request.query.getall("scope", []) for scope in text.split()] if known else []
        rights = frozenset(right for scope in scopes for right in _rights(scope))
        token = self.signer.token(rights)
        self.issued[token] = rights
        return web.json_response({"token": token, "access_token": token, "expires_in": 3600})

    def middleware(self) -> Middleware:
        """What demands a token from every request to the embedded registry."""

        @web.middleware
        async def demand(request: web.Request, handler: Handler) -> web.StreamResponse:
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            rights = self.issued.get(token) if scheme == "Bearer" else None
            needed = _needed(request)
            if rights is None or not needed <= rights:
                return web.json_response(
                    {"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]},
                    status=401,
                    headers={"WWW-Authenticate": self._challenge(needed)},
                )
            return await handler(request)

        return demand

    def _challenge(self, needed: Rights) -> str:
        found: dict[str, list[str]] = {}
        for name, action in sorted(needed):
            found.setdefault(name, []).append(action)
        scopes = " ".join(f"repository:{name}:{','.join(actions)}" for name, actions in found.items())
        return f'Bearer realm="{self.realm}",service="{SERVICE}"' + (f',scope="{scopes}"' if scopes else "")


def _rights(scope: str) -> Rights:
    kind, _, rest = scope.partition(":")
    repository, _, actions = rest.rpartition(":")
    return frozenset((repository, action) for action in actions.split(",") if kind == "repository")


def _needed(request: web.Request) -> Rights:
    named = _NAMED.match(request.path)
    actions = ["pull"] if request.method in {"GET", "HEAD"} else ["pull", "push"]
    needed = {(named["name"], action) for action in actions} if named else set()
    if "mount" in request.query:
        needed.add((request.query.get("from", ""), "pull"))
    return frozenset(needed)


async def serve(folder: Path, realm: str, port: int) -> None:
    """Serve until stdin ends."""
    tokens, store = Tokens(Signer.load(folder), realm), MemoryStore()
    endpoint = web.Application()
    endpoint.router.add_get("/token", tokens.issue)
    addresses = {
        "open": await _listen(create_app(store), 0),
        "guarded": await _listen(create_app(store, middlewares=[tokens.middleware()]), 0),
        "tokens": await _listen(endpoint, port),
    }
    sys.stdout.write(json.dumps(addresses) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


async def _listen(app: web.Application, port: int) -> str:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    return f"127.0.0.1:{runner.addresses[0][1]}"


def main() -> None:
    """Run in the foreground, whatever the terminal says: whoever started this cleans up first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    folder, realm, port = sys.argv[1:]
    asyncio.run(serve(Path(folder), realm, int(port)))


if __name__ == "__main__":
    main()
