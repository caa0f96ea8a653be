"""Manifests: image manifests and indexes, as the bytes that travelled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from manifest_tool.oci import media_type as types
from manifest_tool.oci import strict_json
from manifest_tool.oci.descriptor import Descriptor
from manifest_tool.oci.digest import Digest

MAX_SIZE = 4 * 1024 * 1024
"""Bytes; the least that every registry must accept (distribution-spec § Pushing Manifests)."""

_GENERIC = frozenset({"", "application/json", "application/octet-stream", "text/plain", "binary/octet-stream"})


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest is its bytes; everything else here is read from them."""

    raw: bytes = field(repr=False)
    digest: Digest
    media_type: str
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    manifests: tuple[Descriptor, ...] = ()
    subject: Descriptor | None = None
    """The manifest that this one is about."""
    artifact_type: str = ""
    """Its own, as it was given."""
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)

    @classmethod
    def parse(cls, raw: bytes, content_type: str = "", digest: Digest | None = None) -> Self:
        """Read the bytes of a manifest; raises `ValueError` with the reason why they are none.

        The media type is the document's own, else that of ``content_type``, else what the structure tells.
        ``digest`` is the name under which the bytes were asked for and verified; without it, it is their sha256.
        """
        document = _load(raw, content_type)
        media_type = _media_type(document, types.essence(content_type))
        index = media_type in types.INDEXES
        if index and ("layers" in document or "config" in document):
            raise ValueError("it has both manifests and layers, and so could be read in two ways")
        if not index and "manifests" in document:
            raise ValueError("it calls itself an image and has manifests")
        return cls(
            raw=raw,
            digest=digest or Digest.of(raw),
            media_type=media_type,
            config=Descriptor.from_json(document["config"]) if document.get("config") is not None else None,
            layers=_descriptors(document, "layers"),
            manifests=_descriptors(document, "manifests"),
            subject=Descriptor.from_json(document["subject"]) if document.get("subject") is not None else None,
            artifact_type=_text(document.get("artifactType")),
            annotations=_texts(document.get("annotations")),
        )

    @property
    def is_index(self) -> bool:
        """Whether this is a Docker manifest list or an OCI image index."""
        return self.media_type in types.INDEXES

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.raw)

    @property
    def descriptor(self) -> Descriptor:
        """What points to this manifest; without a platform."""
        return Descriptor(self.media_type, self.digest, self.size)

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """What the repository of this manifest must hold: the config and the layers, foreign ones left out."""
        layers = (layer for layer in self.layers if not types.is_foreign(layer.media_type))
        found = (*((self.config,) if self.config else ()), *layers)
        return tuple({blob.digest: blob for blob in found}.values())


def _load(raw: bytes, content_type: str) -> dict[str, Any]:
    if raw.lstrip()[:1] == b"<":
        raise ValueError(f"it is HTML or XML ({types.essence(content_type) or 'no content type'}), not a manifest")
    try:
        document = strict_json.decode(raw)
    except ValueError as error:
        raise ValueError(f"it is not JSON ({str(error)[:100]})") from None
    if not isinstance(document, dict):
        raise ValueError("it is not a JSON object")
    return document


def _media_type(document: dict[str, Any], header: str) -> str:
    own = document.get("mediaType")
    if not isinstance(own, str):
        own = ""
    if header in types.SCHEMA1 or own in types.SCHEMA1 or document.get("schemaVersion") == 1:
        raise ValueError(
            "it is a schema 1 manifest, which no index can carry; push the image again with a current tool"
        )
    known = types.INDEXES | types.MANIFESTS
    if own and own != header and header in known:
        raise ValueError(f"its mediaType is {own[:100]!r}, but the registry sent it as {header!r}")
    media_type = own or (header if header not in _GENERIC else _structure(document))
    if media_type not in known:
        raise ValueError(f"its media type {media_type[:100]!r} is neither an image manifest's nor an index's")
    return media_type


def _structure(document: dict[str, Any]) -> str:
    if isinstance(document.get("manifests"), list):
        return types.OCI_INDEX
    if isinstance(document.get("config"), dict) and isinstance(document.get("layers"), list):
        return types.OCI_MANIFEST
    raise ValueError("it has neither manifests nor a config with layers")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> dict[str, str]:
    """Annotations; what is no text among them is nothing to us, as it is carried along as it stands."""
    return {key: text for key, text in value.items() if isinstance(text, str)} if isinstance(value, dict) else {}


def _descriptors(document: dict[str, Any], key: str) -> tuple[Descriptor, ...]:
    found = document.get(key)
    if found is None:
        return ()
    if not isinstance(found, list):
        raise ValueError(f"its {key} are not a list")
    return tuple(Descriptor.from_json(item) for item in found)
