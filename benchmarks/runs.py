"""Measuring: whole processes, and what the network saw of them."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import bounds, tools
from benchmarks import launch as launcher

if TYPE_CHECKING:
    from benchmarks.bounds import Scenario
    from benchmarks.counter import Asked, Counts
    from benchmarks.network import Network
    from benchmarks.registries import Auth, Kind, Site
    from benchmarks.seeds import Shelf
    from benchmarks.tools import Command, Job, Tool

_PATIENCE = 600
_MIB = 1024 * 1024
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Used:
    """What processes took."""

    wall: float
    cpu: float
    """Seconds of user and system time."""
    peak: float
    """MiB of the largest process."""


@dataclass(frozen=True, slots=True)
class Row:
    """One tool at one job, over all repetitions."""

    registry: Kind
    auth: Auth
    scenario: Scenario
    platforms: int
    rtt: float
    tool: str
    walls: tuple[float, ...] = ()
    cpu: float = 0.0
    """The median, as of all below but the counts; these are those of the run with the fewest rounds."""
    peak: float = 0.0
    counts: Counts | None = None
    asked: tuple[Asked, ...] = ()
    failure: str = ""

    @property
    def wall(self) -> float:
        return statistics.median(self.walls)

    @property
    def floor(self) -> int:
        return bounds.floor(self.scenario, self.auth)

    @property
    def bound(self) -> float:
        return bounds.bound(self.scenario, self.auth, self.rtt)


class Failed(Exception):
    """A command did not do its job; the text says why."""


@dataclass(frozen=True, slots=True)
class Case:
    """What all tools do in turn."""

    scenario: Scenario
    platforms: int
    rtt: float


def run(commands: Sequence[Command], environment: Mapping[str, str], folder: Path) -> Used:
    """Run commands one after the other, and add up what they took."""
    used = [once(command, environment, folder) for command in commands]
    return Used(sum(one.wall for one in used), sum(one.cpu for one in used), max(one.peak for one in used))


def once(command: Command, environment: Mapping[str, str], folder: Path) -> Used:
    """Run one command as a process, from its start to its end."""
    output = folder / "output"
    launch = (sys.executable, "-I", "-S", launcher.__file__, str(_PATIENCE), str(output))
    done = subprocess.run([*launch, *command], env=environment, capture_output=True, text=True, check=True)
    status, wall, cpu, peak = done.stdout.split()
    if code := os.waitstatus_to_exitcode(int(status)):
        lines = output.read_text(errors="replace").strip().splitlines() or ["no output"]
        raise Failed(f"{Path(command[0]).name} ended with {code}: {' | '.join(lines[-3:])[:400]}")
    return Used(float(wall), float(cpu), int(peak) * _RSS_UNIT / _MIB)


class Bench:
    """Runs cases at one registry."""

    def __init__(self, site: Site, lines: Network, shelf: Shelf, *, repeat: int) -> None:
        self._site = site
        self._lines = lines
        self._shelf = shelf
        self._repeat = repeat

    def measure(self, case: Case, used: Sequence[Tool]) -> Iterator[Row]:
        """Let the tools take turns, so that a busy minute of this machine hits all of them."""
        able = [tool for tool in used if case.scenario in tool.scenarios]
        jobs = {tool.name: self._jobs(case) for tool in able}
        done: dict[str, list[_Done]] = {tool.name: [] for tool in able}
        failures: dict[str, str] = {}
        for turn in range(self._repeat):
            for tool in able:
                if tool.name in failures or (tool.once and turn):
                    continue
                try:
                    done[tool.name].append(self._once(case, tool, jobs[tool.name]))
                except Failed as failure:
                    failures[tool.name] = str(failure)
        for tool in able:
            yield self._row(case, tool, done[tool.name], failures.get(tool.name, ""))

    def _once(self, case: Case, tool: Tool, make: Callable[[Path], Job]) -> _Done:
        with scratch() as folder:
            environment = tools.environment(folder, self._site.host, account=self._site.auth == "token")
            job = make(folder)
            if case.scenario == "unchanged":
                self._lines.begin(0)
                run(tool.commands(job), environment, folder)
            commands = tool.commands(job)
            self._lines.begin(case.rtt)
            used = run(commands, environment, folder)
            seen = self._lines.end()
        return _Done(used, seen.counts, seen.asked)

    def _row(self, case: Case, tool: Tool, done: Sequence[_Done], failure: str) -> Row:
        head = (self._site.kind, self._site.auth, case.scenario, case.platforms, case.rtt, tool.name)
        if failure:
            return Row(*head, failure=failure)
        best = min(done, key=lambda one: one.counts.rounds)
        cpu = statistics.median(one.used.cpu for one in done)
        peak = statistics.median(one.used.peak for one in done)
        return Row(*head, tuple(one.used.wall for one in done), cpu, peak, best.counts, best.asked)

    def _jobs(self, case: Case) -> Callable[[Path], Job]:
        """What makes the job of each repetition: one that has not been done before, but for inspections."""
        if case.scenario == "inspect":
            name = self._shelf.index(case.platforms, self._shelf.fresh())
            return lambda folder: tools.Job(case.scenario, self._site.host, name, (), folder)

        def push(folder: Path) -> Job:
            repository = self._shelf.fresh()
            together = case.scenario == "same"
            shelf = self._shelf
            found = shelf.together(case.platforms, repository) if together else shelf.apart(case.platforms)
            return tools.Job(case.scenario, self._site.host, f"{repository}:1", found.names, folder)

        return push


@dataclass(frozen=True, slots=True)
class _Done:
    used: Used
    counts: Counts
    asked: tuple[Asked, ...]


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that goes away."""
    with tempfile.TemporaryDirectory(prefix="benchmarks-", ignore_cleanup_errors=True) as name:
        yield Path(name)
