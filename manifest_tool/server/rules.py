"""What a registry insists on, where the specification leaves it free to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rules:
    """What is asked of the manifests that are pushed."""

    sparse: bool = False
    """Take a manifest whose blobs or children are not there (distribution-spec § Pushing Manifests)."""


STRICT = Rules()
"""No manifest whose parts are missing, as most registries have it."""
