"""The run: every check as soon as those that it stands on have passed, some at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from manifest_tool.conformance import cleanup, features
from manifest_tool.conformance.check import Check, Failed, Group, Unsupported, Untried, Verdict
from manifest_tool.conformance.probe import Probe, Site
from manifest_tool.conformance.result import Outcome, Report, Result
from manifest_tool.errors import RegistryError

if TYPE_CHECKING:
    from asyncio import Task

_AT_ONCE = 6
_SECONDS = 120.0
"""In which a check has to come to its end."""
_OUTCOMES = {Failed: Outcome.FAIL, Unsupported: Outcome.UNSUPPORTED, Untried: Outcome.UNTRIED}

Tell = Callable[[Result], None]


async def run(groups: Iterable[Group], site: Site, tell: Tell, *, keep: bool = False) -> Report:
    """Try every check; what was put into the registry is removed at the end, also where the run is cancelled."""
    started, begun = datetime.now(UTC), time.monotonic()
    left: tuple[str, ...] = ()
    try:
        results = await _all(groups, site, tell)
    finally:
        if not keep:
            left = await cleanup.remove(site)
    return Report(
        str(site.reference or site.repository),
        results,
        features.of(results),
        cleanup.kept(site) if keep else left,
        started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        time.monotonic() - begun,
    )


async def _all(groups: Iterable[Group], site: Site, tell: Tell) -> tuple[Result, ...]:
    turn = asyncio.Semaphore(_AT_ONCE)
    tasks: dict[str, Task[Result]] = {}
    async with asyncio.TaskGroup() as together:
        for group in groups:
            for check in group.checks:
                # What a check stands on comes before it in the catalogue.
                below = {name: tasks[name] for name in check.after}
                trial = _Trial(group.title, check, site, turn, tell)
                tasks[check.id] = together.create_task(trial.run(below))
    return tuple(task.result() for task in tasks.values())


@dataclass(frozen=True, slots=True)
class _Trial:
    group: str
    check: Check
    site: Site
    turn: asyncio.Semaphore
    tell: Tell

    async def run(self, below: Mapping[str, Task[Result]]) -> Result:
        lacking = [name for name, task in below.items() if (await task).outcome is not Outcome.PASS]
        if lacking:
            result = self._result(Outcome.UNTRIED, f"{', '.join(lacking)} did not pass")
        else:
            async with self.turn:
                result = await self._tried()
        self.tell(result)
        return result

    async def _tried(self) -> Result:
        probe, started = Probe(self.site), time.monotonic()
        try:
            async with asyncio.timeout(_SECONDS):
                detail = await self.check.ask(probe)
            result = self._result(Outcome.PASS, detail or "")
        except Verdict as verdict:
            result = self._result(_OUTCOMES[type(verdict)], str(verdict))
        except RegistryError as error:
            result = self._result(Outcome.FAIL, str(error))
        except TimeoutError:
            result = self._result(Outcome.FAIL, f"no end within {_SECONDS:.0f} s")
        return replace(result, seconds=time.monotonic() - started, exchanges=tuple(probe.exchanges))

    def _result(self, outcome: Outcome, detail: str) -> Result:
        check = self.check
        return Result(check.id, self.group, check.title, outcome, detail, check.needed)
