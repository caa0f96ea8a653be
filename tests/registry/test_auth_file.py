"""The file that logins are kept in: changed in one step, and kept as it was but for that."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from manifest_tool.errors import CredentialsError
from manifest_tool.oci.reference import Registry
from manifest_tool.registry.auth_file import AuthFile

HOST = Registry.parse("r.test")
ENTRY = {"auth": "bWU6aHVudGVyMg=="}


def _file(folder: Path, document: Any = None) -> AuthFile:
    path = folder / "config.json"
    if document is not None:
        path.write_text(json.dumps(document))
    return AuthFile(path)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_new_file_in_a_new_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = AuthFile(tmp_path / "new" / "config.json")
    await file.keep(HOST, "r.test", ENTRY)
    assert (
        file.path.read_text() == '{\n\t"auths": {\n\t\t"r.test": {\n\t\t\t"auth": "bWU6aHVudGVyMg=="\n\t\t}\n\t}\n}\n'
    )
    assert (_mode(file.path), _mode(file.path.parent)) == (0o600, 0o700)


async def test_the_rest_is_kept_in_its_order(tmp_path: Path) -> None:
    before = {
        "zeta": {"b": [1, 2.5, None, True], "a": "ä\ud800"},
        "auths": {"z.test": {"email": "x"}, "https://r.test/v1/": {"auth": "b2xkOm9sZA=="}, "a.test": {}},
        "HttpHeaders": {"X": "<&>"},
    }
    file = _file(tmp_path, before)
    file.path.chmod(0o644)
    await file.keep(HOST, "r.test", ENTRY)
    after = json.loads(file.path.read_text())
    assert after == {**before, "auths": {"z.test": {"email": "x"}, "a.test": {}, "r.test": ENTRY}}
    assert (list(after), list(after["auths"])) == (list(before), ["z.test", "a.test", "r.test"])
    assert _mode(file.path) == 0o600
    assert _names(tmp_path) == ["config.json", "config.json.lock"]


SPELLINGS = ["r.test", "R.test", "https://r.test", "http://r.test/", "r.test/v2/", "https://r.test/v1/"]
OTHERS = ["other.test", "r.test:5000", "r.test/team"]


async def test_every_spelling_of_a_host_is_forgotten_and_no_other(tmp_path: Path) -> None:
    file = _file(tmp_path, {"auths": dict.fromkeys([*SPELLINGS, *OTHERS], ENTRY)})
    assert await file.forget(HOST)
    assert json.loads(file.path.read_text()) == {"auths": dict.fromkeys(OTHERS, ENTRY)}
    assert not await file.forget(HOST)


@pytest.mark.parametrize("document", [None, {}, {"auths": None}, {"auths": {}}])
async def test_what_is_not_there_is_not_forgotten_and_nothing_is_written(tmp_path: Path, document: Any) -> None:
    file = _file(tmp_path, document)
    assert not await file.forget(HOST)
    assert _names(tmp_path) == ([] if document is None else ["config.json"])


async def test_a_null_holds_nothing(tmp_path: Path) -> None:
    file = _file(tmp_path, {"auths": None, "x": 1})
    await file.keep(HOST, "r.test", ENTRY)
    assert json.loads(file.path.read_text()) == {"auths": {"r.test": ENTRY}, "x": 1}


async def test_the_form_that_docker_had_before(tmp_path: Path) -> None:
    file = AuthFile(tmp_path / ".dockercfg")
    file.path.write_text(json.dumps({"other.test": ENTRY}))
    await file.keep(HOST, "r.test", ENTRY)
    assert json.loads(file.path.read_text()) == {"other.test": ENTRY, "r.test": ENTRY}


async def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "config.json"
    link.symlink_to("real/auth.json")
    for _ in range(2):
        await AuthFile(link).keep(HOST, "r.test", ENTRY)
        assert link.is_symlink()
        assert json.loads((tmp_path / "real" / "auth.json").read_text()) == {"auths": {"r.test": ENTRY}}


async def test_a_link_in_a_circle(tmp_path: Path) -> None:
    link = tmp_path / "config.json"
    link.symlink_to("config.json")
    with pytest.raises(CredentialsError, match=r"credential file .*config\.json"):
        await AuthFile(link).keep(HOST, "r.test", ENTRY)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not valid JSON at line 1"),
        ('{"auths": {},}', "is not valid JSON at line 1"),
        ("[]", "is not a JSON object"),
        ('{"auths": []}', "are no JSON object"),
    ],
)
async def test_a_damaged_file_is_not_overwritten(tmp_path: Path, text: str, message: str) -> None:
    file = AuthFile(tmp_path / "config.json")
    file.path.write_text(text)
    for work in (file.keep(HOST, "r.test", ENTRY), file.forget(HOST)):
        with pytest.raises(CredentialsError, match=rf"config\.json {message}"):
            await work
    with pytest.raises(CredentialsError, match=message):
        file.read()
    assert file.path.read_text() == text


async def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CredentialsError, match=r"cannot write the credential file .*config\.json: "):
        await AuthFile(tmp_path / "file" / "config.json").keep(HOST, "r.test", ENTRY)


async def test_a_write_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    file = _file(tmp_path, {"x": 1})
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CredentialsError, match="No space left on device"):
        await file.keep(HOST, "r.test", ENTRY)
    assert json.loads(file.path.read_text()) == {"x": 1}
    assert _names(tmp_path) == ["config.json", "config.json.lock"]


async def test_whoever_holds_the_lock_is_waited_for(tmp_path: Path) -> None:
    file = _file(tmp_path, {})
    with (tmp_path / "config.json.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        keeping = asyncio.ensure_future(file.keep(HOST, "r.test", ENTRY))
        done, _ = await asyncio.wait([keeping], timeout=0.1)
        assert not done
        file.path.write_text('{"auths": {"other.test": {}}}')
    await keeping
    assert json.loads(file.path.read_text()) == {"auths": {"other.test": {}, "r.test": ENTRY}}


def test_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("DOCKER_CONFIG")
    assert AuthFile.of().path == tmp_path / ".docker" / "config.json"
    monkeypatch.setenv("DOCKER_CONFIG", "~/docker")
    assert AuthFile.of().path == tmp_path / "docker" / "config.json"
    monkeypatch.setenv("REGISTRY_AUTH_FILE", "~/auth.json")
    assert AuthFile.of().path == tmp_path / "auth.json"
    assert AuthFile.of(f"{tmp_path}/mine").path == tmp_path / "mine"
    assert AuthFile.of(f"{tmp_path}/mine/").path == tmp_path / "mine" / "config.json"
    assert AuthFile.of(str(tmp_path)).path == tmp_path / "config.json"


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_CONFIG")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    with pytest.raises(CredentialsError, match="there is no home folder") as caught:
        AuthFile.of()
    assert "--docker-cfg" in caught.value.hint
