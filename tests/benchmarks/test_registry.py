"""The load on a registry, made small: that all of it is answered as it must be, and no times."""

from __future__ import annotations

import shutil

from rich.console import Console

from benchmarks.registry import Load, measure


def test_each_registry_has_its_turn() -> None:
    figures = measure(Load(rounds=1, connections=3, fetches=9, small=6, large=3, stream=3))
    names = ["embedded, in memory", "embedded, on disk"]
    assert list(figures.rates) == [*names, *(["docker-registry"] if shutil.which("docker-registry") else [])]
    kinds = ["manifest by tag", "manifest by digest", "blob of 64 KiB", "blob of 1024 KiB"]
    assert all(list(rates) == kinds and all(rates.values()) for rates in figures.rates.values())
    console = Console(width=200)
    with console.capture() as capture:
        console.print(figures.table())
    assert "3 MiB in one PUT" in capture.get()
