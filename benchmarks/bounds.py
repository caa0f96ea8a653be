"""What a push may take: a floor of round trips, and a fixed time beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from benchmarks.registries import Auth

Scenario: TypeAlias = Literal["same", "across", "unchanged", "inspect"]

SCENARIOS: dict[Scenario, str] = {
    "same": "push to the repository of the sources",
    "across": "push from a repository for each source",
    "unchanged": "the same push, of what is already in place",
    "inspect": "show the index and its images",
}
ALLOWANCE = 0.2
"""Seconds for a process to start, and for everything that is no waiting."""

_FLOOR: dict[Scenario, dict[Auth, int]] = {
    "same": {"none": 4, "token": 7},
    "across": {"none": 5, "token": 8},
    "unchanged": {"none": 3, "token": 6},
    "inspect": {"none": 4, "token": 7},
}
"""The connection is one round, then manifests, configs beside mounts, children, the index; a token costs three more:
the challenge, a connection to another host, and the token."""


def floor(scenario: Scenario, auth: Auth) -> int:
    """The fewest round trips, however many platforms there are."""
    return _FLOOR[scenario][auth]


def bound(scenario: Scenario, auth: Auth, rtt: float) -> float:
    """The seconds that a run may take."""
    return floor(scenario, auth) * rtt + ALLOWANCE
