"""The folder of a store on disk: whose it is, and what is left alone in it."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest

from manifest_tool.errors import UsageError
from manifest_tool.oci.digest import Digest
from manifest_tool.server.disk import DiskStore
from manifest_tool.server.layout import BLOBS, Layout
from manifest_tool.server.serve import Running, serving
from tests.server.conftest import Client

INDEX = "application/vnd.oci.image.index.v1+json"
RAW = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).encode()


def state(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """All of a folder, with the times at which it changed."""
    found = {}
    for path in (folder, *folder.rglob("*")):
        told = path.stat()
        data = path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(folder))] = (told.st_mtime_ns, told.st_ctime_ns, data)
    return found


def filled(root: Path) -> tuple[Digest, Digest]:
    """A registry with a blob and a tagged manifest, and what a process that was killed would leave."""
    with DiskStore(root) as store:
        running = Running(store)
        found = running.put_blob("a/b", b"blob"), running.put_manifest("a/b", RAW, INDEX, "tag")
        lost = running.put_blob("a/b", b"lost")
        store.begin("a/b").write(b"begun")
    layout = Layout(root)
    layout.bytes(lost).unlink()
    (root / "temporary" / "draft").write_bytes(b"draft")
    orphan = layout.bytes(Digest.of(b"orphan"))
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"orphan")
    return found


@pytest.mark.parametrize(
    "files",
    [
        ["oci-layout", "index.json", f"blobs/sha256/{'a' * 64}"],
        [f"blobs/sha256/aa/{'a' * 64}/data", "repositories/a/_manifests/tags/latest/current/link"],
        ["temporary/mine", "notes.txt"],
        ["temporary/mine"],
        ["lock", "package.json"],
        ["lock", "version"],
    ],
)
@pytest.mark.parametrize("read_only", [False, True])
def test_a_folder_of_something_else_is_left_as_it_is(tmp_path: Path, files: list[str], read_only: bool) -> None:
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("1.2.3")
    before = state(tmp_path)
    with pytest.raises(UsageError, match=r"what is in .* is no registry") as refused:
        DiskStore(tmp_path, read_only=read_only)
    assert "an empty folder" in refused.value.hint
    assert state(tmp_path) == before


@pytest.mark.parametrize("read_only", [False, True])
def test_a_registry_of_a_newer_program_is_left_as_it_is(tmp_path: Path, read_only: bool) -> None:
    filled(tmp_path)
    (tmp_path / "version").write_text("2\n")
    (tmp_path / "an-index-of-theirs").touch()
    before = state(tmp_path)
    with pytest.raises(UsageError, match=r"newer manifest-tool: its version is 2, not 1"):
        DiskStore(tmp_path, read_only=read_only)
    assert state(tmp_path) == before


@pytest.mark.parametrize("files", [[], ["lost+found", ".DS_Store"], ["lock"], ["lock", "version"]])
def test_an_empty_folder_or_one_that_was_just_begun_becomes_a_registry(tmp_path: Path, files: list[str]) -> None:
    for file in files:
        (tmp_path / file).touch()
    for _ in range(2):
        DiskStore(tmp_path).close()
    assert (tmp_path / "version").read_text() == "1\n"


def test_a_registry_of_before_there_were_versions_gets_one(tmp_path: Path) -> None:
    filled(tmp_path)
    (tmp_path / "version").unlink()
    with DiskStore(tmp_path, read_only=True) as store:
        assert Running(store).manifest("a/b", "tag") == (INDEX, RAW)
    assert not (tmp_path / "version").exists()
    with DiskStore(tmp_path) as store:
        assert Running(store).manifest("a/b", "tag") == (INDEX, RAW)
    assert (tmp_path / "version").read_text() == "1\n"


def test_what_is_read_only_is_not_written_to(tmp_path: Path) -> None:
    blob, manifest = filled(tmp_path)
    before = state(tmp_path)
    with (
        DiskStore(tmp_path, read_only=True) as store,
        DiskStore(tmp_path, read_only=True) as another,
        serving(store) as registry,
    ):
        assert Running(another).blob("a/b", blob) == b"blob"
        client = Client(registry.host)
        assert client("GET", f"/v2/a/b/blobs/{blob}").body == b"blob"
        assert client("GET", f"/v2/a/b/blobs/{Digest.of(b'lost')}").status == 404
        assert client("GET", "/v2/a/b/manifests/tag").body == RAW
        assert client("GET", "/v2/a/b/tags/list").json["tags"] == ["tag"]
        writes = {
            "POST": ["/v2/a/b/blobs/uploads/", f"/v2/c/blobs/uploads/?mount={blob}"],
            "PUT": ["/v2/a/b/manifests/tag", "/v2/c/manifests/tag"],
            "DELETE": [f"/v2/a/b/blobs/{blob}", f"/v2/a/b/manifests/{manifest}", "/v2/a/b/manifests/tag"],
        }
        for method, paths in writes.items():
            for path in paths:
                answer = client(method, path, RAW if method == "PUT" else None)
                assert answer.json["errors"][0]["detail"] == "Read-only file system", (method, path)
        client.close()
    assert state(tmp_path) == before


def test_readers_and_a_writer_keep_each_other_out(tmp_path: Path) -> None:
    filled(tmp_path)
    for first, second in ((False, True), (True, False)):
        with DiskStore(tmp_path, read_only=first), pytest.raises(UsageError, match="another process keeps a registry"):
            DiskStore(tmp_path, read_only=second)


def test_a_copy_without_its_lock_can_be_read(tmp_path: Path) -> None:
    blob, _ = filled(tmp_path)
    (tmp_path / "lock").unlink()
    with DiskStore(tmp_path, read_only=True) as store:
        assert Running(store).blob("a/b", blob) == b"blob"
    assert not (tmp_path / "lock").exists()


@pytest.mark.parametrize("exists", [False, True])
def test_there_must_be_something_to_read(tmp_path: Path, exists: bool) -> None:
    root = tmp_path / "root"
    if exists:
        root.mkdir()
    with pytest.raises(UsageError, match=r"there is no registry in .*root"):
        DiskStore(root, read_only=True)
    assert root.exists() == exists


def test_a_medium_that_cannot_be_written_to(tmp_path: Path) -> None:
    root = tmp_path / "root"
    blob, _ = filled(root)
    script = (
        "import pathlib, sys\n"
        "from manifest_tool.server.disk import DiskStore\n"
        "from manifest_tool.server.serve import Running\n"
        "from manifest_tool.errors import UsageError\n"
        "from manifest_tool.oci.digest import Digest\n"
        "root = pathlib.Path(sys.argv[1])\n"
        "with DiskStore(root, read_only=True) as store:\n"
        "    print(Running(store).blob('a/b', Digest.parse(sys.argv[2])))\n"
        "try:\n"
        "    DiskStore(root)\n"
        "except UsageError as error:\n"
        "    print(error, '|', error.hint)\n"
    )
    mounts = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" || exit 99; exec "$0" -c "$2" "$1" "$3"'
    command = [
        "unshare",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        mounts,
        sys.executable,
        str(root),
        script,
        str(blob),
    ]
    try:
        ran = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("no unshare")
    if ran.returncode == 99 or "unshare" in ran.stderr:
        pytest.skip("nothing may be mounted here")
    assert ran.stdout.splitlines() == [
        "b'blob'",
        f"cannot keep a registry in {root}: Read-only file system | --read-only serves what is there already",
    ], ran.stderr


def test_what_cannot_be_written_to_is_told_how_it_can_be_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("os.open", refuse)
    with pytest.raises(UsageError, match="Read-only file system") as refused:
        DiskStore(tmp_path)
    monkeypatch.undo()
    assert refused.value.hint == "--read-only serves what is there already"


def test_bytes_in_the_folder_of_other_bytes_are_none(tmp_path: Path) -> None:
    blob, _ = filled(tmp_path)
    layout = Layout(tmp_path)
    astray = layout.blobs / "sha256" / "zz" / blob.hex
    astray.parent.mkdir()
    layout.bytes(blob).rename(astray)
    with DiskStore(tmp_path) as store:
        assert store.blob("a/b", blob) is None
    assert astray.exists()
    assert not layout.link("a/b", BLOBS, blob).exists()
