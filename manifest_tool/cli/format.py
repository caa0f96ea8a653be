"""How results are printed."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """How a result is printed."""

    TEXT = "text"
    JSON = "json"
