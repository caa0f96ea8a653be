"""What is on the disk when an operation is acknowledged: the order in which files and folders are synced."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from manifest_tool.oci.digest import Digest
from manifest_tool.server.disk import DiskStore
from manifest_tool.server.serve import Running
from manifest_tool.server.store import Stored

INDEX = "application/vnd.oci.image.index.v1+json"
PASSING = {"temporary", "uploads"}
"""Folders whose names need not last."""


class Power:
    """What a power cut would take: names in folders, and bytes in files, that were not synced since they changed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.unsynced: set[Path] = set()
        self.safe: set[Path] = set()

    def named(self, path: Path) -> None:
        folder = Path(path).parent
        if folder.name not in PASSING and self.root in (folder, *folder.parents):
            self.unsynced.add(folder)

    def fsync(self, handle: int) -> None:
        path = Path(f"/proc/self/fd/{handle}").readlink()
        (self.unsynced.discard if path.is_dir() else self.safe.add)(path)

    def replace(self, source: Path, target: Path) -> None:
        assert Path(source) in self.safe, f"{source} is not on the disk, and becomes {target}"
        self.named(target)


@pytest.fixture
def power(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Power]:
    """Watches the calls to the system."""
    watch = Power(tmp_path)
    real = {name: getattr(os, name) for name in ("fsync", "replace", "unlink", "mkdir", "open")}

    def watched(name: str, note: Any) -> Any:
        def call(*arguments: Any, **more: Any) -> Any:
            note(*arguments)
            return real[name](*arguments, **more)

        return call

    def opened(path: Any, flags: int, *_: Any) -> None:
        if flags & os.O_CREAT and not Path(path).exists():
            watch.named(path)

    monkeypatch.setattr(os, "fsync", watched("fsync", watch.fsync))
    monkeypatch.setattr(os, "replace", watched("replace", watch.replace))
    monkeypatch.setattr(os, "mkdir", watched("mkdir", lambda path, *_: watch.named(path)))
    monkeypatch.setattr(os, "open", watched("open", opened))
    # Bytes that nobody has a name for may come back.
    monkeypatch.setattr(
        os, "unlink", watched("unlink", lambda path: None if "blobs" in Path(path).parts else watch.named(path))
    )
    yield watch
    monkeypatch.undo()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="no /proc")
def test_everything_is_synced_before_it_is_acknowledged(tmp_path: Path, power: Power) -> None:
    store = DiskStore(tmp_path / "registry")
    power.unsynced.clear()  # the lock, and the probe
    running = Running(store)
    digest = running.put_blob("a/b", b"blob")
    assert power.unsynced == set()
    assert store.mount("c", digest)
    assert power.unsynced == set()
    other = running.put_manifest("a/b", b"{}", INDEX, "tag")
    assert power.unsynced == set()
    store.put_manifest("a/b", digest, Stored(INDEX, b"blob"), ["tag", "Another"])
    assert power.unsynced == set()
    for deleted in (
        store.delete_tag("a/b", "tag"),
        store.delete_manifest("a/b", digest),
        store.delete_manifest("a/b", other),
        store.delete_blob("c", digest),
    ):
        assert deleted
        assert power.unsynced == set()


def test_what_comes_and_goes_at_once_is_after_a_restart_as_it_was_before(tmp_path: Path) -> None:
    contents = [random.Random(number).randbytes(1_000) for number in range(3)]
    store = DiskStore(tmp_path)

    def change(seed: int) -> None:
        chance, running = random.Random(seed), Running(store)
        for _ in range(150):
            repository, data = chance.choice("ab"), chance.choice(contents)
            digest = Digest.of(data)
            way = chance.randrange(6)
            if way == 0:
                running.put_blob(repository, data)
            elif way == 1:
                store.mount(repository, digest)
            elif way == 2:
                store.delete_blob(repository, digest)
            elif way == 3:
                running.put_manifest(repository, data, INDEX, chance.choice("xY"))
            elif way == 4:
                store.delete_manifest(repository, digest)
            else:
                store.delete_tag(repository, chance.choice("xY"))

    threads = [threading.Thread(target=change, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    before = state(store, contents)
    store.close()
    with DiskStore(tmp_path) as again:
        assert state(again, contents) == before
        assert again._room.used == store._room.used


def state(store: DiskStore, contents: list[bytes]) -> object:
    """Everything that it says of some contents; each blob that it has can be read."""
    found = {}
    for repository in "ab":
        running, digests = Running(store), [Digest.of(data) for data in contents]
        blobs = [running.blob(repository, digest) for digest in digests]
        assert all(blob in {None, data} for blob, data in zip(blobs, contents, strict=True))
        manifests = [digest for digest in digests if store.manifest(repository, digest)]
        found[repository] = (blobs, manifests, running.tags(repository))
    return found
