"""SIGKILL at any moment: what was acknowledged is there after a restart, and nothing is half there."""

from __future__ import annotations

import random
import sys
from pathlib import Path

from tests.server import killing


def test_a_killed_registry_has_kept_what_it_acknowledged(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    sys.stdout.write(f"seed {seed}\n")
    assert killing.kill(tmp_path, seed, runs=6)
