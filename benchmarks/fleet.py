"""Many specs in one go, as a release of a whole product has them.

Each takes its sources from repositories of their own, and publishes to another; beyond a hundred specs, each set of
sources is used again, and read once in a run.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
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
_SETS = 100


@dataclass(frozen=True, slots=True)
class Fleet:
    """How it went."""

    registry: Kind
    auth: Auth
    rtt: float
    way: str
    """``ours`` in one process, the same ``again``, one process ``each``, or the ``floor``."""
    specs: int
    wall: float
    cpu: float
    peak: float
    """MiB of the largest process."""
    counts: Counts


def measure(site: Site, lines: Network, shelf: Shelf, *, rtt: float, specs: int, each: int) -> Iterator[Fleet]:
    """Push so many specs in one process, the same again, and by bare sockets.

    Where ``each`` is not 0, they are also pushed by a process each, so many of these at a time.
    """
    names = shelf.sets(min(specs, _SETS), PLATFORMS)
    with runs.scratch() as folder:
        environment = tools.environment(folder, site.host, account=site.auth == "token")

        def targets() -> list[str]:
            return [f"{shelf.fresh()}:1" for _ in range(specs)]

        def paths(found: Sequence[str]) -> list[str]:
            return [_spec(folder, target, site.host, names[number % len(names)]) for number, target in enumerate(found)]

        def timed(way: str, commands: Sequence[Command], jobs: int = 1) -> Fleet:
            lines.begin(rtt)
            started = time.monotonic()
            used = _all(commands, environment, folder, jobs)
            wall = time.monotonic() - started
            cpu, peak = sum(one.cpu for one in used), max(one.peak for one in used)
            return Fleet(site.kind, site.auth, rtt, way, specs, wall, cpu, peak, lines.end().counts)

        launch = (*tools.LAUNCH, "push", "from-spec")
        together = (*launch, *paths(targets()))
        yield timed("ours", [together])
        yield timed("again", [together])
        jobs = [f"{target}={','.join(names[number % len(names)])}" for number, target in enumerate(targets())]
        yield timed(tools.FLOOR, [(*tools.BARE, "fleet", site.host, *jobs)])
        if each:
            yield timed("each", [(*launch, path) for path in paths(targets())], each)


def _all(commands: Sequence[Command], environment: dict[str, str], folder: Path, jobs: int) -> list[Used]:
    def once(numbered: tuple[int, Command]) -> Used:
        number, command = numbered
        own = folder / f"process-{number}"
        own.mkdir(exist_ok=True)
        return runs.once(command, environment, own)

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(once, enumerate(commands)))


def _spec(folder: Path, target: str, host: str, names: Sequence[str]) -> str:
    path = folder / f"{target.replace('/', '-').replace(':', '-')}.yaml"
    path.write_text(seeds.spec(host, target, names))
    return str(path)
