"""The program itself, as small as it can be."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import harness


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "benchmarks", *arguments], capture_output=True, text=True, timeout=120)


def _bench(folder: Path, *arguments: str) -> dict[str, list[dict[str, object]]]:
    path = folder / "figures.json"
    done = _run("--quick", "--platforms", "2", "--json", str(path), *arguments)
    assert done.returncode == 0, done.stderr
    assert "compare ratios" in done.stdout
    found: dict[str, list[dict[str, object]]] = json.loads(path.read_text())
    return found


@pytest.mark.parametrize(
    ("registry", "fleet"), [("embedded", 2), pytest.param("docker-registry", 0, marks=pytest.mark.docker_registry)]
)
def test_it_measures_ours_and_the_floor_with_tokens(registry: str, fleet: int, tmp_path: Path) -> None:
    harness.need("openssl")
    if registry == "docker-registry":
        harness.need("docker-registry")
    found = _bench(tmp_path, "--registry", registry, "--auth", "token", "--scenario", "across", "--fleet", str(fleet))
    assert [row["tool"] for row in found["rows"]] == ["ours", "floor"]
    for row in found["rows"]:
        assert "failure" not in row, row
        assert row["floor"] == 8
        # Answers that come while a slow machine is still asking can only add to the rounds.
        assert int(str(row["rounds"])) >= 8
    assert [one["way"] for one in found["fleets"]] == (["ours", "again", "floor"] if fleet else [])
    assert all(one["specs"] == fleet for one in found["fleets"])


def test_numbers_that_are_none_are_told() -> None:
    done = _run("--platforms", "many")
    assert done.returncode == 2
    assert "'many' is no list of platforms" in done.stderr
