"""Documents: plain data that knows where each part of it was written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Data: TypeAlias = "dict[str, Data] | list[Data] | str | None"
Path: TypeAlias = tuple[str | int, ...]

_PLAIN = re.compile(r"[\w.-]{1,80}")


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says, or what arguments say that stand for one; every scalar is its text."""

    name: str
    """The file; empty for arguments."""
    data: Data
    places: Mapping[Path, str]
    """Where each value stands, in the order of the text; the root's is always there."""
    keys: Mapping[Path, str] = field(default_factory=dict)
    """Where the key of each value stands."""

    def where(self, path: Path) -> str:
        """Where the value stands, or the nearest that holds it."""
        while path not in self.places:
            path = path[:-1]
        return self.places[path]

    def where_key(self, path: Path) -> str:
        """Where the value's key stands."""
        return self.keys.get(path) or self.where(path)

    def label(self, path: Path) -> str:
        """The path for people: ``manifests[1].platform.os``; arguments have none."""
        return "".join(_step(part) for part in path).lstrip(".") if self.name else ""


def shown(text: str) -> str:
    """A text in quotes, and not all of a long one."""
    return repr(text if len(text) <= 80 else text[:79] + "…")


def _step(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if _PLAIN.fullmatch(part) else f"[{shown(part)}]"
