"""What the results mean for a push: which of its features work on this registry, and what the others fall back to."""

from __future__ import annotations

from collections.abc import Sequence

from manifest_tool.conformance.result import Feature, Outcome, Result


def of(results: Sequence[Result]) -> tuple[Feature, ...]:
    """The features of a push, in the order in which it comes to them."""
    outcomes = {result.id: result.outcome for result in results}
    return (Feature("reach the registry", _passed(outcomes.get("ping"))),)


def _passed(outcome: Outcome | None) -> bool | None:
    return None if outcome in {None, Outcome.UNTRIED} else outcome is Outcome.PASS
