"""Text for a terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from manifest_tool.cli.text import safe


def test_what_a_terminal_would_act_upon_is_shown() -> None:
    assert safe("a\x1b[31mb\r\x07\x9b\u202e\x7f") == r"a\x1b[31mb\r\x07\x9b\u202e\x7f"
    assert safe("two\nlines, [red]é[/red]") == "two\nlines, [red]é[/red]"


@given(st.text())
def test_nothing_else_is_left(text: str) -> None:
    cleaned = safe(text)
    cleaned.encode()
    assert all(character == "\n" or ord(character) >= 32 for character in cleaned)
    assert safe(cleaned) == cleaned
