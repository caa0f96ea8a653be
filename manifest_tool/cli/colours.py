"""Foreign text for stdout: escaped, and on a terminal in the original's colours."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from manifest_tool.cli.text import safe_line


def wanted() -> bool:
    """Whether stdout is a terminal that may have colours (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


@dataclass(frozen=True, slots=True)
class Paint:
    """Text on one line, each kind in a colour of its own."""

    on: bool = False

    def name(self, value: object) -> str:
        """A name, a type or a platform."""
        return self.bold(32, value)

    def digest(self, value: object) -> str:
        """A digest."""
        return self.bold(33, value)

    def size(self, value: object) -> str:
        """Bytes."""
        return self.bold(34, value)

    def count(self, value: object) -> str:
        """How many there are, or the number of one of them."""
        return self.bold(31, value)

    def bold(self, colour: int, value: object) -> str:
        """Anything, in one of a terminal's colours (30 to 37)."""
        text = safe_line(str(value))
        return f"\x1b[1;{colour}m{text}\x1b[0m" if self.on and text else text
