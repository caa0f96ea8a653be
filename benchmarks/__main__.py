"""``python -m benchmarks``: measure, print tables, and keep the figures as JSON."""

from __future__ import annotations

import itertools
import json
import signal
import sys
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import bounds, fleet, registries, report, runs, startup, tools
from benchmarks.bounds import Scenario
from benchmarks.fleet import Fleet
from benchmarks.network import Network, measured, network
from benchmarks.registries import Auth, Kind
from benchmarks.runs import Bench, Case, Row
from benchmarks.seeds import PLATFORMS, Shelf
from benchmarks.startup import Startup
from benchmarks.tools import Tool


class Registry(StrEnum):
    """Which registries."""

    EMBEDDED = "embedded"
    DOCKER_REGISTRY = "docker-registry"
    BOTH = "both"

    @property
    def kinds(self) -> tuple[Kind, ...]:
        every: tuple[Kind, ...] = ("embedded", "docker-registry")
        return tuple(kind for kind in every if self in {kind, Registry.BOTH})


class Authentication(StrEnum):
    """Which kinds of authentication."""

    NONE = "none"
    TOKEN = "token"  # noqa: S105  # no secret
    BOTH = "both"

    @property
    def kinds(self) -> tuple[Auth, ...]:
        every: tuple[Auth, ...] = ("none", "token")
        return tuple(kind for kind in every if self in {kind, Authentication.BOTH})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to measure."""

    kinds: tuple[Kind, ...]
    auths: tuple[Auth, ...]
    cases: tuple[Case, ...]
    rtts: tuple[float, ...]
    repeat: int
    tools: tuple[Tool, ...]
    fleet: int
    each: int


@dataclass(slots=True)
class Found:
    """What has been measured so far."""

    rows: list[Row] = field(default_factory=list)
    fleets: list[Fleet] = field(default_factory=list)
    startup: Startup | None = None
    measured: dict[float, float] = field(default_factory=dict)
    given_up: bool = False


def _numbers(text: str, allowed: range, what: str) -> tuple[int, ...]:
    words = text.split(",")
    if not all(word.strip().isdecimal() and int(word) in allowed for word in words):
        raise typer.BadParameter(f"{text!r} is no list of {what} from {allowed[0]} to {allowed[-1]}, such as 2,5")
    return tuple(map(int, words))


def _scenarios(text: str) -> tuple[Scenario, ...]:
    words = text.split(",")
    if unknown := set(words) - set(bounds.SCENARIOS):
        raise typer.BadParameter(
            f"no scenario is named {', '.join(sorted(unknown))}; known: {', '.join(bounds.SCENARIOS)}"
        )
    return tuple(name for name in bounds.SCENARIOS if name in words)


def main(
    *,
    rtt: Annotated[str, typer.Option(help="Round-trip times in milliseconds.")] = "50",
    platforms: Annotated[str, typer.Option(help="How many platforms an index has.")] = "5",
    scenario: Annotated[str, typer.Option(help="Which of the jobs.")] = ",".join(bounds.SCENARIOS),
    registry: Annotated[Registry, typer.Option(help="Which registry.")] = Registry.EMBEDDED,
    auth: Annotated[Authentication, typer.Option(help="With tokens or without.")] = Authentication.BOTH,
    repeat: Annotated[int, typer.Option(min=1, help="How often everything is done; other programs do it once.")] = 3,
    fleet: Annotated[int, typer.Option(min=0, help="Push so many specs of 5 platforms, too.")] = 0,
    each: Annotated[int, typer.Option(min=0, help="Push these by a process each, too, so many at a time.")] = 0,
    peers: Annotated[bool, typer.Option(help="Run other programs of the PATH beside ours.")] = True,
    quick: Annotated[bool, typer.Option("--quick", help="Once, at 50 ms, and no other programs.")] = False,
    trace: Annotated[bool, typer.Option("--trace", help="Keep the requests in the JSON, with their rounds.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Keep the figures there.")] = None,
) -> None:
    """Measure pushes at emulated round-trip times, against registries on loopback."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    rtts = (0.05,) if quick else tuple(one / 1000 for one in _numbers(rtt, range(10_001), "milliseconds"))
    counts = _numbers(platforms, range(1, len(PLATFORMS) + 1), "platforms")
    cases = tuple(Case(*each) for each in itertools.product(_scenarios(scenario), counts, rtts))
    used = tools.found(peers=peers and not quick)
    wanted = Wanted(registry.kinds, auth.kinds, cases, rtts, 1 if quick else repeat, used, fleet, each)
    found = Found()
    try:
        _measure(wanted, found, Console(stderr=True))
    finally:
        # Whoever stops this early gets what there is.
        result = report.Report(found.rows, found.fleets, found.startup, found.measured)
        console = Console()
        report.show(result, console if console.is_terminal else Console(width=160))
        if json_file:
            json_file.write_text(json.dumps(result.to_json(trace=trace), indent=2) + "\n")
    if found.given_up or any(row.failure for row in found.rows if row.tool == tools.OURS):
        raise typer.Exit(1)


def _measure(wanted: Wanted, found: Found, errors: Console) -> None:
    """Measure everything at every registry."""
    with network() as lines:
        for site_kind, site_auth in itertools.product(wanted.kinds, wanted.auths):
            if reason := registries.why_not(site_kind, site_auth):
                errors.print(f"{site_kind}, {site_auth}: left out, {reason}")
                continue
            try:
                _at(site_kind, site_auth, lines, wanted, found, errors)
            except runs.Failed as failure:
                errors.print(f"{site_kind}, {site_auth}: given up, {failure}", markup=False)
                found.given_up = True


def _at(kind: Kind, auth: Auth, lines: Network, wanted: Wanted, found: Found, errors: Console) -> None:
    """Measure everything at one registry."""
    with runs.scratch() as folder, registries.site(kind, auth, lines, folder) as site:
        shelf = Shelf(site.direct)
        for rtt in wanted.rtts:
            found.measured.setdefault(rtt, measured(lines, site.host, rtt))
        if found.startup is None:
            found.startup = startup.measure(site, shelf, repeat=2 * wanted.repeat - 1)
        bench = Bench(site, lines, shelf, repeat=wanted.repeat)
        for case in wanted.cases:
            errors.print(f"{kind}, {auth}: {case.scenario}, {case.platforms} platforms, {case.rtt * 1000:g} ms")
            found.rows.extend(bench.measure(case, wanted.tools))
        for rtt in wanted.rtts if wanted.fleet else ():
            errors.print(f"{kind}, {auth}: {wanted.fleet} specs, {rtt * 1000:g} ms")
            found.fleets.extend(fleet.measure(site, lines, shelf, rtt=rtt, specs=wanted.fleet, each=wanted.each))


if __name__ == "__main__":
    typer.run(main)
