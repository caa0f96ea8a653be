"""Tokens, and what passes for one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_tool.server import rights
from manifest_tool.server.accounts import fixed
from manifest_tool.server.tokens import LONGEST, SECONDS, Grant, Tokens
from tests.registry.parts import Clock

GRANT = Grant("me", rights.parse("repository:a:pull,push repository:b:pull"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(clock: Clock) -> Tokens:
    return Tokens(fixed({"me": "hunter2"}), clock=clock)


def encoded(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=="))


def test_a_token_is_taken_until_its_end(tokens: Tokens, clock: Clock) -> None:
    token = tokens.access(GRANT)
    assert tokens.grant(token) == GRANT
    clock.now += SECONDS - 1
    assert tokens.grant(token) == GRANT
    clock.now += 1
    assert tokens.grant(token) is None


def test_a_refresh_token_has_no_end(tokens: Tokens, clock: Clock) -> None:
    token = tokens.refresh("me")
    clock.now += 1e9
    assert tokens.refreshed(token) == "me"


def test_one_kind_is_not_the_other(tokens: Tokens) -> None:
    assert tokens.grant(tokens.refresh("me")) is None
    assert tokens.refreshed(tokens.access(GRANT)) == ""


def test_another_registry_s_are_not_taken(tokens: Tokens) -> None:
    other = Tokens(fixed({"me": "hunter2"}))
    assert tokens.grant(other.access(GRANT)) is None
    assert tokens.refreshed(other.refresh("me")) == ""


def test_it_is_a_jwt(tokens: Tokens, clock: Clock) -> None:
    head, claims, _ = tokens.access(GRANT).split(".")
    assert decoded(head) == {"alg": "HS256", "typ": "JWT"}
    told = decoded(claims)
    assert (told["sub"], told["aud"], told["exp"]) == ("me", "manifest-tool-registry", clock.now + SECONDS)
    assert told["scope"] == "repository:a:pull,push repository:b:pull"


def test_what_was_changed_is_not_taken(tokens: Tokens) -> None:
    head, claims, signature = tokens.access(GRANT).split(".")
    more = encoded(decoded(claims) | {"scope": "repository:a:delete", "exp": 1e12})
    none = encoded({"alg": "none", "typ": "JWT"})
    key = encoded({"alg": "HS256", "typ": "JWT", "jwk": {"kty": "oct", "k": ""}})
    by_nothing = base64.urlsafe_b64encode(hmac.digest(b"", f"{key}.{claims}".encode(), hashlib.sha256)).decode()
    for text in (
        f"{head}.{more}.{signature}",
        f"{none}.{claims}.",
        f"{none}.{more}.",
        f"{none}.{claims}.{signature}",
        f"{key}.{claims}.{by_nothing.rstrip('=')}",
        f"{head}.{claims}.",
        f"{head}.{claims}",
        f"{head}..{signature}",
        f"{head}.{claims}.{signature}=",
        f"{head}.{claims}.{signature}\n",
        f"{head}.{claims}.{signature}.",
        f" {head}.{claims}.{signature}",
        f"{head}.{claims}=.{signature}",
        f"{head}.{claims}.{signature[:-1]}",
        f"{head}.{claims}.{signature.swapcase()}",
        f"{head}.{claims}.ü",
        f"{head}.\udcff.{signature}",
        "",
        ".",
        "..",
    ):
        assert tokens.grant(text) is None, text
        assert tokens.refreshed(text) == "", text


@given(st.text())
def test_no_text_is_a_token(text: str) -> None:
    tokens = Tokens(fixed({}))
    assert tokens.grant(text) is None
    assert tokens.refreshed(text) == ""


def test_the_last_character_has_no_room_for_another_spelling(tokens: Tokens) -> None:
    token = tokens.access(GRANT)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert [found for found in alphabet if tokens.grant(token[:-1] + found)] == [token[-1]]


def test_an_account_that_is_gone_or_has_another_password_has_no_tokens(clock: Clock) -> None:
    hashes = dict(fixed({"me": "hunter2"})())
    tokens = Tokens(lambda: hashes, clock=clock)
    access, refresh = tokens.access(GRANT), tokens.refresh("me")
    anybody = tokens.access(Grant("", GRANT.rights))
    hashes["me"] = fixed({"me": "hunter2"})()["me"]
    assert (tokens.grant(access), tokens.refreshed(refresh)) == (None, "")
    access, refresh = tokens.access(GRANT), tokens.refresh("me")
    assert (tokens.grant(access), tokens.refreshed(refresh)) == (GRANT, "me")
    del hashes["me"]
    assert (tokens.grant(access), tokens.refreshed(refresh)) == (None, "")
    assert tokens.grant(anybody) == Grant("", GRANT.rights)


def test_the_longest_fits_into_a_header() -> None:
    name = "\U0001f40d" * 63
    tokens = Tokens(fixed({name: "hunter2"}))
    scopes = " ".join(f"repository:{'a' * 40}{number}:pull,push" for number in range(80))[:LONGEST]
    token = tokens.access(Grant(name, rights.parse(scopes)))
    assert 4000 < len(f"Bearer {token}") < 8190 - 500
