"""Reports in files."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from manifest_tool.cli.report_file import ReportFile
from manifest_tool.errors import OutputError, UsageError


def test_nothing_is_there_before_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "report.xml"
    file = ReportFile.at(path, "--junit")
    assert not list(tmp_path.iterdir())
    file.write("first")
    file.write("sécond")
    assert path.read_text() == "sécond"
    assert list(tmp_path.iterdir()) == [path]


def test_it_is_made_as_any_other_file_is(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("")
    ReportFile.at(tmp_path / "report", "--junit").write("")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert len(modes) == 1


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    ReportFile.at(tmp_path / "link", "--junit").write("x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "x"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gone/report.xml", "No such file or directory"),
        ("", "Is a directory"),
        ("file/report.xml", "Not a directory"),
        ("x" * 300, "File name too long"),
    ],
)
def test_what_cannot_be_written_is_told_at_once(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=rf"^--junit: cannot write .*: {reason}$"):
        ReportFile.at(tmp_path / name, "--junit")


def test_what_cannot_be_written_any_more(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    file = ReportFile.at(folder / "report", "--html")
    folder.rmdir()
    with pytest.raises(OutputError, match=r"cannot write .*report: No such file or directory$"):
        file.write("x")


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(path.read_text()))
    reader.start()
    ReportFile(path).write("x")
    reader.join(10)
    assert read == ["x"]
    assert path.is_fifo()


def test_a_device_stays_one() -> None:
    ReportFile.at(Path("/dev/null"), "--junit").write("x")
    assert Path("/dev/null").is_char_device()
