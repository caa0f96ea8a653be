"""Sizes as people write them: ``500M``, ``20G``, ``1.5TiB``."""

from __future__ import annotations

import re

import typer

_SIZE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,3})?)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)
_UNITS = ("", "k", "m", "g", "t")


def parse(text: str) -> int:
    """Bytes; units are powers of 1024. Raises `typer.BadParameter`."""
    matched = _SIZE.fullmatch(text.strip())
    size = int(float(matched[1]) * 1024 ** _UNITS.index(matched[2].lower())) if matched else 0
    if not size:
        raise typer.BadParameter(f"{text!r} is no size, such as 500M, 20G or 1T")
    return size
