"""Challenges, as registries and the proxies before them write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_tool.registry import challenge
from manifest_tool.registry.challenge import Challenge

_REALM = "https://auth.test/token"


@pytest.mark.parametrize(
    ("line", "scheme", "parameters"),
    [
        ('Bearer realm="https://a/t",service="s"', "bearer", {"realm": "https://a/t", "service": "s"}),
        ('BEARER REALM="https://a/T",Service="S"', "bearer", {"realm": "https://a/T", "service": "S"}),
        ("Bearer realm=https://a/t,service=s", "bearer", {"realm": "https://a/t", "service": "s"}),
        ('Bearer realm = "x" ,  service\t=\t"s"', "bearer", {"realm": "x", "service": "s"}),
        ('Bearer realm="x" service="s"', "bearer", {"realm": "x", "service": "s"}),
        (
            'Bearer realm="x",scope="r:a:pull,push r:b:pull"',
            "bearer",
            {"realm": "x", "scope": "r:a:pull,push r:b:pull"},
        ),
        (r'Bearer realm="x",service="a,b \"c\" \\"', "bearer", {"realm": "x", "service": r'a,b "c" ' + "\\"}),
        ('Bearer realm="x",realm="y"', "bearer", {"realm": "x"}),
        ('Bearer realm=""', "bearer", {"realm": ""}),
        ("Bearer realm=", "bearer", {}),
        ('Bearer realm="never closed', "bearer", {"realm": ""}),
        ("Negotiate", "negotiate", {}),
        ("Negotiate YII==", "negotiate", {}),
        (', ,Basic realm="x",,', "basic", {"realm": "x"}),
        ('Digest qop="auth,auth-int", nonce="n"', "digest", {"qop": "auth,auth-int", "nonce": "n"}),
    ],
)
def test_one_challenge(line: str, scheme: str, parameters: dict[str, str]) -> None:
    (found,) = challenge.parse([line])
    assert (found.scheme, found.parameters) == (scheme, parameters)


@pytest.mark.parametrize(
    "lines",
    [
        ['Basic realm="r"', 'Bearer realm="t",service="s"'],
        ['Basic realm="r", Bearer realm="t",service="s"'],
        ['Basic realm="r" , Bearer realm="t" , service="s"'],
        ["Basic realm=r, Bearer realm=t, service=s"],
    ],
)
def test_several_challenges(lines: list[str]) -> None:
    basic, bearer = challenge.parse(lines)
    assert (basic.scheme, basic.parameters) == ("basic", {"realm": "r"})
    assert (bearer.scheme, bearer.parameters) == ("bearer", {"realm": "t", "service": "s"})


def test_token68_and_bare_schemes_stand_beside_others() -> None:
    found = challenge.parse(['Negotiate abc/+==, NTLM, Bearer realm="t", Digest nonce="n"'])
    assert [item.scheme for item in found] == ["negotiate", "ntlm", "bearer", "digest"]
    assert found[2].parameters == {"realm": "t"}


@pytest.mark.parametrize("lines", [[], [""], [" , ,"], ["=", '"'], ["\x00"]])
def test_nothing_in_it(lines: list[str]) -> None:
    assert challenge.parse(lines) == ()


_TOKENS = st.text("abcdefghijklmnopqrstuvwxyz-_0123456789", min_size=1, max_size=8)
_VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20)
_CHALLENGES = st.builds(Challenge, _TOKENS, st.dictionaries(_TOKENS, _VALUES, min_size=1, max_size=4))


def _written(item: Challenge) -> str:
    quoted = {name: value.replace("\\", "\\\\").replace('"', '\\"') for name, value in item.parameters.items()}
    return f"{item.scheme} " + ", ".join(f'{name}="{value}"' for name, value in quoted.items())


@given(st.lists(_CHALLENGES, max_size=4), st.booleans())
def test_what_is_written_is_read(items: list[Challenge], one_line: bool) -> None:
    lines = [_written(item) for item in items]
    found = challenge.parse([", ".join(lines)] if one_line else lines)
    assert [(item.scheme, item.parameters) for item in found] == [(item.scheme, item.parameters) for item in items]


@given(st.lists(st.text(max_size=60) | st.text('Bearerealm=", \\\t', max_size=60), max_size=3))
def test_no_text_is_too_odd(lines: list[str]) -> None:
    challenge.parse(lines)


def test_a_hostile_header_takes_no_time() -> None:
    for line in ('Bearer a="' + "\\" * 50_000, "Bearer " + "a=" * 50_000, "a" * 100_000, '"' * 100_000):
        challenge.parse([line])
