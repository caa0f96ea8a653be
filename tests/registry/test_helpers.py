"""The protocol of credential helpers, with helpers that are really run."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from manifest_tool.errors import CredentialsError
from manifest_tool.registry import helpers
from manifest_tool.registry.helpers import Kept
from tests.registry.parts import credential_helper

SECRET = "hunter2"
KEPT = Kept("me", SECRET)
FOUND = f"""printf '%s' '{{"ServerURL":"x","Username":"me","Secret":"{SECRET}"}}'"""


def _program(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a helper on the PATH that is this script and nothing before it."""
    program = folder / "docker-credential-bare"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


async def test_what_it_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = credential_helper(tmp_path, monkeypatch, FOUND)
    assert await helpers.get("fake", "r.test") == KEPT
    assert asked.read_text() == "get r.test\n"
    assert SECRET not in repr(KEPT)


@pytest.mark.parametrize(
    "script",
    [
        "echo 'credentials not found in native keychain'; exit 1",
        "echo 'credentials not found in native keychain' >&2; exit 1",
        """printf '{"Username":"","Secret":""}'""",
    ],
)
async def test_it_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    credential_helper(tmp_path, monkeypatch, script)
    assert await helpers.get("fake", "r.test") is None


async def test_it_is_given_something_to_keep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _program(tmp_path, monkeypatch, f'echo "$@" > {tmp_path}/verb; cat > {tmp_path}/words')
    await helpers.store("bare", "r.test", Kept('"m\\e"', "pässword"))
    assert (tmp_path / "verb").read_text() == "store\n"
    words = json.loads((tmp_path / "words").read_text())
    assert words == {"ServerURL": "r.test", "Username": '"m\\e"', "Secret": "pässword"}


@pytest.mark.parametrize("script", ["", "echo 'credentials not found in native keychain'; exit 1"])
async def test_it_is_made_to_forget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    asked = credential_helper(tmp_path, monkeypatch, script)
    await helpers.erase("fake", "r.test")
    assert asked.read_text() == "erase r.test\n"


@pytest.mark.parametrize("secret", [SECRET, 'a"b\\c', "pässword"])
async def test_what_it_was_given_is_not_told_when_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    _program(tmp_path, monkeypatch, "cat; exit 1")
    with pytest.raises(CredentialsError, match=r"docker-credential-bare failed: \{.*…") as caught:
        await helpers.store("bare", "r.test", Kept("me", secret))
    assert secret not in str(caught.value)
    assert json.dumps(secret)[1:-1] not in str(caught.value)


async def test_what_it_has_found_is_not_told_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    credential_helper(tmp_path, monkeypatch, f"{FOUND}; echo sealed >&2; exit 1")
    with pytest.raises(CredentialsError, match=r"failed: sealed$"):
        await helpers.get("fake", "r.test")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 'the vault is sealed'; exit 1", "failed: the vault is sealed"),
        ("echo 'gpg: no \033[31mkey' >&2; exit 2", "failed: gpg: no [31mkey"),
        ("exit 3", "failed: it ended with 3"),
        ("kill -9 $$", "failed: it ended with -9"),
    ],
)
async def test_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, message: str) -> None:
    credential_helper(tmp_path, monkeypatch, script)
    for work in (helpers.get("fake", "r.test"), helpers.store("fake", "r.test", KEPT), helpers.erase("fake", "r.test")):
        with pytest.raises(CredentialsError) as caught:
            await work
        assert str(caught.value) == f"the credential helper docker-credential-fake {message}"


@pytest.mark.parametrize(
    "script",
    [
        f"echo {SECRET}",
        f"""echo '["{SECRET}"]'""",
        f"""echo '{{"Username": null, "Secret": "{SECRET}"}}'""",
        "printf '\\377\\000'",
        "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2",
    ],
)
async def test_it_does_not_speak_the_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    credential_helper(tmp_path, monkeypatch, script)
    with pytest.raises(CredentialsError, match=r"did not answer with a Username and a Secret$"):
        await helpers.get("fake", "r.test")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", "cannot be run: No such file or directory"),
        ("../evil", "'../evil' is no name of a credential helper"),
        ("nul\0", "cannot be run: embedded null byte"),
    ],
)
async def test_it_is_not_there(name: str, message: str) -> None:
    with pytest.raises(CredentialsError) as caught:
        await helpers.get(name, "r.test")
    assert message in str(caught.value)


async def test_it_reads_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _program(tmp_path, monkeypatch, f"exec <&-\n{FOUND}")
    assert await helpers.get("bare", "r.test") == KEPT


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  # another process makes it true
            await asyncio.sleep(0.005)


def _pid(asked: Path) -> int:
    return int(asked.read_text().split()[-1])


def _has_started(asked: Path) -> bool:
    return asked.exists() and asked.read_text().count("\n") == 2


@pytest.mark.parametrize("sleep", ["exec sleep 60", "echo x; exec >&- 2>&-; exec sleep 60"])
async def test_it_hangs_and_is_killed_and_reaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sleep: str) -> None:
    asked = credential_helper(tmp_path, monkeypatch, f"echo $$ >> {tmp_path}/asked; {sleep}")
    monkeypatch.setattr(helpers, "_SECONDS", 0.2)
    with pytest.raises(CredentialsError, match=r"docker-credential-fake did not answer in 0\.2 s$"):
        await helpers.get("fake", "r.test")
    assert not _alive(_pid(asked))


async def test_what_it_started_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    credential_helper(tmp_path, monkeypatch, "sleep 3; true")
    monkeypatch.setattr(helpers, "_SECONDS", 0.1)
    started = time.monotonic()
    with pytest.raises(CredentialsError):
        await helpers.get("fake", "r.test")
    assert time.monotonic() - started < 2


async def test_nor_what_it_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    credential_helper(tmp_path, monkeypatch, f"sleep 3 & {FOUND}")
    monkeypatch.setattr(helpers, "_SECONDS", 0.2)
    with pytest.raises(CredentialsError, match="did not answer"):
        await helpers.get("fake", "r.test")


async def test_it_ends_with_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = credential_helper(tmp_path, monkeypatch, f"echo $$ >> {tmp_path}/asked; exec sleep 60")
    asking = asyncio.ensure_future(helpers.get("fake", "r.test"))
    await _until(lambda: _has_started(asked))
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await _until(lambda: not _alive(_pid(asked)))
