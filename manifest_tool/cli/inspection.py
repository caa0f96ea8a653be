"""What was inspected, in the original's words and in its JSON; pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

from manifest_tool.cli.text import safe_json, safe_line
from manifest_tool.errors import InvalidContent
from manifest_tool.oci import go_json
from manifest_tool.oci.descriptor import ATTESTATION, REFERENCE_TYPE
from manifest_tool.oci.platform import Platform

if TYPE_CHECKING:
    from manifest_tool.inspector import Child, Inspected
    from manifest_tool.oci.manifest import Manifest

Order: TypeAlias = Mapping[str, "Order"]
"""The keys of an object as Go's types order them, and those of the objects in it; any others follow by name."""

_UNORDERED: Order = {}
_PLATFORM: Order = dict.fromkeys(("architecture", "os", "os.version", "os.features", "variant"), _UNORDERED)
_DESCRIPTOR: Order = {
    **dict.fromkeys(("mediaType", "digest", "size", "urls", "annotations", "data"), _UNORDERED),
    "platform": _PLATFORM,
    "artifactType": _UNORDERED,
}
_MANIFEST: Order = {
    **dict.fromkeys(("schemaVersion", "mediaType", "artifactType"), _UNORDERED),
    "config": _DESCRIPTOR,
    "layers": _DESCRIPTOR,
    "subject": _DESCRIPTOR,
    "annotations": _UNORDERED,
}
_INDEX: Order = dict.fromkeys(("schemaVersion", "mediaType", "manifests", "annotations"), _UNORDERED)
_SETTINGS = "User ExposedPorts Env Entrypoint Cmd Volumes WorkingDir Labels StopSignal ArgsEscaped"
_STEP = "created created_by author comment empty_layer"
_CONFIG: Order = {
    **dict.fromkeys(("created", "author"), _UNORDERED),
    **_PLATFORM,
    "config": dict.fromkeys(_SETTINGS.split(), _UNORDERED),
    "rootfs": dict.fromkeys(("type", "diff_ids"), _UNORDERED),
    "history": dict.fromkeys(_STEP.split(), _UNORDERED),
}
_EXPANDED = ("schemaVersion", "name", "digest", "os", "architecture", "mediaType", "config", "layers", "subject")


def text(found: Inspected, name: str) -> str:
    """The human form, whose labels scripts look for; ``name`` is what was asked for, as it was written."""
    lines = _index(found, name) if found.manifest.is_index else _image(found, name)
    return "".join(f"{safe_line(line)}\n" for line in lines)


def raw(found: Inspected, name: str, *, expand_config: bool = False) -> str:
    """The JSON form; raises `InvalidContent` where what was read is nested deeper than can be printed."""
    try:
        if found.manifest.is_index:
            document = _raw_index(found, name)
        else:
            document = _raw_image(found, name, expand_config=expand_config)
        return safe_json(go_json.encode(document, indent=4).decode()) + "\n"
    except RecursionError:
        raise InvalidContent(f"{found.reference} is nested too deeply to be printed") from None


def _index(found: Inspected, name: str) -> Iterator[str]:
    attestations = sum(child.descriptor.is_attestation for child in found.children)
    images = len(found.children) - attestations
    yield f"Name:   {name} (Type: {found.manifest.media_type})"
    yield f"Digest: {found.manifest.digest}"
    yield (
        f" * Contains {len(found.children)} manifest references"
        f" ({_count(images, 'image')}, {_count(attestations, 'attestation')}):"
    )
    for number, child in enumerate(found.children, 1):
        yield from _child(child, f"[{number}]")


def _child(child: Child, number: str) -> Iterator[str]:
    descriptor = child.descriptor
    kind = f" ({REFERENCE_TYPE}={ATTESTATION})" if descriptor.is_attestation else ""
    yield f"{number}     Type: {descriptor.media_type}{kind}"
    yield f"{number}   Digest: {descriptor.digest}"
    yield f"{number}   Length: {descriptor.size}"
    if child.manifest is None:
        yield f"Unknown media type for further display: {descriptor.media_type}"
        return
    if descriptor.is_attestation:
        yield f"{number}       >>> Attestation for digest: {descriptor.describes}"
    else:
        yield from (f"{number} {line}" for line in _platform(descriptor.platform))
        yield from _layers(child.manifest, number)
    yield ""


def _platform(platform: Platform | None) -> Iterator[str]:
    if platform is None:
        return
    yield "Platform:"
    yield f"   -      OS: {platform.os}"
    if platform.os_version:
        yield f"   - OS Vers: {platform.os_version}"
    if platform.os_features:
        yield f"   - OS Feat: [{' '.join(platform.os_features)}]"
    yield f"   -    Arch: {platform.architecture}"
    if platform.variant:
        yield f"   - Variant: {platform.variant}"


def _layers(manifest: Manifest, number: str) -> Iterator[str]:
    yield f"{number} # Layers: {len(manifest.layers)}"
    for position, layer in enumerate(manifest.layers, 1):
        yield f"     layer {position:02}: digest = {layer.digest}"
        yield f"                 type = {layer.media_type}"


def _image(found: Inspected, name: str) -> Iterator[str]:
    platform = Platform.from_json(dict(found.config or {}))
    yield f"Name: {name} (Type: {found.manifest.media_type})"
    yield f"      Digest: {found.manifest.digest}"
    yield f"        Size: {found.manifest.size}"
    yield f"          OS: {platform.os}"
    yield f"        Arch: {platform.architecture}"
    yield f"    # Layers: {len(found.manifest.layers)}"
    for position, layer in enumerate(found.manifest.layers, 1):
        yield f"      layer {position:02}: digest = {layer.digest}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number > 1 else ''}"


def _raw_index(found: Inspected, name: str) -> dict[str, object]:
    head: dict[str, object] = {"name": name, "digest": str(found.manifest.digest)}
    document = json.loads(found.manifest.raw)
    entries = document.get("manifests") or []
    shown = [_raw_child(child, entry) for child, entry in zip(found.children, entries, strict=True)]
    return {**head, **_ordered(document, _INDEX), "manifests": shown, **head}


def _raw_child(child: Child, entry: dict[str, object]) -> dict[str, object]:
    """The manifest of a child; where that is not known, the entry that points to it."""
    if child.manifest is None:
        return _ordered(entry, _DESCRIPTOR)
    return _ordered(json.loads(child.manifest.raw), _MANIFEST)


def _raw_image(found: Inspected, name: str, *, expand_config: bool) -> dict[str, object]:
    platform = Platform.from_json(dict(found.config or {}))
    known = {"os": platform.os, "architecture": platform.architecture}
    head: dict[str, object] = {"name": name, "digest": str(found.manifest.digest)}
    head |= {key: value for key, value in known.items() if value}
    # A manifest has none of these keys; should one have them, ours count.
    image = {**head, **_ordered(json.loads(found.manifest.raw), _MANIFEST), **head}
    if not expand_config:
        return image
    if found.config is not None:
        image["config"] = _ordered(found.config, _CONFIG)
    return {key: image[key] for key in (*_EXPANDED, *image) if key in image}


def _ordered(value: Mapping[str, object], order: Order) -> dict[str, object]:
    """The same object with its keys in order."""
    ranks = {key: rank for rank, key in enumerate(order)}
    keys = sorted(value, key=lambda key: (ranks.get(key, len(ranks)), key))
    return {key: _inside(value[key], order.get(key, _UNORDERED)) for key in keys}


def _inside(value: object, order: Order) -> object:
    if isinstance(value, list):
        return [_inside(item, order) for item in value]
    return _ordered(value, order) if isinstance(value, dict) else value
