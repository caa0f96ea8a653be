"""The one loud line about skipped tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

def test_good(): pass

@pytest.mark.parametrize("n", [1, 2])
def test_needs(n): pytest.skip("frob is not installed")

@pytest.mark.skip(reason="no corpus")
def test_marked(): pass
"""


def last_line(folder: Path, *arguments: str) -> str:
    (folder / "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "integration.skips", "-p", "no:cacheprovider", "-q", *arguments]
    done = subprocess.run(
        [*command, "--rootdir", str(folder), str(folder)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        timeout=60,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_skipped_tests_are_counted_by_reason(tmp_path: Path, options: tuple[str, ...]) -> None:
    expected = "WARNING: 3 tests were SKIPPED: 2 × frob is not installed; 1 × no corpus"
    assert last_line(tmp_path, *options) == expected


def test_nothing_skipped_says_nothing(tmp_path: Path) -> None:
    assert last_line(tmp_path, "-k", "test_good").startswith("1 passed")
