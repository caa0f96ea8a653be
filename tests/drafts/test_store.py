"""Where drafts are kept."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given

from manifest_tool.drafts.store import Store
from manifest_tool.errors import DraftError
from manifest_tool.oci.reference import Reference
from tests.oci.strategies import REFERENCES

ONE, OTHER = (Reference.parse(f"r.test:5000/team/{name}") for name in ("a_b:v2", "a/b:v2"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "drafts")


def writing(text: str) -> Callable[[bytes | None], bytes]:
    return lambda _: text.encode()


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


async def test_no_two_lists_share_a_file(store: Store) -> None:
    for target in (ONE, OTHER):
        await store.change(target, writing(str(target)))
    assert [store.read(target) for target in (ONE, OTHER)] == [str(target).encode() for target in (ONE, OTHER)]
    assert store.targets() == [OTHER, ONE]


@given(REFERENCES.filter(lambda reference: bool(reference.tag) and not reference.digest))
def test_the_name_of_a_file_tells_the_list(reference: Reference) -> None:
    store = Store(Path("/drafts"))
    assert store._target(store.path(reference)) == reference


async def test_a_draft_is_for_its_owner_alone(store: Store) -> None:
    await store.change(ONE, writing("x"))
    assert stat.S_IMODE(store.path(ONE).stat().st_mode) == 0o600
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700


async def test_nothing_is_left_of_what_is_removed(store: Store) -> None:
    assert not await store.remove(ONE)
    assert not store.folder.exists()
    await store.change(ONE, writing("x"))
    await store.change(OTHER, writing("x"))
    assert await store.remove(OTHER)
    assert not await store.remove(OTHER)
    assert sorted(path.name for path in (store.folder / "r.test:5000" / "team").iterdir()) == ["a_b"]
    assert await store.remove(ONE)
    assert [path.name for path in store.folder.iterdir()] == [".lock"]


async def test_what_was_changed_meanwhile_is_not_removed(store: Store) -> None:
    await store.change(ONE, writing("new"))
    assert not await store.remove(ONE, b"old")
    assert await store.remove(ONE, b"new")


async def test_changes_wait_for_each_other(store: Store) -> None:
    def grown(before: bytes | None) -> bytes:
        return (before or b"") + b"x"

    await asyncio.gather(*(store.change(ONE, grown) for _ in range(20)))
    assert store.read(ONE) == b"x" * 20
    assert names(store.folder) == [".lock", "r.test:5000/team/a_b/:v2.yaml"]


async def test_a_change_that_fails_changes_nothing(store: Store) -> None:
    def fail(_: bytes | None) -> bytes:
        raise DraftError("no")

    await store.change(ONE, writing("x"))
    for target in (ONE, OTHER):
        with pytest.raises(DraftError):
            await store.change(target, fail)
    assert names(store.folder) == [".lock", "r.test:5000/team/a_b/:v2.yaml"]


async def test_other_files_are_no_drafts(store: Store) -> None:
    await store.change(ONE, writing("x"))
    for name in (":x y.yaml", "notes.yaml", ":v1.yaml~"):
        (store.path(ONE).parent / name).touch()
    assert store.targets() == [ONE]
    assert Store(store.folder / "none").targets() == []


async def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DraftError, match=r"cannot use the drafts at .*file") as caught:
        await Store(tmp_path / "file").change(ONE, writing("x"))
    assert caught.value.hint == "$MANIFEST_TOOL_DRAFTS names another folder for drafts"


def test_the_environment_names_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert Store.of().folder == tmp_path / "manifest-tool" / "drafts"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Store.of().folder == tmp_path / ".local" / "share" / "manifest-tool" / "drafts"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MANIFEST_TOOL_DRAFTS", "mine")
    assert Store.of().folder == tmp_path / "mine"


def test_without_a_home_a_folder_has_to_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_DATA_HOME")

    def homeless(_: type[Path]) -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", classmethod(homeless))
    with pytest.raises(DraftError, match="no home folder"):
        Store.of()
