"""What was inspected, as a tree; the only form that needs rich."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, TypeAlias

from manifest_tool.cli.text import safe_line
from manifest_tool.inspector import Inspected, blobs, leaves, platform_of

if TYPE_CHECKING:
    from rich.tree import Tree

    from manifest_tool.inspector import Child
    from manifest_tool.oci.descriptor import Descriptor
    from manifest_tool.oci.digest import Digest

Part: TypeAlias = tuple[str, str]
"""Some text, and its style."""

_NAME, _DIGEST, _SIZE, _MARK = "bold green", "yellow", "bold blue", "bold red"
_WIDTH = 10_000
"""Columns, so that no line is cut; a terminal does that better."""
_DIGITS = 12
"""How many of a digest are shown, as Docker does."""


@dataclass(frozen=True, slots=True)
class _Branch:
    """A line of the tree, and what hangs on it."""

    parts: tuple[Part, ...]
    below: tuple[_Branch, ...] = ()


def text(found: Inspected, name: str, *, coloured: bool = False) -> str:
    """The tree; ``name`` is what was asked for, as it was written."""
    from rich.console import Console

    root = _Branch(tuple(_root(found, name)), tuple(_below(found, _shared(found))))
    stream = StringIO()
    console = Console(
        file=stream,
        width=_WIDTH,
        color_system="standard" if coloured else None,
        force_terminal=coloured,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )
    console.print(_drawn(root))
    return stream.getvalue()


def _drawn(branch: _Branch) -> Tree:
    """What is foreign in the parts is escaped, and never markup."""
    from rich.text import Text
    from rich.tree import Tree

    label = Text("  ").join(Text(safe_line(text), style) for text, style in branch.parts)
    tree = Tree(label, guide_style="dim")
    tree.children += [_drawn(below) for below in branch.below]
    return tree


def _root(found: Inspected, name: str) -> Iterator[Part]:
    yield name, _NAME
    if not found.manifest.is_index:
        yield found.manifest.artifact_type or str(platform_of(found.config) or "no platform"), ""
        yield from _measured(found)
        return
    count = sum(not child.descriptor.is_attestation for child in leaves(found.children))
    yield "index", ""
    yield from _measured(found)
    yield f"{count} image{'' if count == 1 else 's'}", ""


def _below(node: Inspected | Child, shared: Counter[Digest]) -> Iterator[_Branch]:
    """What a manifest points to."""
    manifest = node.manifest
    if manifest and manifest.subject:
        yield _Branch((("subject", ""), (_short(manifest.subject.digest), _DIGEST)))
    if manifest and manifest.config:
        yield _blob("config", manifest.config, shared)
    for number, layer in enumerate(_layers(node), 1):
        yield _blob(f"layer {number:02}", layer, shared)
    for child in node.children:
        yield _Branch(((_title(child), _NAME), *_measured(child)), tuple(_below(child, shared)))


def _blob(label: str, entry: Descriptor, shared: Counter[Digest]) -> _Branch:
    count = shared[entry.digest]
    mark = [(f"shared by {count}", _MARK)] if count > 1 else []
    return _Branch(((label, ""), (_short(entry.digest), _DIGEST), (_human(entry.size), _SIZE), *mark))


def _shared(found: Inspected) -> Counter[Digest]:
    """How many images have each of the layers."""
    images = {child.descriptor.digest: child for child in leaves(found.children)}.values()
    return Counter(digest for image in images for digest in {layer.digest for layer in _layers(image)})


def _layers(node: Inspected | Child) -> tuple[Descriptor, ...]:
    return node.manifest.layers if node.manifest else ()


def _title(child: Child) -> str:
    """What a child is, in a few words."""
    entry, manifest = child.descriptor, child.manifest
    if entry.is_attestation:
        return f"attestation for {entry.describes.partition(':')[2][:_DIGITS]}"
    if manifest is None:
        return f"{entry.media_type} (not opened)"
    if manifest.is_index:
        return "index"
    platform = str(entry.platform or platform_of(child.config) or "no platform")
    return " ".join(filter(None, (platform, entry.artifact_type or manifest.artifact_type)))


def _measured(node: Inspected | Child) -> Iterator[Part]:
    """The digest, and the bytes of all that is below; of what was not opened, its own."""
    entry = node.manifest.descriptor if isinstance(node, Inspected) else node.descriptor
    size = sum(blob.size for blob in blobs(node).values()) if node.manifest else entry.size
    yield _short(entry.digest), _DIGEST
    yield _human(size), _SIZE


def _short(digest: Digest) -> str:
    return f"{digest.algorithm}:{digest.hex[:_DIGITS]}"


def _human(size: int) -> str:
    from rich.filesize import decimal

    return decimal(size)
