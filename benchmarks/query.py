"""``query --serve`` under load: ``python -m benchmarks.query``.

Many connections ask for images again and again, in an order that is the same each time; the registry takes a while for
each answer. Then all of them ask at once for an image that nobody has asked for yet.

The registry and those who ask share a process, and the service has one of its own: on two cores, the figures are those
of all three together.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import aiohttp

from benchmarks import memory, tools
from integration import images
from manifest_tool.oci.platform import Platform
from manifest_tool.server.serve import Running, serving

_PLATFORMS = (Platform.parse("linux/amd64"), Platform.parse("linux/arm64/v8"))
_PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked."""

    requests: int = 2_000
    connections: int = 50
    images: int = 200
    latency: float = 0.05
    """Seconds that each answer of the registry takes longer."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How it went."""

    load: Load
    asked: int
    """Requests to the registry."""
    wall: float
    times: Sequence[float]
    """Seconds that each answer took."""
    peak: float
    """MiB of the service."""
    burst: int
    """Requests to the registry, when all connections asked at once for the same image."""
    burst_wall: float

    def __str__(self) -> str:
        load, percentiles = self.load, statistics.quantiles(self.times, n=100)
        return "\n".join(
            [
                f"{load.requests} requests from {load.connections} connections for {load.images} images",
                f"  the registry answers in   {1000 * load.latency:.0f} ms",
                f"  requests to the registry  {self.asked}",
                f"  wall                      {self.wall:.2f} s",
                f"  throughput                {load.requests / self.wall:.0f} requests/s",
                f"  p50                       {1000 * percentiles[49]:.1f} ms",
                f"  p99                       {1000 * percentiles[98]:.1f} ms",
                f"  memory of the service     {self.peak:.0f} MiB",
                f"{load.connections} requests at once for one image that is not known yet",
                f"  requests to the registry  {self.burst}",
                f"  wall                      {1000 * self.burst_wall:.0f} ms",
                "",
            ]
        )


def main() -> None:
    """Measure, and print the figures."""
    sys.stdout.write(str(measure(Load())))


def measure(load: Load) -> Figures:
    """Put the images into a registry, start the service, and ask it."""
    with serving() as registry:
        names = [_put(registry, f"app-{number}") for number in range(load.images)]
        fresh = _put(registry, "fresh")
        registry.latency = load.latency
        with _service() as (url, process):
            return asyncio.run(_ask(load, registry, names, fresh, url, process))


def _put(registry: Running, name: str) -> str:
    """Put an index that no other one is the same as; its images are not asked for."""
    layer = images.root_file_system({"name": name.encode()})
    index = images.index([images.image(platform, [layer], media="docker") for platform in _PLATFORMS])
    registry.put_manifest(name, index.manifest, index.media_type, "latest")
    return f"{registry.host}/{name}"


@contextmanager
def _service() -> Iterator[tuple[str, int]]:
    """The URL and the process of a service that asks this machine too."""
    command = (*tools.LAUNCH, "query", "--serve", "--port", "0", "--allow-private")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line.startswith("http://"):
                raise RuntimeError("the service did not start")
            yield line.strip(), process.pid
        finally:
            process.terminate()
            process.wait(_PATIENCE)


async def _ask(load: Load, registry: Running, names: Sequence[str], fresh: str, url: str, process: int) -> Figures:
    order = [names[number % len(names)] for number in range(load.requests)]
    random.Random(0).shuffle(order)  # noqa: S311  # the same each time
    connector = aiohttp.TCPConnector(limit=load.connections)
    async with aiohttp.ClientSession(connector=connector) as session:
        started = time.monotonic()
        times = await _answers(session, url, order, load.connections)
        wall, asked = time.monotonic() - started, len(registry.log)
        started = time.monotonic()
        await _answers(session, url, [fresh] * load.connections, load.connections)
        burst_wall = time.monotonic() - started
    return Figures(load, asked, wall, times, memory.peak(process), len(registry.log) - asked, burst_wall)


async def _answers(session: aiohttp.ClientSession, url: str, names: Sequence[str], connections: int) -> list[float]:
    """The seconds that each answer took, of so many requests at a time."""
    left, times = iter(names), []

    async def one_after_the_other() -> None:
        for name in left:
            started = time.monotonic()
            async with session.get(url, params={"image": name}) as answer:
                document = await answer.json()
            if document.get("imagename") != name or len(document["archlist"]) != len(_PLATFORMS):
                raise RuntimeError(f"wrong answer for {name}: {document}")
            times.append(time.monotonic() - started)

    await asyncio.gather(*(one_after_the_other() for _ in range(connections)))
    return times


if __name__ == "__main__":
    main()
