"""JSON from strangers."""

from __future__ import annotations

import json


def decode(raw: bytes | str) -> object:
    """Read JSON as RFC 8259 has it: in UTF-8 and without a mark of it, ``NaN`` or ``Infinity``; raises `ValueError`."""
    text = raw.decode() if isinstance(raw, bytes) else raw
    try:
        value: object = json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value


def _refuse(text: str) -> float:
    raise ValueError(f"{text} is no JSON")
