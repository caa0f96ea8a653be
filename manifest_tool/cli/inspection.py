"""What was inspected, in the original's words and in its JSON; pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from manifest_tool.cli.colours import Paint
from manifest_tool.cli.text import safe_json, safe_line
from manifest_tool.errors import InvalidContent
from manifest_tool.inspector import platform_of
from manifest_tool.oci import go_json
from manifest_tool.oci.descriptor import ATTESTATION, REFERENCE_TYPE

if TYPE_CHECKING:
    from manifest_tool.inspector import Child, Inspected
    from manifest_tool.oci.descriptor import Descriptor
    from manifest_tool.oci.manifest import Manifest
    from manifest_tool.oci.platform import Platform

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
PLAIN = Paint()
_EXPANDED = ("schemaVersion", "name", "digest", "os", "architecture", "mediaType", "config", "layers", "subject")


def text(found: Inspected, name: str, paint: Paint = PLAIN) -> str:
    """The human form, whose labels scripts look for; ``name`` is what was asked for, as it was written."""
    lines = [*(_index if found.manifest.is_index else _image)(found, name, paint)]
    if found.referrers is not None:
        lines += _referrers(found.referrers, paint)
    return "".join(f"{line}\n" for line in lines)


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


def _index(found: Inspected, name: str, paint: Paint) -> Iterator[str]:
    attestations = sum(child.descriptor.is_attestation for child in found.children)
    images = len(found.children) - attestations
    yield f"Name:   {paint.name(name)} (Type: {paint.name(found.manifest.media_type)})"
    yield f"Digest: {paint.digest(found.manifest.digest)}"
    yield (
        f" * Contains {paint.count(len(found.children))} manifest references"
        f" ({_count(images, 'image', paint)}, {_count(attestations, 'attestation', paint)}):"
    )
    for number, child in enumerate(found.children, 1):
        yield from _child(child, f"[{number}]", paint)


def _child(child: Child, number: str, paint: Paint) -> Iterator[str]:
    descriptor = child.descriptor
    kind = f" ({REFERENCE_TYPE}={ATTESTATION})" if descriptor.is_attestation else ""
    yield f"{number}     Type: {paint.name(descriptor.media_type)}{paint.name(kind)}"
    yield f"{number}   Digest: {paint.digest(descriptor.digest)}"
    yield f"{number}   Length: {paint.size(descriptor.size)}"
    if child.manifest is None:
        yield f"Unknown media type for further display: {safe_line(descriptor.media_type)}"
        return
    if descriptor.is_attestation:
        yield f"{number}       >>> Attestation for digest: {paint.digest(descriptor.describes)}"
    else:
        yield from (f"{number} {line}" for line in _platform(descriptor.platform, paint))
        yield from _layers(child.manifest, number, paint)
    yield ""


def _platform(platform: Platform | None, paint: Paint) -> Iterator[str]:
    if platform is None:
        return
    yield "Platform:"
    yield f"   -      OS: {paint.name(platform.os)}"
    if platform.os_version:
        yield f"   - OS Vers: {paint.name(platform.os_version)}"
    if platform.os_features:
        yield f"   - OS Feat: {paint.name('[' + ' '.join(platform.os_features) + ']')}"
    yield f"   -    Arch: {paint.name(platform.architecture)}"
    if platform.variant:
        yield f"   - Variant: {paint.name(platform.variant)}"


def _layers(manifest: Manifest, number: str, paint: Paint) -> Iterator[str]:
    yield f"{number} # Layers: {paint.count(len(manifest.layers))}"
    for position, layer in enumerate(manifest.layers, 1):
        yield f"     layer {paint.count(f'{position:02}')}: digest = {paint.digest(layer.digest)}"
        yield f"                 type = {paint.name(layer.media_type)}"


def _image(found: Inspected, name: str, paint: Paint) -> Iterator[str]:
    platform = platform_of(found.config)
    yield f"Name: {paint.name(name)} (Type: {paint.name(found.manifest.media_type)})"
    yield f"      Digest: {paint.digest(found.manifest.digest)}"
    yield f"        Size: {paint.size(found.manifest.size)}"
    yield f"          OS: {paint.name(platform.os)}"
    yield f"        Arch: {paint.name(platform.architecture)}"
    yield f"    # Layers: {paint.count(len(found.manifest.layers))}"
    for position, layer in enumerate(found.manifest.layers, 1):
        yield f"      layer {paint.count(f'{position:02}')}: digest = {paint.digest(layer.digest)}"


def _referrers(referrers: Sequence[Descriptor], paint: Paint) -> Iterator[str]:
    """What the original has no form for; numbered otherwise than the manifests of an index."""
    noun = "manifest" if len(referrers) == 1 else "manifests"
    yield f" * Referred to by {paint.count(len(referrers))} {noun}{':' if referrers else ''}"
    for number, entry in enumerate(referrers, 1):
        yield f"({number})     Type: {paint.name(entry.media_type)}"
        if entry.artifact_type:
            yield f"({number}) Artifact: {paint.name(entry.artifact_type)}"
        yield f"({number})   Digest: {paint.digest(entry.digest)}"
        yield f"({number})   Length: {paint.size(entry.size)}"
        for key, value in sorted(entry.annotations.items()):
            yield f"({number})    - {safe_line(key)}: {paint.name(value)}"
        yield ""


def _count(number: int, noun: str, paint: Paint) -> str:
    return f"{paint.count(number)} {noun}{'s' if number > 1 else ''}"


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
    platform = platform_of(found.config)
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
