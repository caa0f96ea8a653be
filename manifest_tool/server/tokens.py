"""Tokens that a registry gives and takes back by itself: signed claims (JWT, RFC 7519; HS256, RFC 7515).

What is signed has the head that this registry writes, so no other algorithm and no other kind of token passes for one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from manifest_tool.server import rights

if TYPE_CHECKING:
    from manifest_tool.server.accounts import Hashes
    from manifest_tool.server.rights import Rights

SERVICE = "manifest-tool-registry"
SECONDS = 300
"""How long a token lasts; one to ask for others with lasts as long as the registry runs."""
LONGEST = 5000
"""Characters of scopes in one token, so that it stays below the 8,190 bytes that a header may have."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Whom a token was given to, and for what."""

    account: str
    """Empty: anybody."""
    rights: Rights


class Tokens:
    """Signs tokens with a key of its own, which ends with it; a password that changes ends what its account has."""

    def __init__(self, hashes: Hashes, *, clock: Callable[[], float] = time.time) -> None:
        self._hashes = hashes
        self._clock = clock
        self._key = secrets.token_bytes(32)

    def access(self, grant: Grant) -> str:
        """A token that requests are sent with."""
        now = int(self._clock())
        claims = {"iat": now, "exp": now + SECONDS, "scope": rights.text(grant.rights)}
        return self._signed(_ACCESS, claims | self._about(grant.account))

    def refresh(self, account: str) -> str:
        """A token that others are asked for with, in place of a password."""
        return self._signed(_REFRESH, self._about(account))

    def grant(self, token: str) -> Grant | None:
        """What a token allows, or none where it is not of this registry, or not any more."""
        claims = self._claims(_ACCESS, token)
        if claims is None or claims["exp"] <= self._clock():
            return None
        return Grant(claims["sub"], rights.parse(claims["scope"]))

    def refreshed(self, token: str) -> str:
        """Whose refresh token this is; empty where it is nobody's."""
        claims = self._claims(_REFRESH, token)
        account: str = claims["sub"] if claims else ""
        return account

    def _about(self, account: str) -> dict[str, str]:
        return {"iss": SERVICE, "aud": SERVICE, "sub": account, "ver": self._version(account)}

    def _version(self, account: str) -> str:
        """Tells the password of an account from the one before."""
        hashed = self._hashes().get(account, b"") if account else b"anybody"
        return hmac.digest(self._key, hashed, hashlib.sha256).hex()[:32] if hashed else ""

    def _signed(self, head: str, claims: Mapping[str, Any]) -> str:
        told = f"{head}.{_encoded(json.dumps(claims, ensure_ascii=False, separators=(',', ':')).encode())}"
        return f"{told}.{self._signature(told)}"

    def _claims(self, head: str, token: str) -> dict[str, Any] | None:
        told, _, signature = token.rpartition(".")
        if not told.startswith(f"{head}.") or not _same(signature, self._signature(told)):
            return None
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(told.removeprefix(f"{head}.") + "=="))
        version = self._version(claims["sub"])
        return claims if claims["aud"] == SERVICE and version and _same(claims["ver"], version) else None

    def _signature(self, told: str) -> str:
        return _encoded(hmac.digest(self._key, told.encode("utf-8", "surrogateescape"), hashlib.sha256))


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "surrogateescape"), other.encode())


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _head(kind: str) -> str:
    return _encoded(json.dumps({"alg": "HS256", "typ": kind}).encode())


_ACCESS, _REFRESH = _head("JWT"), _head("refresh+JWT")
