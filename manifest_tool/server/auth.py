"""The ways to tell who asks; read by the command line, so nothing is imported here."""

from __future__ import annotations

from enum import StrEnum


class Auth(StrEnum):
    """How a registry asks who somebody is."""

    NONE = "none"
    BASIC = "basic"
    """By name and password, in every request."""
    TOKEN = "token"  # noqa: S105  # a word
    """By a token, which its own endpoint gives for name and password."""
