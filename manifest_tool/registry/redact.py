"""URLs for people: what could be a secret is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yarl import URL

_PUBLIC = frozenset({"digest", "from", "last", "mount", "n", "scope", "service", "tag", "artifactType"})


def url(value: URL) -> str:
    """The URL without a user name, a fragment, and the values of query parameters that the protocol does not name."""
    query = "&".join(f"{name}={text if name in _PUBLIC else '…'}" for name, text in value.query.items())
    return f"{value.origin() if value.host else ''}{value.path}" + (f"?{query}" if query else "")
