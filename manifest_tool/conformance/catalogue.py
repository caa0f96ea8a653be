"""All checks, in the order in which they are told."""

from __future__ import annotations

from manifest_tool.conformance.check import Group
from manifest_tool.conformance.checks import (
    accept,
    access,
    children,
    content,
    deletes,
    downloads,
    headers,
    indexes,
    kinds,
    limits,
    listing,
    mounts,
    reading,
    referrers,
    refusals,
    tags,
    uploads,
    visibility,
)

WRITING: tuple[Group, ...] = (
    access.CHECKS,
    uploads.CHECKS,
    downloads.CHECKS,
    refusals.CHECKS,
    Group("manifests", (*content.BASE, *kinds.CHECKS)),
    mounts.CHECKS,
    Group("indexes", indexes.CHECKS),
    Group("missing children", children.CHECKS),
    Group("tags", (*tags.CHECKS, *listing.CHECKS)),
    Group("visibility", visibility.CHECKS),
    Group("content", (*content.CHECKS, *headers.CHECKS, *accept.CHECKS)),
    Group("referrers", referrers.CHECKS),
    limits.CHECKS,
    deletes.CHECKS,
)
"""Those that put something into the registry, and what comes before them."""
READING: tuple[Group, ...] = (access.CHECKS, reading.CHECKS)
"""Those that ask for one reference, and write nothing."""
