"""The cache on disk: whole, private, bounded, and never in the way."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from manifest_tool.events import Noticed
from manifest_tool.query.disk import MAX_BYTES, DiskCache
from manifest_tool.query.lookup import Key
from tests.query.parts import entry, key
from tests.registry.parts import Watched

KEY = key()
ENTRY = entry("linux/amd64", "windows(10.0.1+win32k)/amd64", "linux/arm/v7", checked=1_234.5)


@pytest.fixture
def cache(tmp_path: Path) -> DiskCache:
    return DiskCache(tmp_path / "manifest-tool" / "query")


def only_file(cache: DiskCache) -> Path:
    [path] = cache.folder.iterdir()
    return path


def test_what_is_put_is_got(cache: DiskCache) -> None:
    assert cache.get(KEY) is None
    cache.put(KEY, ENTRY)
    assert cache.get(KEY) == ENTRY


def test_each_question_has_an_answer_of_its_own(cache: DiskCache) -> None:
    keys = [KEY, key("r.test/app:2"), key("s.test/app:1"), key(account="me"), key(channel="insecure")]
    for number, one in enumerate(keys):
        cache.put(one, entry("linux/amd64", checked=float(number)))
    found = [cache.get(one) for one in keys]
    assert [one and one.checked for one in found] == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_it_is_for_its_owner_alone(cache: DiskCache) -> None:
    cache.put(KEY, ENTRY)
    paths = [cache.folder.parent, cache.folder, only_file(cache)]
    assert [stat.S_IMODE(path.stat().st_mode) for path in paths] == [0o700, 0o700, 0o600]


def changed(**fields: Any) -> bytes:
    document = {
        "schemaVersion": 1,
        "reference": "r.test/app:1",
        "account": "",
        "channel": "",
        "checked": 1.5,
        "support": ENTRY.support.to_json(),
    }
    return json.dumps(document | fields).encode()


def test_a_document_as_it_should_be(cache: DiskCache) -> None:
    cache.put(KEY, ENTRY)
    only_file(cache).write_bytes(changed())
    assert cache.get(KEY) == entry("linux/amd64", "windows(10.0.1+win32k)/amd64", "linux/arm/v7", checked=1.5)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 100,
        b"[1]",
        b"[" * 100_000,
        b"{" + b'"a":1,' * 3,
        changed()[:-20],
        changed(schemaVersion=2),
        changed(reference="r.test/app:2"),
        changed(account="other"),
        changed(checked="now"),
        changed(checked=-1.0),
        changed(checked=1e300),
        changed(checked=None),
        changed(support=None),
        changed(support={}),
        changed(padding="x" * MAX_BYTES),
    ],
    ids=lambda content: repr(content[:30]),
)
def test_what_is_damaged_counts_as_absent_and_is_replaced(cache: DiskCache, content: bytes) -> None:
    cache.put(KEY, ENTRY)
    only_file(cache).write_bytes(content)
    assert cache.get(KEY) is None
    cache.put(KEY, ENTRY)
    assert cache.get(KEY) == ENTRY


def test_what_is_no_file_is_not_waited_for(cache: DiskCache) -> None:
    cache.put(KEY, ENTRY)
    path = only_file(cache)
    path.unlink()
    os.mkfifo(path)
    assert cache.get(KEY) is None
    cache.put(KEY, ENTRY)
    assert cache.get(KEY) == ENTRY


def test_no_link_is_followed(cache: DiskCache, tmp_path: Path) -> None:
    cache.put(KEY, ENTRY)
    path = only_file(cache)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert cache.get(KEY) is None


def test_what_somebody_else_has_put_there_is_not_read(cache: DiskCache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.put(KEY, ENTRY)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert cache.get(KEY) is None


def test_what_is_too_large_is_not_kept(cache: DiskCache) -> None:
    cache.put(KEY, entry(*[f"linux/amd64:{'x' * 1_000}{number}" for number in range(1_000)]))
    assert not cache.folder.exists()


def test_the_oldest_files_go(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path / "query", most=5, spared=3)
    keys = [key(f"r.test/app:{number}") for number in range(6)]
    for number, one in enumerate(keys):
        before = set(tmp_path.glob("query/*"))
        cache.put(one, ENTRY)
        for path in set(tmp_path.glob("query/*")) - before:
            os.utime(path, (number, number))
        if number == 4:
            (cache.folder / "notes.txt").touch()
            assert len(list(cache.folder.iterdir())) == 6
    assert [bool(cache.get(one)) for one in keys] == [False, False, False, True, True, True]
    assert (cache.folder / "notes.txt").exists()


def test_what_a_killed_run_left_goes_too(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path / "query", most=1, spared=1)
    cache.put(KEY, ENTRY)
    left = cache.folder / f".{only_file(cache).name}.x1y2"
    left.touch()
    os.utime(left, (1, 1))
    cache.put(KEY, ENTRY)
    assert not left.exists()


@pytest.mark.parametrize("folder", ["/dev/null/query", "relative/query"])
def test_where_it_cannot_be_kept_that_is_told_and_no_more(folder: str) -> None:
    watched = Watched()
    cache = DiskCache(Path(folder), watched)
    cache.put(KEY, ENTRY)
    assert cache.get(KEY) is None
    [notice] = watched.of(Noticed)
    assert notice.message.startswith(f"cannot write to the cache {folder}: ")


def test_it_lies_where_the_user_keeps_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert DiskCache.of_user().folder == tmp_path / "manifest-tool" / "query"


def test_nothing_secret_is_in_it(cache: DiskCache) -> None:
    cache.put(Key(KEY.reference, "me"), ENTRY)
    assert set(json.loads(only_file(cache).read_bytes())) == {
        "schemaVersion",
        "reference",
        "account",
        "channel",
        "checked",
        "support",
    }
