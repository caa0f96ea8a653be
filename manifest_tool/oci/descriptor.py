"""Descriptors: what points to content (image-spec, descriptor.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from manifest_tool.errors import InvalidDigest
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.platform import Platform

REFERENCE_TYPE = "vnd.docker.reference.type"
REFERENCE_DIGEST = "vnd.docker.reference.digest"
ATTESTATION = "attestation-manifest"


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A media type, a digest and a size, and what an index says of them."""

    media_type: str
    digest: Digest
    size: int
    """Bytes."""
    platform: Platform | None = None
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    urls: tuple[str, ...] = ()
    data: str = ""
    """The content itself in base64, as it was given."""
    artifact_type: str = ""

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Read a descriptor; raises `ValueError` that says which field is wrong."""
        if not isinstance(value, dict):
            raise ValueError("a descriptor is not an object")
        size = value.get("size")
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 2**63:
            raise ValueError(f"the size of a descriptor is {str(size)[:40]!r}")
        platform = value.get("platform")
        return cls(
            media_type=_string(value, "mediaType"),
            digest=_digest(value),
            size=size,
            platform=Platform.from_json(platform) if isinstance(platform, dict) else None,
            annotations=_strings(value, "annotations"),
            urls=_urls(value),
            data=_string(value, "data"),
            artifact_type=_string(value, "artifactType"),
        )

    @property
    def is_attestation(self) -> bool:
        """Whether BuildKit wrote this entry to describe another one."""
        return self.annotations.get(REFERENCE_TYPE) == ATTESTATION

    @property
    def describes(self) -> str:
        """The digest of the entry that an attestation is about, as text."""
        return self.annotations.get(REFERENCE_DIGEST, "")


def _digest(value: dict[str, Any]) -> Digest:
    try:
        return Digest.parse(_string(value, "digest"))
    except InvalidDigest as error:
        raise ValueError(str(error)) from None


def _string(value: dict[str, Any], key: str) -> str:
    found = value.get(key)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise ValueError(f"{key} of a descriptor is not a string")
    return found


def _urls(value: dict[str, Any]) -> tuple[str, ...]:
    found = value.get("urls")
    if found is None:
        return ()
    if not isinstance(found, list) or not all(isinstance(url, str) for url in found):
        raise ValueError("urls of a descriptor are not a list of strings")
    return tuple(found)


def _strings(value: dict[str, Any], key: str) -> dict[str, str]:
    found = value.get(key)
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(item, str) for item in found.values()):
        raise ValueError(f"{key} of a descriptor are not strings by name")
    return dict(found)
