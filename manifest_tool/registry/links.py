"""Where a registry sends us: URLs out of its headers, none of them trusted."""

from __future__ import annotations

import string
from ipaddress import IPv4Address, IPv6Address, ip_address
from socket import inet_aton
from urllib.parse import quote

from yarl import URL


def follow(base: URL, text: str) -> URL:
    """What ``text`` means at ``base``, its path and query to the letter; raises `ValueError` where it is not followed.

    A user name and a password in it are dropped: nobody but the user says who we are.
    """
    # What no URL may hold is encoded; aiohttp would put it on the wire as it is.
    encoded = quote(text.strip(), safe=string.punctuation, errors="surrogateescape")
    try:
        target = base.join(URL(encoded, encoded=True))
        if target.scheme not in {"http", "https"} or not target.host or not target.port:
            raise ValueError
        target = target.with_user(None).with_fragment(None)
    except ValueError:
        raise ValueError("is no http or https URL") from None
    if base.scheme == "https" and target.scheme == "http":
        raise ValueError("leaves https")
    return target


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its name or address."""
    name = host.removesuffix(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = _address(name)
    return address is not None and (address.is_loopback or address.is_unspecified)


def is_local(host: str) -> bool:
    """Whether a host is this machine, or one that only this machine's link reaches, as clouds' metadata are."""
    address = _address(host)
    return is_loopback(host) or (address is not None and address.is_link_local)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is; ``127.1`` is one for the system, so it is one here."""
    try:
        address = ip_address(host)
    except ValueError:
        try:
            return IPv4Address(inet_aton(host))
        except (OSError, ValueError):
            return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
