"""The embedded registry under load, beside Debian's docker-registry: ``python -m benchmarks.registry``.

Connections fetch manifests, by tag and by digest, and upload blobs, each of bytes that are new, with a POST and a PUT.
Each registry is a process of its own on loopback, and has its turn in each round; who asks is the same program. On two
cores, the figures are those of both together. The embedded registry on disk has every blob, and its
folder, on the disk before it says so (fsync); docker-registry has its files there, but not their folders.

Last of all, a large blob is uploaded in one request, and the registry's memory is looked at.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table

from benchmarks import load, memory, registries
from benchmarks.load import Answer, Request, Task, always, request
from benchmarks.registries import Kind, Server
from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest

_KIB, _MIB = 1024, 1024 * 1024
_PEER: Kind = "docker-registry"
_MEMORY, _DISK = "embedded, in memory", "embedded, on disk"
_OPEN = request("POST", "/v2/load/blobs/uploads/", status=202)
_FRESH = 16
"""Bytes that no other blob begins with."""


@dataclass(frozen=True, slots=True)
class Load:
    """How much is asked."""

    rounds: int = 5
    connections: int = 8
    fetches: int = 4_000
    small: int = 800
    """Uploads of 64 KiB."""
    large: int = 160
    """Uploads of 1 MiB."""
    stream: int = 1024
    """MiB of the large blob."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How it went."""

    load: Load
    rates: Mapping[str, Mapping[str, float]]
    """How many a second of each kind, by registry; the median of the rounds."""
    peaks: Mapping[str, float]
    """MiB of each registry's process once it was given the large blob; 0 where the system does not tell."""
    seconds: Mapping[str, float]
    """That the large blob took."""

    def table(self) -> Table:
        """What is printed."""
        names = list(self.peaks)
        table = Table("", *names, *(f"{name} / {_PEER}" for name in names if name != _PEER and _PEER in names))
        for kind in next(iter(self.rates.values())):
            found = [self.rates[name][kind] for name in names]
            table.add_row(kind, *(f"{rate:.0f}/s" for rate in found), *self._ratios(names, found))
        took = [self.seconds[name] for name in names]
        table.add_row(f"{self.load.stream} MiB in one PUT", *(f"{one:.1f} s" for one in took))
        table.add_row("memory after it", *(f"{self.peaks[name]:.0f} MiB" for name in names))
        return table

    @staticmethod
    def _ratios(names: Sequence[str], rates: Sequence[float]) -> list[str]:
        if _PEER not in names:
            return []
        peer = rates[names.index(_PEER)]
        return [f"{rate / peer:.2f}" for name, rate in zip(names, rates, strict=True) if name != _PEER]


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.registry")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each registry")
    arguments = parser.parse_args()
    figures = measure(Load(rounds=arguments.rounds))
    console = Console()
    (console if console.is_terminal else Console(width=160)).print(figures.table())


def measure(wanted: Load) -> Figures:
    """Start the registries, put a manifest into each, and let them have their turns."""
    with _registries() as servers:
        manifests = {name: asyncio.run(_seed(server.host)) for name, server in servers.items()}
        rates: dict[str, dict[str, list[float]]] = {name: {} for name in servers}
        for _ in range(wanted.rounds):
            for name, server in servers.items():
                os.sync()  # what the one before left to the system to write
                for kind, tasks in _kinds(wanted, manifests[name]):
                    took = asyncio.run(load.run(server.host, tasks, wanted.connections))
                    rates[name].setdefault(kind, []).append(len(tasks) / took)
        seconds = {name: _stream(server.host, wanted.stream) for name, server in servers.items()}
        peaks = {name: memory.peak(server.process) for name, server in servers.items()}
    medians = {name: {kind: statistics.median(all_) for kind, all_ in found.items()} for name, found in rates.items()}
    return Figures(wanted, medians, peaks, seconds)


@contextmanager
def _registries() -> Iterator[Mapping[str, Server]]:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        found = {
            _MEMORY: stack.enter_context(registries.embedded()),
            _DISK: stack.enter_context(registries.embedded("--root", str(folder / "embedded"))),
        }
        if not registries.why_not(_PEER, "none"):
            found[_PEER] = stack.enter_context(registries.docker_registry(folder))
        yield found


async def _seed(host: str) -> Digest:
    """Put a manifest, and what it needs."""
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}).encode()
    layers = [os.urandom(_KIB) for _ in range(5)]
    document = {
        "schemaVersion": 2,
        "mediaType": types.DOCKER_MANIFEST,
        "config": _descriptor(types.DOCKER_CONFIG, config),
        "layers": [_descriptor(types.DOCKER_LAYER, layer) for layer in layers],
    }
    manifest = json.dumps(document).encode()
    put = request("PUT", "/v2/load/manifests/1", status=201, body=[manifest], content_type=types.DOCKER_MANIFEST)
    await load.run(host, [*(_upload([blob]) for blob in (config, *layers)), [always(put)]], 1)
    return Digest.of(manifest)


def _descriptor(media_type: str, data: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": str(Digest.of(data)), "size": len(data)}


def _kinds(wanted: Load, manifest: Digest) -> Iterator[tuple[str, Sequence[Task]]]:
    """Everything that is asked in a turn, by its name in the table."""
    for kind, which in (("manifest by tag", "1"), ("manifest by digest", str(manifest))):
        fetch = request("GET", f"/v2/load/manifests/{which}", status=200, accept=types.DOCKER_MANIFEST)
        yield kind, [[always(fetch)]] * wanted.fetches
    for size, count in ((64 * _KIB, wanted.small), (_MIB, wanted.large)):
        rest = os.urandom(size - _FRESH)
        yield f"blob of {size // _KIB} KiB", [_upload([os.urandom(_FRESH), rest]) for _ in range(count)]


def _upload(body: Sequence[bytes]) -> Task:
    hasher = Digest.of(b"").hasher()
    for part in body:
        hasher.update(part)
    digest = hasher.digest()

    def put(opened: Answer | None) -> Request:
        location = opened.header("Location") if opened else ""
        target = urlsplit(location)._replace(scheme="", netloc="").geturl()
        return request("PUT", f"{target}{'&' if '?' in target else '?'}digest={digest}", status=201, body=body)

    return [always(_OPEN), put]


def _stream(host: str, size: int) -> float:
    """The seconds that a blob of so many MiB takes."""
    piece = os.urandom(_MIB)
    return asyncio.run(load.run(host, [_upload([piece] * size)], 1))


if __name__ == "__main__":
    main()
