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
