"""What a store on disk promises beyond the others."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_tool.errors import UsageError
from manifest_tool.oci.digest import Digest
from manifest_tool.server import durable
from manifest_tool.server.disk import DiskStore
from manifest_tool.server.disk_upload import DiskUpload
from manifest_tool.server.layout import BLOBS, MANIFESTS, Layout, tag_file, tag_of
from manifest_tool.server.serve import Running, serving
from manifest_tool.server.store import Stored
from tests.server.conftest import Client

INDEX = "application/vnd.oci.image.index.v1+json"
RAW = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).encode()


def test_a_restart_finds_everything(tmp_path: Path) -> None:
    with DiskStore(tmp_path) as store, serving(store) as first:
        blob = first.put_blob("a/b", b"blob")
        manifest = first.put_manifest("a/b", b"{}", INDEX, "tag")
        client = Client(first.host)
        session = client("POST", "/v2/a/b/blobs/uploads/").headers["Location"]
        client("PATCH", session, b"first ")
        client.close()
    with DiskStore(tmp_path) as store, serving(store) as second:
        assert second.blob("a/b", blob) == b"blob"
        assert second.manifest("a/b", "tag") == second.manifest("a/b", manifest) == (INDEX, b"{}")
        client = Client(second.host)
        assert client("GET", session).headers["Range"] == "0-5"
        digest = Digest.of(b"first second")
        assert client("PUT", f"{session}?digest={digest}", b"second").status == 201
        client.close()
        assert second.store.repositories() == ["a/b"]


def test_bytes_are_kept_once(tmp_path: Path) -> None:
    running = Running(DiskStore(tmp_path))
    digests = {running.put_blob(repository, b"blob") for repository in ("a", "b", "a/c")}
    assert [path.name for path in (tmp_path / "blobs").glob("*/*/*")] == [digest.hex for digest in digests]
    assert list((tmp_path / "temporary").iterdir()) == list((tmp_path / "uploads").iterdir()) == []


def test_a_folder_that_cannot_be_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"cannot keep a registry in .*file"):
        DiskStore(tmp_path / "file")


def test_one_process_at_a_time(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from manifest_tool.server.disk import DiskStore; DiskStore(pathlib.Path(sys.argv[1]))"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with DiskStore(tmp_path):
        ran = subprocess.run(command, capture_output=True, text=True)
        assert f"UsageError: another process keeps a registry in {tmp_path}" in ran.stderr
        with pytest.raises(UsageError) as refused:
            DiskStore(tmp_path)
        assert refused.value.hint == "stop it, or take another folder"
    assert subprocess.run(command).returncode == 0


def test_an_upload_that_nobody_goes_on_with_is_given_up(tmp_path: Path) -> None:
    with DiskStore(tmp_path) as store:
        sessions = [store.begin("a") for _ in range(2)]
        for session in sessions:
            session.write(b"some")
    old, new = sessions
    os.utime(tmp_path / "uploads" / old.id, (0, 0))
    with DiskStore(tmp_path) as store:
        assert store.upload("a", old.id) is None
        assert store.upload("a", new.id) is not None
        assert [path.name for path in (tmp_path / "uploads").iterdir()] == [new.id]


def test_an_upload_with_nothing_in_it_has_no_file(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    assert store.discard("a", store.begin("a").id)
    assert store.commit("a", store.begin("a").id, Digest.of(b""))
    assert list((tmp_path / "uploads").iterdir()) == []


def test_what_was_received_before_a_restart_is_digested_with_the_rest(tmp_path: Path) -> None:
    with DiskStore(tmp_path) as store:
        first = store.begin("a")
        first.write(b"first ")
    with DiskStore(tmp_path) as store:
        again = store.upload("a", first.id)
        assert again is not None
        again.write(b"second")
        assert store.commit("a", first.id, Digest.of(b"first second"))


@pytest.mark.parametrize(("algorithm", "patches"), [("sha256", 0), ("sha512", 0), ("sha256", 3)])
def test_what_is_received_is_digested_as_it_comes_and_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, algorithm: str, patches: int
) -> None:
    def reading(self: DiskUpload) -> None:
        pytest.fail("what was received is read again")

    monkeypatch.setattr(DiskUpload, "_pieces", reading)
    data, part = bytes(1_000_000), bytes(200_000)
    with DiskStore(tmp_path) as store, serving(store) as registry:
        client = Client(registry.host)
        location = client("POST", "/v2/a/blobs/uploads/").headers["Location"]
        for _ in range(patches):
            assert client("PATCH", location, part).status == 202
        digest = Digest.of(patches * part + data, algorithm)
        assert client("PUT", f"{location}?digest={digest}", data).status == 201
        client.close()


def test_a_restart_removes_what_was_left_half_done(tmp_path: Path) -> None:
    with DiskStore(tmp_path) as store:
        running = Running(store)
        blob, lost = running.put_blob("a", b"blob"), running.put_blob("a", b"lost")
        manifest, gone = running.put_manifest("a", b"{}", INDEX, "tag"), running.put_manifest("a", b"[]", INDEX, "gone")
    layout = Layout(tmp_path)
    layout.link("a", BLOBS, blob).unlink()
    for digest in (lost, gone):
        layout.bytes(digest).unlink()
    layout.tag("a", "torn").write_bytes(b"")
    layout.tag("a", "torn-too").write_bytes(b"\xff")
    torn = layout.link("a", MANIFESTS, Digest.of(b"blob"))
    torn.write_bytes(b"\xff\xff")
    (tmp_path / "temporary" / "draft").write_bytes(b"draft")
    for foreign in (layout.bytes(manifest), layout.link("a", BLOBS, blob), layout.repositories / "x"):
        foreign.with_name(".of-the-system").write_bytes(b"")
    with DiskStore(tmp_path) as store:
        running = Running(store)
        assert running.blob("a", blob) is running.blob("a", lost) is None
        assert running.tags("a") == {"tag": manifest}
        assert store.manifests("a") == [manifest]
    assert not layout.bytes(blob).exists()
    assert not torn.exists()
    assert list((tmp_path / "temporary").iterdir()) == []
    assert {tag for tag, _ in layout.all_tags("a")} == {"tag"}


def test_tags_that_differ_by_case_alone_differ_where_case_does_not_count(tmp_path: Path) -> None:
    with DiskStore(tmp_path) as store:
        for raw, tag in ((b"{}", "Latest"), (b"[]", "latest"), (b"[1]", "LATEST")):
            Running(store).put_manifest("a", raw, INDEX, tag)
        tags = store.tags("a")
    files = [path.name for path in (tmp_path / "repositories" / "a" / "_tags").iterdir()]
    assert len({name.lower() for name in files}) == len(set(tags.values())) == 3
    with DiskStore(tmp_path) as store:
        assert store.tags("a") == tags


@pytest.mark.parametrize("file", ["a,", "a,0", "a,zz", "A", "a,2", ".DS_Store", "a b", "", "a" * 200, "a,1,1"])
def test_a_file_that_no_tag_has_is_none(file: str) -> None:
    assert tag_of(file) is None


@given(st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}", fullmatch=True))
def test_every_tag_is_read_back_from_its_file(tag: str) -> None:
    assert tag_of(tag_file(tag)) == tag
    assert len(tag_file(tag)) <= 255
    assert tag_file(tag) == tag_file(tag).lower()


def test_a_manifest_is_found_by_what_it_is_about_after_a_restart(tmp_path: Path) -> None:
    subject = Digest.of(b"subject")
    raw = json.dumps({"subject": {"mediaType": INDEX, "digest": str(subject), "size": 7}}).encode()
    with DiskStore(tmp_path) as store:
        digest = Running(store).put_manifest("a", raw, INDEX)
        assert store.referrers("a", subject) == [digest]
    with DiskStore(tmp_path) as store:
        assert store.referrers("a", subject) == [digest]
        store.delete_manifest("a", digest)
        assert store.referrers("a", subject) == []


@pytest.mark.parametrize("name", ["..", "a/../b", "/a", "A", ""])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    store = DiskStore(tmp_path)
    with pytest.raises(ValueError, match="is no name"):
        store.put_manifest(name, Digest.of(b""), Stored(INDEX, b""))


@pytest.mark.parametrize("damaged", [None, b"", b"longer than it was"])
def test_a_blob_that_is_lost_under_the_registry_is_told_to_be(tmp_path: Path, damaged: bytes | None) -> None:
    with DiskStore(tmp_path) as store, serving(store) as registry:
        path = Layout(tmp_path).bytes(digest := registry.put_blob("a", b"blob"))
        path.unlink() if damaged is None else path.write_bytes(damaged)
        client = Client(registry.host)
        for method in ("HEAD", "GET"):
            assert client(method, f"/v2/a/blobs/{digest}").status == 404
        assert client("POST", f"/v2/a/blobs/uploads/?digest={digest}", b"blob").status == 201
        assert client("GET", f"/v2/a/blobs/{digest}").body == b"blob"
        client.close()


def test_tags_that_moved_before_the_disk_was_full_have_moved_after_a_restart_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = durable.write

    def write(path: Path, data: bytes, temporary: Path) -> None:
        if path.name == "two":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(path, data, temporary)

    with DiskStore(tmp_path) as store, serving(store) as registry:
        old, new = registry.put_manifest("a", b"{}", INDEX, "one"), Digest.of(RAW)
        client = Client(registry.host)
        with monkeypatch.context() as disk:
            disk.setattr(durable, "write", write)
            refused = client("PUT", f"/v2/a/manifests/{new}?tag=one&tag=two", RAW, Content_Type=INDEX)
        assert (refused.status, refused.codes) == (413, ["SIZE_INVALID"])
        assert registry.tags("a") == {"one": new}
        client.close()
    with DiskStore(tmp_path) as store:
        assert store.tags("a") == {"one": new}
        store.put_manifest("a", old, Stored(INDEX, b"{}"), ["one"])
    with DiskStore(tmp_path) as store:
        assert store.tags("a") == {"one": old}


@pytest.mark.parametrize("step", ["fsync", "replace", "mkdir"])
def test_a_blob_that_the_disk_does_not_take_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with DiskStore(tmp_path) as store, serving(store) as registry:
        client, digest = Client(registry.host), Digest.of(b"blob")
        location = client("POST", "/v2/a/blobs/uploads/").headers["Location"]
        client("PATCH", location, b"blob")
        with monkeypatch.context() as disk:
            disk.setattr(os, step, full)
            refused = client("PUT", f"{location}?digest={digest}")
        assert (refused.status, refused.codes) == (413, ["SIZE_INVALID"])
        assert client("HEAD", f"/v2/a/blobs/{digest}").status == 404
        assert list((tmp_path / "uploads").iterdir()) == list((tmp_path / "blobs").glob("*/*/*")) == []
        assert store._room.used == 0
        assert client("POST", f"/v2/a/blobs/uploads/?digest={digest}", b"blob").status == 201
        assert store._room.used == 4
        client.close()


def test_a_manifest_whose_bytes_are_damaged_is_not_served(tmp_path: Path) -> None:
    with DiskStore(tmp_path) as store:
        digest = Running(store).put_manifest("a", RAW, INDEX, "tag")
    path = Layout(tmp_path).bytes(digest)
    path.write_bytes(RAW[:-2] + bytes([RAW[-2] ^ 1]) + RAW[-1:])
    with DiskStore(tmp_path) as store, serving(store) as registry:
        client = Client(registry.host)
        for which in ("tag", digest):
            refused = client("GET", f"/v2/a/manifests/{which}")
            assert (refused.status, refused.codes) == (500, ["UNKNOWN"])
            assert refused.json["errors"][0]["detail"] == f"the bytes of {digest} are damaged"
        assert client("PUT", "/v2/a/manifests/tag", RAW, Content_Type=INDEX).status == 201
        assert client("GET", "/v2/a/manifests/tag").body == RAW
        client.close()


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("damaged", [None, b"", b"blub", b"longer than it was"])
def test_another_push_mends_what_is_damaged(tmp_path: Path, damaged: bytes | None, restarted: bool) -> None:
    with ExitStack() as stack:
        store = stack.enter_context(DiskStore(tmp_path))
        running = Running(store)
        blob, manifest = running.put_blob("a", b"blob"), running.put_manifest("a", RAW, INDEX, "tag")
        used = store._room.used
        for digest in (blob, manifest):
            path = Layout(tmp_path).bytes(digest)
            path.unlink() if damaged is None else path.write_bytes(damaged)
        if restarted:
            store.close()
            store = stack.enter_context(DiskStore(tmp_path))
            running = Running(store)
        assert running.put_blob("a", b"blob") == blob
        running.put_manifest("a", RAW, INDEX, "tag")
        assert running.blob("a", blob) == b"blob"
        assert running.manifest("a", "tag") == (INDEX, RAW)
        assert store._room.used == used
        assert list((tmp_path / "uploads").iterdir()) == []
