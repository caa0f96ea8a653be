"""Paths as they are given: which files they mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from manifest_tool.errors import UsageError
from manifest_tool.spec.files import STDIN, expand


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with specs and what only looks like some."""
    for name in ("b.yaml", "a.yml", ".a.yaml.swp", ".hidden.yaml", "notes.txt", "deep/c.yaml", "deep/.git/d.yaml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "folder.yaml").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".", ["a.yml", "b.yaml"]),
        ("deep/", ["deep/c.yaml"]),
        ("*.yaml", ["b.yaml"]),
        ("*.y*ml", ["a.yml", "b.yaml"]),
        ("[ab].*", ["a.yml", "b.yaml"]),
        ("**/*.yaml", ["b.yaml", "deep/c.yaml"]),
        (".h*", [".hidden.yaml"]),
        (".hidden.yaml", [".hidden.yaml"]),
        ("deep/../b.yam?", ["deep/../b.yaml"]),
        ("nowhere.yaml", ["nowhere.yaml"]),
        (STDIN, [STDIN]),
        ("", [""]),
    ],
)
def test_what_a_path_means(folder: Path, path: str, found: list[str]) -> None:
    assert expand([path]) == found


def test_a_pattern_may_be_absolute(folder: Path) -> None:
    assert expand([f"{folder}/*.yaml"]) == [f"{folder}/b.yaml"]


def test_a_file_with_the_name_of_a_pattern_is_that_file(folder: Path) -> None:
    (folder / "[ab].yaml").touch()
    assert expand(["[ab].yaml"]) == ["[ab].yaml"]


def test_a_file_is_taken_once_however_it_is_spelled(folder: Path) -> None:
    assert expand(["./b.yaml", "b.yaml", ".", str(folder / "b.yaml"), "-", "./-", "-"]) == [
        "./b.yaml",
        "a.yml",
        "-",
        "./-",
    ]


def test_a_link_is_no_other_spec(folder: Path) -> None:
    (folder / "latest").symlink_to("deep")
    assert expand(["deep", "**/c.yaml"]) == ["deep/c.yaml"]


def test_a_link_that_leads_nowhere_is_not_passed_over(folder: Path) -> None:
    (folder / "c.yaml").symlink_to("gone.yaml")
    assert expand(["."]) == ["a.yml", "b.yaml", "c.yaml"]
    assert expand(["c.y*"]) == ["c.yaml"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("folder.yaml", r"the folder folder\.yaml has no specs"),
        ("*.json", r"no file matches \*\.json"),
        ("[", r"no file matches \["),
        ("a\0", "embedded null"),
    ],
)
def test_what_means_nothing(folder: Path, path: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        expand([path])
