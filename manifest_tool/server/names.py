"""Names of repositories (distribution-spec § Pulling manifests)."""

from __future__ import annotations

import re

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_MAX = 255


def is_name(text: str) -> bool:
    """Whether this may name a repository; a name is always safe as a path below a folder."""
    return len(text) <= _MAX and _NAME.fullmatch(text) is not None
