"""Hosts that are this machine, or that only its link reaches."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from socket import inet_aton

_NAT64 = IPv6Network("64:ff9b::/96")


@lru_cache(maxsize=1024)
def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its name or address."""
    name = host.removesuffix(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = _address(name)
    return address is not None and (address.is_loopback or address.is_unspecified)


@lru_cache(maxsize=1024)
def is_local(host: str) -> bool:
    """Whether a host is this machine, or one that only this machine's link reaches, as clouds' metadata are."""
    address = _address(host)
    return is_loopback(host) or (address is not None and address.is_link_local)


def is_public(address: str) -> bool:
    """Whether an address is one that the whole internet reaches, and not this machine, its network or its cloud."""
    found = ip_address(address)
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or found.sixtofour or _translated(found) or found
    return found.is_global and not found.is_multicast


def _translated(address: IPv6Address) -> IPv4Address | None:
    """The address that a NAT64 in the network would make of one (RFC 6052)."""
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None


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
