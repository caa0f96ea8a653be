"""The run: every check as soon as those that it stands on have passed, some at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from manifest_tool.conformance import cleanup, features, notices
from manifest_tool.conformance.check import Check, Failed, Group, Limited, Unsupported, Untried, Verdict
from manifest_tool.conformance.probe import Probe
from manifest_tool.conformance.result import Outcome, Report, Result
from manifest_tool.conformance.writes import unattended
from manifest_tool.errors import InvalidValue, RegistryError, Unreachable

if TYPE_CHECKING:
    from asyncio import Task

    from manifest_tool.conformance.site import Site

_AT_ONCE = 6
_SECONDS = 240.0
"""In which a check has to come to its end."""
_ANSWER = 10.0
"""In which a registry that is still there answers something."""
_CLEANUP, _HURRIED = 300.0, 8.0
"""Seconds that are given to removing everything, and to that in a run that is cancelled."""
_OUTCOMES = {Failed: Outcome.FAIL, Unsupported: Outcome.UNSUPPORTED, Untried: Outcome.UNTRIED}

Tell = Callable[[Result], None]
Begin = Callable[[Check], None]


class Interrupted(asyncio.CancelledError):
    """The run was cancelled; the report tells what was found until then."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report


async def run(
    groups: Iterable[Group], site: Site, tell: Tell, begin: Begin = lambda _: None, *, keep: bool = False
) -> Report:
    """Try every check; what was put into the registry is removed at the end.

    ``begin`` is given a check when it begins, ``tell`` what became of it. Raises `Interrupted` where it is cancelled.
    """
    groups = tuple(groups)
    started, begun = datetime.now(UTC), time.monotonic()
    found: dict[str, Result] = {}

    def told(result: Result) -> None:
        found[result.id] = result
        tell(result)

    async def report(patience: float, *, interrupted: bool = False) -> Report:
        left = await cleanup.remove(site, patience, keep=keep)
        results = tuple(found.get(check.id) or _unheard(group, check) for group in groups for check in group.checks)
        return Report(
            str(site.reference or site.repository),
            results,
            features.of(results),
            left.references,
            started.strftime("%Y-%m-%dT%H:%M:%SZ"),
            time.monotonic() - begun,
            tuple(notices.of(site, left)),
            kept=keep,
            interrupted=interrupted,
        )

    try:
        with unattended():
            await _all(groups, site, told, begin)
        return await report(_CLEANUP)
    except asyncio.CancelledError:
        try:
            ended = await report(_HURRIED, interrupted=True)
        except asyncio.CancelledError:
            # Who asks twice does not want to wait, but may want to know what is left.
            ended = await report(0.0, interrupted=True)
        raise Interrupted(ended) from None
    except BaseException:
        await report(_CLEANUP)
        raise


def _unheard(group: Group, check: Check) -> Result:
    detail = "the run ended before it was tried"
    return Result(check.id, group.title, check.title, Outcome.UNTRIED, detail, check.needed)


async def _all(groups: Iterable[Group], site: Site, tell: Tell, begin: Begin) -> None:
    turn = asyncio.Semaphore(_AT_ONCE)
    tasks: dict[str, Task[Result]] = {}
    async with asyncio.TaskGroup() as together:
        for group in groups:
            for check in group.checks:
                # What a check stands on comes before it in the catalogue.
                below = {name: tasks[name] for name in check.after}
                trial = _Trial(group.title, check, site, turn, tell, begin)
                tasks[check.id] = together.create_task(trial.run(below))


@dataclass(frozen=True, slots=True)
class _Trial:
    group: str
    check: Check
    site: Site
    turn: asyncio.Semaphore
    tell: Tell
    begin: Begin

    async def run(self, below: Mapping[str, Task[Result]]) -> Result:
        lacking = [name for name, task in below.items() if (await task).outcome is not Outcome.PASS]
        if lacking:
            result = self._result(Outcome.UNTRIED, f"{', '.join(lacking)} did not pass")
        else:
            async with self.turn:
                self.begin(self.check)
                result = await self._tried()
        self.tell(result)
        return result

    async def _tried(self) -> Result:
        probe, started = Probe(self.site), time.monotonic()
        try:
            async with asyncio.timeout(_SECONDS):
                detail = await self.check.ask(probe)
            result = self._result(Outcome.PASS, detail or "")
        except Limited as verdict:
            # Nor could a push do what it needs.
            result = self._result(Outcome.FAIL if self.check.needed else Outcome.UNTRIED, str(verdict))
        except Verdict as verdict:
            result = self._result(_OUTCOMES[type(verdict)], str(verdict))
        except (RegistryError, InvalidValue) as error:
            gone = isinstance(error, Unreachable) and not self.check.needed and not await self._answers()
            outcome = Outcome.UNTRIED if gone else Outcome.FAIL
            result = self._result(outcome, f"{error}; {error.hint}" if error.hint else str(error))
        except TimeoutError:
            result = self._result(Outcome.FAIL, f"no end within {_SECONDS:.0f} s")
        return replace(result, seconds=time.monotonic() - started, exchanges=tuple(probe.exchanges))

    async def _answers(self) -> bool:
        """Whether the registry answers at all: where it is gone, that says nothing about what was asked."""
        try:
            async with asyncio.timeout(_ANSWER):
                await Probe(self.site).ask("GET", "/v2/", anonymous=True)
        except (TimeoutError, Unreachable):
            return False
        except (RegistryError, Limited):
            pass
        return True

    def _result(self, outcome: Outcome, detail: str) -> Result:
        check = self.check
        return Result(check.id, self.group, check.title, outcome, detail, check.needed)
