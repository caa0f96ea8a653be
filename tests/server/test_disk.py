"""What a store on disk promises beyond the others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from manifest_tool.errors import UsageError
from manifest_tool.oci.digest import Digest
from manifest_tool.server.disk import DiskStore
from manifest_tool.server.serve import Running, serving
from manifest_tool.server.store import Stored
from tests.server.conftest import Client

INDEX = "application/vnd.oci.image.index.v1+json"


def test_a_restart_finds_everything(tmp_path: Path) -> None:
    with serving(DiskStore(tmp_path)) as first:
        blob = first.put_blob("a/b", b"blob")
        manifest = first.put_manifest("a/b", b"{}", INDEX, "tag")
        client = Client(first.host)
        session = client("POST", "/v2/a/b/blobs/uploads/").headers["Location"]
        client("PATCH", session, b"first ")
        client.close()
    with serving(DiskStore(tmp_path)) as second:
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
    assert list((tmp_path / "temporary").iterdir()) == [tmp_path / "temporary" / "probe"]


def test_a_folder_that_cannot_be_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"cannot keep a registry in .*file"):
        DiskStore(tmp_path / "file")


def test_what_was_left_unfinished_goes_after_a_day(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    old, new = store.begin("a"), store.begin("a")
    os.utime(old.path, (0, 0))
    again = DiskStore(tmp_path)
    assert again.upload("a", old.id) is None
    assert again.upload("a", new.id) is not None


@pytest.mark.parametrize("name", ["..", "a/../b", "/a", "A", ""])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    store = DiskStore(tmp_path)
    with pytest.raises(ValueError, match="is no name"):
        store.put_manifest(name, Digest.of(b""), Stored(INDEX, b""))
