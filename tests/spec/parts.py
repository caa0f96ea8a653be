"""What the tests of this folder share."""

from __future__ import annotations

from collections.abc import Sequence

from manifest_tool.errors import ManifestToolError
from manifest_tool.spec.model import Spec


def one(found: Sequence[Spec | ManifestToolError]) -> Spec:
    """The only spec of a file; an error is raised."""
    (spec,) = found
    if isinstance(spec, ManifestToolError):
        raise spec
    return spec
