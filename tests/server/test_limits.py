"""Limits that a machine sets."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from manifest_tool.server import limits


@pytest.mark.parametrize(("told", "half"), [("2097152", 1048576), ("max", None), (None, None)])
def test_half_of_the_memory_that_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str | None, half: int | None
) -> None:
    if told is not None:
        (tmp_path / "memory.max").write_text(f"{told}\n")
    monkeypatch.setattr(limits, "_CONTROL_GROUP", tmp_path / "memory.max")
    if half is None:
        assert limits.half_of_memory() > 64 * 1024 * 1024
    else:
        assert limits.half_of_memory() == half


def test_as_many_open_files_as_there_may_be() -> None:
    script = "import resource; from manifest_tool.server.limits import open_more_files; open_more_files()\n"
    script += "print(*resource.getrlimit(resource.RLIMIT_NOFILE))"
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    lower = f"ulimit -S -n 256; exec {sys.executable} -c '{script}'"
    ran = subprocess.run(["sh", "-c", lower], capture_output=True, text=True)
    assert ran.stdout.split() == [str(most), str(most)] or most == resource.RLIM_INFINITY
