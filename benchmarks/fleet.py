"""Many specs in one go, as a release of a whole product has them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import runs, seeds, tools

if TYPE_CHECKING:
    from benchmarks.counter import Counts
    from benchmarks.network import Network
    from benchmarks.registries import Auth, Kind, Site
    from benchmarks.runs import Used
    from benchmarks.seeds import Shelf
    from benchmarks.tools import Command

PLATFORMS = 5


@dataclass(frozen=True, slots=True)
class Fleet:
    """How it went."""

    registry: Kind
    auth: Auth
    rtt: float
    specs: int
    processes: int
    """1 where the program takes many specs at once, and as many as there are specs otherwise."""
    jobs: int
    """How many of these ran at a time."""
    wall: float
    cpu: float
    peak: float
    """MiB of the largest process."""
    counts: Counts


def measure(site: Site, lines: Network, shelf: Shelf, *, rtt: float, specs: int, jobs: int) -> Fleet:
    """Push so many specs, each from the same sources to a repository of its own."""
    with runs.scratch() as folder:
        environment = tools.environment(folder, site.host, account=site.auth == "token")
        names = shelf.apart(PLATFORMS).names
        paths = [_spec(folder, number, site.host, f"{shelf.fresh()}:1", names) for number in range(specs)]
        launch = (*tools.LAUNCH, "push", "from-spec")
        lines.begin(0)
        trial = [_spec(folder, specs + extra, site.host, f"{shelf.fresh()}:1", names) for extra in range(2)]
        together = _works((*launch, *trial), environment, folder)
        commands = [(*launch, *paths)] if together else [(*launch, path) for path in paths]
        lines.begin(rtt)
        started = time.monotonic()
        used = _all(commands, environment, folder, jobs)
        wall = time.monotonic() - started
        counts = lines.end().counts
    cpu, peak = sum(one.cpu for one in used), max(one.peak for one in used)
    return Fleet(site.kind, site.auth, rtt, specs, len(commands), min(jobs, len(commands)), wall, cpu, peak, counts)


def _works(command: Command, environment: dict[str, str], folder: Path) -> bool:
    """Whether the program takes more than one spec."""
    try:
        runs.once(command, environment, folder)
    except runs.Failed:
        return False
    return True


def _all(commands: Sequence[Command], environment: dict[str, str], folder: Path, jobs: int) -> list[Used]:
    def once(numbered: tuple[int, Command]) -> Used:
        number, command = numbered
        own = folder / f"process-{number}"
        own.mkdir()
        return runs.once(command, environment, own)

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(once, enumerate(commands)))


def _spec(folder: Path, number: int, host: str, target: str, names: Sequence[str]) -> str:
    path = folder / f"{number}.yaml"
    path.write_text(seeds.spec(host, target, names))
    return str(path)
