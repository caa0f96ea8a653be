"""Files that several processes change."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import pytest

from manifest_tool import files


async def test_who_holds_the_lock_is_waited_for(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"
    order = []

    async def late() -> None:
        async with files.locked(lock):
            order.append("second")

    async with files.locked(lock):
        waiting = asyncio.ensure_future(late())
        await asyncio.sleep(0)
        order.append("first")
    await waiting
    assert order == ["first", "second"]
    assert stat.S_IMODE(lock.stat().st_mode) == 0o600


def test_a_file_is_another_one_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with path.open("rb") as before:
        files.replace(path, b"new")
        assert (before.read(), path.read_bytes()) == (b"old", b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(("shared", "mode"), [(False, 0o600), (True, 0o640)])
def test_for_whom_a_file_is_afterwards(tmp_path: Path, shared: bool, mode: int) -> None:
    path = tmp_path / "file"
    path.touch()
    path.chmod(0o640)
    files.replace(path, b"new", shared=shared)
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_what_was_for_a_group_is_for_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.touch()
    path.chmod(0o660)
    monkeypatch.setattr(os, "chown", _of_nobody)
    files.replace(path, b"new", shared=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def _of_nobody(*_: object) -> None:
    raise PermissionError


def test_where_it_fails_the_old_file_stays_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.mkdir()
    with pytest.raises(OSError, match="directory"):
        files.replace(path, b"new")
    assert [found.name for found in tmp_path.iterdir()] == ["file"]
