"""JSON from strangers."""

from __future__ import annotations

import json


def decode(raw: bytes | str) -> object:
    """Read JSON as RFC 8259 has it, which knows neither ``NaN`` nor ``Infinity``; raises `ValueError`."""
    try:
        value: object = json.loads(raw, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value


def _refuse(text: str) -> float:
    raise ValueError(f"{text} is no JSON")
