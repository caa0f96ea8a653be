"""Text for a terminal."""

from __future__ import annotations

import re

# C0 without the newline, DEL, C1, and what changes the direction of writing.
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def safe(text: str) -> str:
    """The text with everything escaped that a terminal would act upon; it may come from a registry or a file."""
    return _SURROGATE.sub("\ufffd", _CONTROL.sub(lambda found: ascii(found[0])[1:-1], text))


def safe_line(text: str) -> str:
    """The same for what should stay on one line: a line break in it could pass for ours."""
    return safe(text).replace("\n", "\\n")


def safe_json(text: str) -> str:
    """JSON that says the same without what a terminal would act upon."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
