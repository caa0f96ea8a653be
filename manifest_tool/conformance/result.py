"""What a conformance run found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby


class Outcome(StrEnum):
    """What became of a check."""

    PASS = "pass"  # noqa: S105  # no password
    FAIL = "fail"
    UNSUPPORTED = "unsupported"
    """The registry says, or shows clearly, that it does not do this."""
    UNTRIED = "not tried"

    @property
    def counted(self) -> str:
        """What stands behind a number of checks that ended so."""
        return {Outcome.PASS: "passed", Outcome.FAIL: "failed"}.get(self, self.value)


class State(StrEnum):
    """What becomes of a feature of a push."""

    WORKS = "works"
    FALLS_BACK = "falls back"
    MISSING = "missing"
    UNTRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer as text, without secrets."""

    method: str
    url: str
    """Redacted."""
    status: int = 0
    """0 where no answer came."""
    request_headers: Sequence[tuple[str, str]] = ()
    """Those that the check is about; what is sent with each request, and accounts, are left out."""
    request_body: str = ""
    headers: Sequence[tuple[str, str]] = ()
    body: str = ""
    error: str = ""
    """Why no answer came."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Result:
    """How one check ended."""

    id: str
    group: str
    title: str
    outcome: Outcome
    detail: str = ""
    """Why it did not pass, or what was measured."""
    needed: bool = False
    """Whether a push needs it."""
    seconds: float = 0.0
    exchanges: Sequence[Exchange] = ()
    """All of them, in order; the last one decided."""


@dataclass(frozen=True, slots=True)
class Feature:
    """Something a push uses, and what it does where the registry lacks it."""

    name: str
    works: bool | None
    """None where it was not tried."""
    otherwise: str = ""
    """What happens then; empty where there is nothing to fall back to."""

    @property
    def state(self) -> State:
        if self.works is None:
            return State.UNTRIED
        if self.works:
            return State.WORKS
        return State.FALLS_BACK if self.otherwise else State.MISSING


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run."""

    subject: str
    """The repository, or the reference, that was tested."""
    results: Sequence[Result]
    features: Sequence[Feature] = ()
    left: Sequence[str] = ()
    """References that could not be removed, or that were to be kept."""
    started: str = ""
    """UTC, RFC 3339."""
    seconds: float = 0.0
    notices: Sequence[str] = ()
    """What happened beside the checks, such as the requests that the registry put off."""
    kept: bool = False
    """Whether what is left was to be kept."""
    interrupted: bool = False
    """Whether the run was ended before every check had been tried."""

    @property
    def groups(self) -> Iterator[tuple[str, Sequence[Result]]]:
        """The results of each group, in order."""
        for title, results in groupby(self.results, lambda result: result.group):
            yield title, tuple(results)

    def count(self, outcome: Outcome) -> int:
        return sum(result.outcome is outcome for result in self.results)

    @property
    def lacking(self) -> Sequence[str]:
        """What a push needs and does not have here: checks by their id, and features."""
        bad = {Outcome.FAIL, Outcome.UNSUPPORTED}
        checks = (result.id for result in self.results if result.needed and result.outcome in bad)
        features = (feature.name for feature in self.features if feature.state is State.MISSING)
        return (*checks, *features)

    @property
    def sufficient(self) -> bool:
        """Whether a push has all that it needs, so far as that was tried."""
        return not self.interrupted and not self.lacking
