"""Hosts that are near."""

from __future__ import annotations

import pytest

from manifest_tool.oci import host as hosts


@pytest.mark.parametrize(
    ("host", "loopback", "local"),
    [
        ("localhost", True, True),
        ("LOCALHOST.", True, True),
        ("a.localhost", True, True),
        ("127.0.0.1", True, True),
        ("127.1", True, True),
        ("2130706433", True, True),
        ("0.0.0.0", True, True),
        ("::1", True, True),
        ("::ffff:127.0.0.1", True, True),
        ("169.254.169.254", False, True),
        ("fe80::1", False, True),
        ("10.0.0.1", False, False),
        ("127.evil.test", False, False),
        ("r.test", False, False),
        ("", False, False),
    ],
)
def test_what_is_near(host: str, loopback: bool, local: bool) -> None:
    assert (hosts.is_loopback(host), hosts.is_local(host)) == (loopback, local)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1", True),
        ("64:ff9b::808:808", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fe80::1", False),
        ("fe80::1%1", False),
        ("fd00::1", False),
        ("ff0e::1", False),
        ("::ffff:10.0.0.1", False),
        ("2002:a00:1::", False),
        ("64:ff9b::a00:1", False),
    ],
)
def test_what_the_whole_internet_reaches(address: str, public: bool) -> None:
    assert hosts.is_public(address) == public
