"""A check: a question to a registry, and the ways in which it is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from manifest_tool.conformance.probe import Probe

Question: TypeAlias = "Callable[[Probe], Awaitable[str | None]]"
"""Asks, and raises one of the verdicts below; what it returns is told beside a pass."""


class Verdict(Exception):
    """A check ends here; the text says why."""


class Failed(Verdict):
    """The registry does something that it must not do, or not what it must."""


class Unsupported(Verdict):
    """The registry does not do this, and shows so in a way that a client can act on."""


class Untried(Verdict):
    """What the question stands on is not there."""


class Limited(Verdict):
    """The registry does not let anybody ask as often as the question takes, however patiently."""


@dataclass(frozen=True, slots=True)
class Check:
    """A question, and what is known of it before it is asked."""

    id: str
    """Such as ``blob-chunked``; it does not change from version to version."""
    title: str
    """What is claimed: ``a blob is uploaded in chunks``."""
    ask: Question
    needed: bool = False
    """Whether a push needs it."""
    after: tuple[str, ...] = ()
    """Checks without whose pass this one is not tried."""


@dataclass(frozen=True, slots=True)
class Group:
    """Checks about one thing."""

    title: str
    checks: tuple[Check, ...]
