"""How long the program takes to start, as a multiple of what Python itself takes."""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks import runs, tools
from benchmarks.tools import Job

if TYPE_CHECKING:
    from benchmarks.registries import Site
    from benchmarks.seeds import Shelf

_PLATFORMS = 2


@dataclass(frozen=True, slots=True)
class Startup:
    """Median seconds."""

    python: float
    """``python -c pass``."""
    version: float
    """``--version``."""
    push: float
    """A push of two platforms on loopback."""


def measure(site: Site, shelf: Shelf, *, repeat: int) -> Startup:
    """Run the three in turn, so that a busy minute of this machine hits all of them."""
    walls: tuple[list[float], ...] = ([], [], [])
    (ours,) = (tool for tool in tools.found(peers=False) if tool.name == tools.OURS)
    for _ in range(repeat):
        with runs.scratch() as folder:
            environment = tools.environment(folder, site.direct, account=False)
            repository = shelf.fresh()
            names = shelf.together(_PLATFORMS, repository).names
            (push,) = ours.commands(Job("same", site.direct, f"{repository}:1", names, folder))
            commands = ((sys.executable, "-c", "pass"), (*tools.LAUNCH, "--version"), push)
            for found, command in zip(walls, commands, strict=True):
                found.append(runs.once(command, environment, folder).wall)
    return Startup(*(statistics.median(found) for found in walls))
