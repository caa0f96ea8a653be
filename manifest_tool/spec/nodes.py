"""The nodes of a YAML document, and the plain data that they mean once aliases and merge keys are written out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from manifest_tool.errors import Problem, SpecError
from manifest_tool.spec.document import Data, Document, Path

MAX_DEPTH = 32
MAX_NODES = 50_000
"""Values in one document, each counted as often as an alias repeats it."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text; None where the document says that there is nothing."""

    where: str
    text: str | None
    merges: bool = False
    """Whether it is ``<<``, which as a key means the entries of another map."""


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    where: str
    nodes: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Pairs:
    """A map; its keys are scalars, each once."""

    where: str
    pairs: dict[str, tuple[Scalar, Node]] = field(default_factory=dict)


Node: TypeAlias = Scalar | Items | Pairs


def refuse(where: str, message: str, hint: str = "") -> SpecError:
    """The error for a document that cannot be read on."""
    return SpecError([Problem(where, "", message, hint)])


def expand(name: str, root: Node) -> Document:
    """Write aliases and merge keys out; raises `SpecError` where that has no end in sight."""
    expansion = _Expansion()
    data = expansion.value(root, (), 1)
    return Document(name, data, expansion.places, expansion.keys)


class _Expansion:
    def __init__(self) -> None:
        self.places: dict[Path, str] = {}
        self.keys: dict[Path, str] = {}
        self._left = MAX_NODES

    def value(self, node: Node, path: Path, depth: int) -> Data:
        self._count(node, depth)
        self.places[path] = node.where
        match node:
            case Scalar(text=text):
                return text
            case Items(nodes=nodes):
                present = (item for item in nodes if not (isinstance(item, Scalar) and item.text is None))
                return [self.value(item, (*path, number), depth + 1) for number, item in enumerate(present)]
            case Pairs():
                return {key: self._entry(*pair, (*path, key), depth) for key, pair in self._merged(node, depth).items()}

    def _entry(self, key: Scalar, node: Node, path: Path, depth: int) -> Data:
        self.keys[path] = key.where
        return self.value(node, path, depth + 1)

    def _merged(self, node: Pairs, depth: int) -> dict[str, tuple[Scalar, Node]]:
        """The map's own entries, and those of the maps that it merges: own before merged, earlier before later."""
        found = {text: pair for text, pair in node.pairs.items() if not pair[0].merges}
        for key, value in node.pairs.values():
            if key.merges:
                for source in _sources(value):
                    self._count(source, depth + 1)
                    for text, pair in self._merged(source, depth + 1).items():
                        self._count(pair[0], depth)
                        found.setdefault(text, pair)
        return found

    def _count(self, node: Node, depth: int) -> None:
        if depth > MAX_DEPTH and not isinstance(node, Scalar):
            raise too_deep(node.where)
        self._left -= 1
        if self._left < 0:
            raise too_many(node.where)


def too_deep(where: str) -> SpecError:
    return refuse(where, f"this is nested deeper than {MAX_DEPTH} levels", "a spec needs 4")


def too_many(where: str) -> SpecError:
    return refuse(where, f"the document holds more than {MAX_NODES:,} values", "aliases count each time")


def _sources(node: Node) -> Iterator[Pairs]:
    for source in node.nodes if isinstance(node, Items) else (node,):
        if not isinstance(source, Pairs):
            raise refuse(source.where, "<< takes a map or a list of maps", "write <<: *name, with &name at a map")
        yield source
