"""URLs for people: what could be a secret is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yarl import URL

_PUBLIC = frozenset({"digest", "from", "last", "mount", "n", "scope", "service", "tag", "artifactType"})


def url(value: URL) -> str:
    """The URL without a user name, a fragment, and the values of query parameters that the protocol does not name.

    The rest stays encoded, so that nothing in it acts on a terminal.
    """
    base = f"{value.scheme}://{host(value)}" if value.host else ""
    query = "&".join(map(_parameter, filter(None, value.raw_query_string.split("&"))))
    return f"{base}{value.raw_path}" + (f"?{query}" if query else "")


def host(value: URL) -> str:
    """The host, with its port where that is not the scheme's own."""
    return value.host_port_subcomponent or "an invalid URL"


def _parameter(text: str) -> str:
    name, _, given = text.partition("=")
    return f"{name}={given if name in _PUBLIC else '…'}"
