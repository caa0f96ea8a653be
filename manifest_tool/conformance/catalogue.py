"""All checks, in the order in which they are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifest_tool.conformance.checks import access

if TYPE_CHECKING:
    from manifest_tool.conformance.check import Group

WRITING: tuple[Group, ...] = (access.CHECKS,)
"""Those that put something into the registry, and what comes before them."""
READING: tuple[Group, ...] = ()
"""Those that ask for one reference, and write nothing."""
