from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import tools
from benchmarks.runs import Failed, once
from tests import harness


def _script(folder: Path, name: str, says: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{says}\n")
    path.chmod(0o755)


def _names(path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("PATH", str(path))
    monkeypatch.setenv("HOME", str(path))
    return [tool.name for tool in tools.found(peers=True)]


def test_programs_are_used_where_they_are_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _script(tmp_path, "crane", "")
    _script(tmp_path, "manifest-tool", "echo manifest-tool version 2.2.1")
    names = _names(tmp_path, monkeypatch)
    assert names[:2] == ["ours", "floor"]
    assert {"Go manifest-tool", "crane"} <= set(names)


def test_our_own_program_is_no_other_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = harness.program(["--version"]).stdout.strip()
    _script(tmp_path, "manifest-tool", f"echo {own}")
    assert "Go manifest-tool" not in _names(tmp_path, monkeypatch)


def test_programs_see_one_account_and_no_settings_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.test")
    found = tools.environment(tmp_path, "127.0.0.1:5000", account=True)
    assert "HTTP_PROXY" not in found
    assert found["HOME"] == found["DOCKER_CONFIG"] == str(tmp_path)
    assert list(json.loads((tmp_path / "config.json").read_text())["auths"]) == ["127.0.0.1:5000"]


def test_a_command_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"sh ended with 3: first \| why"):
        once(("sh", "-c", "echo first; echo why >&2; exit 3"), {"PATH": "/bin:/usr/bin"}, tmp_path)


def test_a_small_process_has_a_small_peak(tmp_path: Path) -> None:
    """Smaller than this one, whose own peak it would be given if it were started from here."""
    used = once(("sh", "-c", "exit 0"), {"PATH": "/bin:/usr/bin"}, tmp_path)
    assert 0 < used.peak < 20
