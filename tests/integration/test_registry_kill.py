"""The registry on disk killed two hundred times; see `tests.server.killing`."""

from __future__ import annotations

import random
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.server import killing

pytestmark = pytest.mark.integration

RUNS, FOLDERS = 200, 4


def test_two_hundred_times(tmp_path: Path) -> None:
    seeds = [random.SystemRandom().randrange(2**32) for _ in range(FOLDERS)]
    sys.stdout.write(f"seeds {seeds}\n")
    with ThreadPoolExecutor(FOLDERS) as pool:
        counts = pool.map(lambda seed: killing.kill(tmp_path / str(seed), seed, RUNS // FOLDERS), seeds)
        found = sum(counts)
    sys.stdout.write(f"{found} things were there and verified\n")
    assert found > RUNS
