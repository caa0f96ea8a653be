"""``WWW-Authenticate`` (RFC 9110 § 11.6.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_EQUALS = re.compile(r"[ \t]*=[ \t]*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
# Wider than the RFC's token: there are registries that send a URL without quotes.
_BARE = re.compile(r'[^\s,"]+')
_TOKEN68 = re.compile(r"[ \t]+[A-Za-z0-9._~+/-]+=*[ \t]*(?=,|$)")
_GAP = re.compile(r"[ \t,]*")


@dataclass(frozen=True, slots=True)
class Challenge:
    """A scheme in lower case, and its parameters by lower-case name."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict, hash=False)


def parse(lines: Iterable[str]) -> tuple[Challenge, ...]:
    """Every challenge of every header line, as far as they can be read."""
    return tuple(challenge for line in lines for challenge in _line(line))


def _line(line: str) -> list[Challenge]:
    found: list[Challenge] = []
    parameters: dict[str, str] = {}
    position = _after(_GAP, line, 0)
    while matched := _TOKEN.match(line, position):
        position = matched.end()
        equals = _EQUALS.match(line, position)
        if equals and found:
            value, position = _value(line, equals.end())
            parameters.setdefault(matched[0].lower(), value)
        else:
            parameters = {}
            found.append(Challenge(matched[0].lower(), parameters))
            position = _after(_TOKEN68, line, position)
        position = _after(_GAP, line, position)
    return found


def _value(line: str, position: int) -> tuple[str, int]:
    if quoted := _QUOTED.match(line, position):
        return re.sub(r"\\(.)", r"\1", quoted[1]), quoted.end()
    if bare := _BARE.match(line, position):
        return bare[0], bare.end()
    return "", position


def _after(pattern: re.Pattern[str], line: str, position: int) -> int:
    matched = pattern.match(line, position)
    return matched.end() if matched else position
