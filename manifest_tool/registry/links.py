"""Where a registry sends us: URLs out of its headers, none of them trusted."""

from __future__ import annotations

import string
from typing import TypeAlias
from urllib.parse import quote

from yarl import URL

from manifest_tool.oci.host import is_local

Origin: TypeAlias = tuple[str, str, int | None]


def follow(base: URL, text: str) -> URL:
    """What ``text`` means at ``base``, its path and query to the letter; raises `ValueError` where it is not followed.

    A user name and a password in it are dropped: nobody but the user says who we are.
    """
    # What no URL may hold is encoded; aiohttp would put it on the wire as it is.
    encoded = quote(text.strip(), safe=string.punctuation, errors="surrogateescape")
    if encoded.lower().startswith(f"{_authority(base)}/"):
        # There are registries that leave out the scheme.
        encoded = f"//{encoded}"
    try:
        target = base.join(URL(encoded, encoded=True))
        if target.scheme not in {"http", "https"} or not target.host or not target.port:
            raise ValueError
        target.host.encode("idna")
        target = target.with_user(None).with_fragment(None)
    except ValueError:
        raise ValueError("is no http or https URL") from None
    if base.scheme == "https" and target.scheme == "http":
        raise ValueError("leaves https")
    if is_local(target.host or "") and not is_local(base.host or ""):
        raise ValueError("leads to a local address")
    return target


def _authority(base: URL) -> str:
    return (base.host_port_subcomponent or "").lower()


def same_origin(one: URL, other: URL) -> bool:
    """Whether two URLs have the same scheme, host and port, however these are written (RFC 9110 § 4.3.1)."""
    return origin(one) == origin(other)


def origin(url: URL) -> Origin:
    """What a URL has in common with every other one of its server."""
    return url.scheme, (url.host or "").lower(), url.port
