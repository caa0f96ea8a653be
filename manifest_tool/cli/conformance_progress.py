"""A conformance run while it goes on, on stderr: a live line on a terminal, plain lines otherwise."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from manifest_tool.cli import progress, streams
from manifest_tool.conformance.result import Outcome
from manifest_tool.events import Noticed

if TYPE_CHECKING:
    from rich.status import Status

    from manifest_tool.conformance.check import Check
    from manifest_tool.conformance.result import Result
    from manifest_tool.events import Event

_SPINNER = 3
"""Columns before the live line, and one behind it."""


@contextmanager
def following(total: int, *, debug: bool) -> Iterator[Follower]:
    """Somebody who tells of a run of so many checks."""
    if not sys.stderr.isatty() or debug:
        follower = Follower(total, debug=debug)
        yield follower
        follower.close()
        return
    from rich.console import Console
    from rich.status import Status

    console = Console(stderr=True, markup=False, emoji=False, highlight=False)
    with Status(f"0 of {total}", console=console) as status:
        yield Live(total, status)


class Follower:
    """A line for each check that does not pass; of those that were not tried, only how many there are."""

    def __init__(self, total: int, *, debug: bool = False) -> None:
        self._total = total
        self._debug = debug
        self._counts: Counter[Outcome] = Counter()
        self._noticed: list[str] = []

    def observe(self, event: Event) -> None:
        """Take note of what happens on the wire."""
        if isinstance(event, Noticed):
            self._noticed.append(event.message)
        if line := progress.line(event, debug=self._debug):
            self._say(line)

    def begin(self, check: Check) -> None:
        """A check begins."""

    def tell(self, result: Result) -> None:
        """A check has ended."""
        self._counts[result.outcome] += 1
        if result.outcome in {Outcome.FAIL, Outcome.UNSUPPORTED}:
            self._say(f"tried {result.id}: {result.outcome}: {result.detail}")

    def close(self) -> None:
        """The run is over."""
        self._say(f"tried {self.counts}")

    @property
    def counts(self) -> str:
        """How many checks there were, and what became of them."""
        told = ", ".join(f"{self._counts[outcome]} {outcome}" for outcome in Outcome if self._counts[outcome])
        return f"{self._counts.total()} of {self._total}" + (f": {told}" if told else "")

    @property
    def notices(self) -> tuple[str, ...]:
        """What was told beside the checks, such as the warnings of the registry."""
        return tuple(self._noticed)

    def _say(self, text: str) -> None:
        streams.tell(text)


class Live(Follower):
    """One line that changes, with what is under way."""

    def __init__(self, total: int, status: Status) -> None:
        super().__init__(total)
        self._status = status
        self._under_way: dict[str, None] = {}

    def begin(self, check: Check) -> None:
        self._under_way[check.id] = None
        self._refresh()

    def tell(self, result: Result) -> None:
        self._counts[result.outcome] += 1
        self._under_way.pop(result.id, None)
        self._refresh()

    def _refresh(self) -> None:
        doing = ", ".join(self._under_way)
        if self._counts.total() == self._total:
            doing = "removing what was pushed"
        line = f"{self.counts}; {doing}" if doing else self.counts
        # A line that is broken in two is not wiped out whole.
        self._status.update(line[: self._status.console.width - _SPINNER])

    def _say(self, text: str) -> None:
        self._status.console.print(text, markup=False, soft_wrap=True)
