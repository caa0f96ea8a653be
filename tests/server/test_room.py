"""How much a store may hold."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from manifest_tool.oci.digest import Digest
from manifest_tool.oci.media_type import OCI_INDEX
from manifest_tool.server import durable
from manifest_tool.server.disk import DiskStore
from manifest_tool.server.limits import Limits
from manifest_tool.server.room import SPARE, Full, Room
from manifest_tool.server.serve import Running, serving
from tests.server.conftest import Client

DATA = b"some bytes"
DIGEST = Digest.of(DATA)


def test_bytes_come_and_go() -> None:
    room = Room(10)
    room.take(8)
    with pytest.raises(Full, match="3 bytes are more than the 2 that are left"):
        room.take(3)
    room.give(1)
    room.take(3)
    assert (room.left, room.used) == (0, 10)


def test_without_a_limit_there_is_always_room() -> None:
    room = Room(None)
    room.take(10**15)
    assert room.left is None


@pytest.mark.parametrize(("limit", "free", "left"), [(None, 5, 5), (3, 5, 3), (9, 5, 5), (None, -1, 0)])
def test_the_disk_is_a_limit_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int | None, free: int, left: int
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=SPARE + free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert Room(limit, tmp_path).left == left


def test_a_disk_that_fills_up_is_a_registry_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write

    def full(handle: int, data: bytes) -> int:
        if "uploads" in str(Path(f"/proc/self/fd/{handle}").resolve()):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(handle, data)

    with DiskStore(tmp_path) as store, serving(store) as registry:
        client = Client(registry.host)
        location = client("POST", "/v2/a/blobs/uploads/").headers["Location"]
        client("PATCH", location, DATA[:4])
        with monkeypatch.context() as disk:
            disk.setattr(os, "write", full)
            refused = client("PATCH", location, DATA[4:])
        assert (refused.status, refused.codes) == (413, ["SIZE_INVALID"])
        # What came before is still there, and once there is room again the upload goes on.
        assert client("GET", location).headers["Range"] == "0-3"
        assert client("PUT", f"{location}?digest={DIGEST}", DATA[4:]).status == 201
        client.close()


def test_a_full_disk_is_served_and_deleted_from_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    raw = b'{"schemaVersion":2,"manifests":[]}'
    with DiskStore(tmp_path) as store:
        Running(store).put_blob("a", DATA)
        digest = Running(store).put_manifest("a", raw, OCI_INDEX, "tag")
    monkeypatch.setattr(durable, "write", full)
    with DiskStore(tmp_path) as store, serving(store) as registry:
        client = Client(registry.host)
        refused = client("PUT", "/v2/a/manifests/another", raw, Content_Type=OCI_INDEX)
        assert (refused.status, refused.codes) == (413, ["SIZE_INVALID"])
        assert client("GET", "/v2/a/manifests/tag").body == raw
        for path in ("manifests/tag", f"manifests/{digest}", f"blobs/{DIGEST}"):
            assert client("DELETE", f"/v2/a/{path}").status == 202
        client.close()
    assert list((tmp_path / "blobs").glob("*/*/*")) == []


def test_what_becomes_a_blob_takes_its_room_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, left = os.fsync, list[int | None]()
    with DiskStore(tmp_path, Limits(size=100)) as store:
        upload = store.begin("a")
        upload.write(DATA)

        def sync(handle: int) -> None:
            left.append(store.room())
            real(handle)

        monkeypatch.setattr(os, "fsync", sync)
        assert store.commit("a", upload.id, DIGEST)
        assert {*left, store.room()} == {100 - len(DATA)}
        assert store.delete_blob("a", DIGEST)
        assert store.room() == 100
