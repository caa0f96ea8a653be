"""The two kinds of index that are published."""

from __future__ import annotations

from enum import StrEnum

from manifest_tool.oci import media_type as types


class Kind(StrEnum):
    """What to publish."""

    DOCKER = "docker"
    """A Docker manifest list."""
    OCI = "oci"
    """An OCI image index."""

    @property
    def media_type(self) -> str:
        return types.DOCKER_LIST if self is Kind.DOCKER else types.OCI_INDEX
