"""What was measured: tables for people, and JSON for programs.

The JSON is one object. ``version`` is 1, and changes when a field changes its meaning or goes away.

- ``machine``: ``cpus``, ``python`` and ``system``.
- ``measuredRtt``: the seconds that a request really took, by the round-trip time that was asked for.
- ``rows``: one for each tool at each case, with ``registry``, ``auth``, ``scenario``, ``platforms``, ``rtt`` and
  ``tool``; ``walls`` (the seconds of each repetition), ``median``, ``min``, ``cpu`` (user and system seconds, the
  median), ``peakMiB``; ``connections``, ``requests`` and ``rounds`` of the repetition with the fewest rounds, ``floor``
  (the rounds that are needed), ``bound`` (seconds) and ``ratio`` (the median by the bound). A tool that failed has
  ``failure`` instead of figures. With ``--trace`` there is ``asked``: the requests with their rounds.
- ``fleets``: ``registry``, ``auth``, ``rtt``, ``way``, ``specs``, ``wall``, ``cpu``, ``peakMiB``, ``connections``,
  ``requests``, ``requestsPerSecond``.
- ``startup``: the median seconds of ``python``, ``version`` and ``push``, or null.

Rounds are told from the order of events. Where a client takes longer to ask than the first answer takes to come, as
with many platforms at a short distance, or on a busy machine, requests count as if they had waited for it.

Times of one run can be compared with each other. Those of two machines, or of two hours of a busy one, cannot; compare
their ratios, and the counts.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import bounds, tools
from benchmarks.fleet import Fleet
from benchmarks.runs import Row
from benchmarks.startup import Startup

VERSION = 1


@dataclass(frozen=True, slots=True)
class Report:
    """Everything of one run of the program."""

    rows: Sequence[Row]
    fleets: Sequence[Fleet]
    startup: Startup | None
    measured: Mapping[float, float]
    """The round-trip times that were found, by those that were asked for."""

    def to_json(self, *, trace: bool) -> dict[str, Any]:
        """The object that is described above."""
        return {
            "version": VERSION,
            "machine": {
                "cpus": os.cpu_count(),
                "python": platform.python_version(),
                "system": f"{platform.system()} {platform.machine()}",
            },
            "measuredRtt": {str(asked): round(found, 5) for asked, found in self.measured.items()},
            "rows": [_row(row, trace=trace) for row in self.rows],
            "fleets": [_fleet(fleet) for fleet in self.fleets],
            "startup": asdict(self.startup) if self.startup else None,
        }


def _row(row: Row, *, trace: bool) -> dict[str, Any]:
    head = {name: getattr(row, name) for name in ("registry", "auth", "scenario", "platforms", "rtt", "tool")}
    if row.counts is None:
        return {**head, "failure": row.failure}
    figures = {
        "walls": [round(wall, 4) for wall in row.walls],
        "median": round(row.wall, 4),
        "min": round(min(row.walls), 4),
        "cpu": round(row.cpu, 4),
        "peakMiB": round(row.peak, 1),
        **asdict(row.counts),
        "floor": row.floor,
        "bound": round(row.bound, 4),
        "ratio": round(row.wall / row.bound, 3),
    }
    return {**head, **figures, **({"asked": [asdict(one) for one in row.asked]} if trace else {})}


def _fleet(fleet: Fleet) -> dict[str, Any]:
    found = asdict(fleet)
    counts, peak = found.pop("counts"), found.pop("peak")
    more = {"connections": counts["connections"], "requests": counts["requests"]}
    return {
        **found,
        "peakMiB": round(peak, 1),
        **more,
        "requestsPerSecond": round(fleet.counts.requests / fleet.wall, 1),
    }


def show(report: Report, console: Console) -> None:
    """Print the tables."""
    found = ", ".join(f"{asked * 1000:g} ms: {real * 1000:.1f} ms" for asked, real in report.measured.items())
    console.print(f"Round-trip times that a request took on an open connection: {found}.")
    for (registry, auth), rows in groupby(report.rows, key=lambda row: (row.registry, row.auth)):
        measured = list(rows)
        console.print(_table(f"{registry}, authentication: {auth}", measured))
        for row in filter(lambda row: row.failure, measured):
            console.print(f"{row.tool}, {row.scenario}, {row.platforms} platforms: {row.failure}", markup=False)
    if report.fleets:
        console.print(_fleets(report.fleets))
    if report.startup:
        console.print(_startup(report.startup))
    console.print(
        "A bound is the floor of rounds times the round-trip time, and "
        f"{bounds.ALLOWANCE:g} s. Other work on this machine makes every time longer: compare ratios, not seconds."
    )


def _table(title: str, rows: Sequence[Row]) -> Table:
    table = Table(title=title, title_justify="left")
    for name in ("scenario", "platforms", "RTT ms"):
        table.add_column(name, no_wrap=True)
    table.add_column("tool", no_wrap=True)
    for name in ("median s", "min s", "÷ bound", "÷ ours", "rounds", "connections", "requests", "CPU s", "peak MiB"):
        table.add_column(name, justify="right")
    for _, case in groupby(rows, key=lambda row: (row.scenario, row.platforms, row.rtt)):
        group = list(case)
        ours = next((row.wall for row in group if row.tool == tools.OURS and not row.failure), None)
        for row in group:
            table.add_row(*_cells(row, ours))
        table.add_section()
    return table


def _cells(row: Row, ours: float | None) -> Iterator[str]:
    yield from (row.scenario, str(row.platforms), f"{row.rtt * 1000:g}", row.tool)
    if row.counts is None:
        yield "failed"
        return
    yield f"{row.wall:.3f}"
    yield f"{min(row.walls):.3f}"
    yield f"{row.wall / row.bound:.2f}"
    yield f"{row.wall / ours:.2f}" if ours else "–"
    # With no distance, answers come between requests that do not depend on them.
    yield f"{row.counts.rounds} of {row.floor}" if row.rtt else "–"
    yield from (str(row.counts.connections), str(row.counts.requests), f"{row.cpu:.2f}", f"{row.peak:.0f}")


def _fleets(fleets: Sequence[Fleet]) -> Table:
    table = Table(title="Fleets of specs", title_justify="left")
    names = ("registry", "auth", "RTT ms", "specs", "way", "s", "requests", "requests/s", "connections", "CPU s")
    for name in (*names, "largest MiB"):
        table.add_column(name, justify="right")
    for one in fleets:
        table.add_row(
            one.registry,
            one.auth,
            f"{one.rtt * 1000:g}",
            str(one.specs),
            one.way,
            f"{one.wall:.1f}",
            str(one.counts.requests),
            f"{one.counts.requests / one.wall:.0f}",
            str(one.counts.connections),
            f"{one.cpu:.1f}",
            f"{one.peak:.0f}",
        )
    return table


def _startup(found: Startup) -> str:
    version, push = found.version / found.python, found.push / found.python
    return (
        f"Start-up, as a multiple of `python -c pass` ({found.python * 1000:.0f} ms): "
        f"--version {version:.1f}, a push of 2 platforms on loopback {push:.1f}."
    )
