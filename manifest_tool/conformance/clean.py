"""Foreign text that people read: nothing in it acts on a terminal, a page or a parser."""

from __future__ import annotations


def clean(text: str) -> str:
    """The text with everything escaped that is not printable, but for the ends of lines."""
    lines = text.replace("\r\n", "\n").expandtabs(4).split("\n")
    return "\n".join(map(clean_line, lines))


def clean_line(text: str) -> str:
    """The same for what should stay on one line."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
