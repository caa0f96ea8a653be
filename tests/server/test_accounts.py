"""Accounts: a file that changes while it is used, and passwords that many try at once."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import bcrypt
import pytest

from manifest_tool.errors import UsageError
from manifest_tool.server import accounts
from manifest_tool.server.accounts import HtpasswdFile, Verifier, fixed
from manifest_tool.server.htpasswd import InvalidAccount
from manifest_tool.server.refusals import Refusal
from tests.server.test_htpasswd import HASH

PLAIN = "the password of 'me' is not hashed, or by an old kind of hash: only bcrypt is taken here"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "accounts"
    path.write_text(f"me:{HASH}\n")
    return path


@pytest.fixture
def told() -> list[str]:
    return []


def test_an_edit_counts_at_once(path: Path, told: list[str]) -> None:
    file = HtpasswdFile(path, told.append)
    for names in (["me", "you"], ["you", "it"], ["me"]):
        path.write_text("".join(f"{name}:{HASH}\n" for name in names))
        assert list(file()) == names
    assert not told


def test_an_edit_that_leaves_the_times_of_a_file_as_they_are_counts_too(path: Path, told: list[str]) -> None:
    before, file = path.stat(), HtpasswdFile(path, told.append)
    path.write_text(f"ne:{HASH}\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert list(file()) == ["ne"]


def test_a_file_that_nobody_edits_is_not_read_again(
    path: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    os.utime(path, (1_000_000_000, 1_000_000_000))
    file = HtpasswdFile(path, told.append)
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("it is read again"))
    assert list(file()) == ["me"]


def test_a_broken_edit_changes_nothing_and_is_told_once(path: Path, told: list[str]) -> None:
    file = HtpasswdFile(path, told.append)
    path.write_text("me:hunter2\n")
    assert [list(file()) for _ in range(3)] == [["me"]] * 3
    path.unlink()
    assert [list(file()) for _ in range(3)] == [["me"]] * 3
    assert told == [
        f"warning: the accounts stay as they were: {path}:1: {PLAIN}",
        f"warning: the accounts stay as they were: cannot read the accounts in {path}: No such file or directory",
    ]
    path.write_text(f"you:{HASH}\n")
    assert list(file()) == ["you"]
    path.unlink()
    assert list(file()) == ["you"]
    assert len(told) == 3


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file_any_more_changes_nothing(path: Path, told: list[str], make: Callable[[Path], None]) -> None:
    file = HtpasswdFile(path, told.append)
    path.unlink()
    make(path)
    assert [list(file()) for _ in range(3)] == [["me"]] * 3
    assert told == [f"warning: the accounts stay as they were: {path} is no regular file"]


def test_whoever_is_taken_out_last_is_out_too(path: Path, told: list[str]) -> None:
    file = HtpasswdFile(path, told.append)
    path.write_text("# nobody\n")
    assert [list(file()) for _ in range(3)] == [[]] * 3
    assert told == [f"warning: nobody is let in: there are no accounts in {path}"]


def test_a_file_of_nobody_is_an_error_at_the_start(path: Path, told: list[str]) -> None:
    path.write_text("# nobody\n")
    with pytest.raises(UsageError, match="there are no accounts in "):
        HtpasswdFile(path, told.append)


def test_what_comes_through_a_pipe_is_read_once(tmp_path: Path, told: list[str]) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=(f"me:{HASH}\n",))
    writer.start()
    file = HtpasswdFile(tmp_path / "pipe", told.append)
    writer.join()
    assert list(file()) == ["me"]


@pytest.mark.parametrize("name", ["gone", "."])
def test_a_file_that_cannot_be_read_is_an_error_at_the_start(tmp_path: Path, told: list[str], name: str) -> None:
    with pytest.raises(UsageError, match="cannot read the accounts in ") as caught:
        HtpasswdFile(tmp_path / name, told.append)
    assert "registry account NAME" in caught.value.hint


class Counted:
    """``bcrypt.checkpw``, counted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._lock = threading.Lock()
        self._real = bcrypt.checkpw
        self.calls: list[tuple[bytes, bytes]] = []
        self.now = self.most = 0
        monkeypatch.setattr(bcrypt, "checkpw", self)

    def __call__(self, password: bytes, hashed: bytes) -> bool:
        with self._lock:
            self.calls.append((password, hashed))
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            return self._real(password, hashed)
        finally:
            with self._lock:
                self.now -= 1


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch)


async def test_what_was_right_is_right_without_bcrypt(counted: Counted) -> None:
    verifier = Verifier(fixed({"me": "hunter2", "you": "hunter3"}))
    for _ in range(3):
        assert await verifier.is_right("me", "hunter2", "")
        assert not await verifier.is_right("me", "hunter3", "")
        assert not await verifier.is_right("you", "hunter2", "")
    assert [password for password, _ in counted.calls].count(b"hunter2") == 4


async def test_no_password_is_kept() -> None:
    verifier = Verifier(fixed({"me": "a password that is kept nowhere"}))
    assert await verifier.is_right("me", "a password that is kept nowhere", "")
    assert "kept nowhere" not in repr(vars(verifier))


async def test_a_password_that_changes_is_right_no_more() -> None:
    current: Mapping[str, bytes] = fixed({"me": "hunter2"})()
    verifier = Verifier(lambda: current)
    assert await verifier.is_right("me", "hunter2", "")
    current = fixed({"me": "hunter3"})()
    assert not await verifier.is_right("me", "hunter2", "")
    assert await verifier.is_right("me", "hunter3", "")
    current = fixed({"you": "hunter3"})()
    assert not await verifier.is_right("me", "hunter3", "")


async def test_names_that_nobody_has_cost_the_same(counted: Counted) -> None:
    hashes = {"quick": bcrypt.hashpw(b"x", bcrypt.gensalt(4)), "slow": bcrypt.hashpw(b"x", bcrypt.gensalt(5))}
    verifier = Verifier(lambda: hashes)
    assert not await verifier.is_right("nobody", "x", "")
    assert not await Verifier(fixed({})).is_right("nobody", "", "")
    assert [hashed[:7] for _, hashed in counted.calls] == [b"$2b$05$", b"$2b$10$"]


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ("x" * 72, True),
        ("x" * 73, True),
        ("x" * 71, False),
        ("", False),
        ("\0", False),
        ("x\0" * 40, False),
        ("\udcff", False),
    ],
)
async def test_bcrypt_sees_72_bytes(given: str, right: bool) -> None:
    assert await Verifier(fixed({"me": "x" * 72})).is_right("me", given, "") is right


async def test_who_asks_for_the_same_waits_for_the_same(counted: Counted) -> None:
    verifier = Verifier(fixed({"me": "hunter2"}))
    assert await asyncio.gather(*(verifier.is_right("me", "hunter2", "") for _ in range(50))) == [True] * 50
    assert len(counted.calls) == 1


async def test_a_flood_takes_few_threads_and_the_right_ones_get_through(counted: Counted) -> None:
    people = {f"user{number}": f"password{number}" for number in range(25)}
    verifier = Verifier(fixed(people))
    tried = [(name, password) for name, right in people.items() for password in (f"not {right}", right)]
    found = await asyncio.gather(*(verifier.is_right(name, password, "10.0.0.1") for name, password in tried))
    assert found == [False, True] * 25
    assert counted.most <= max(1, (os.cpu_count() or 1) // 2)


async def test_a_flood_is_refused_before_it_fills_anything(counted: Counted) -> None:
    verifier = Verifier(fixed({"me": "hunter2"}))
    assert await verifier.is_right("me", "hunter2", "10.0.0.1")
    flood = [
        asyncio.ensure_future(verifier.is_right("me", f"{client} {number}", f"10.0.0.{client}"))
        for client in range(20)
        for number in range(100)
    ]
    await asyncio.sleep(0)
    assert await verifier.is_right("me", "hunter2", "10.0.0.1"), "what is known needs no turn"
    found = await asyncio.gather(*flood, return_exceptions=True)
    refused = [answer for answer in found if isinstance(answer, Refusal)]
    assert found.count(False) + len(refused) == len(found)
    assert len(counted.calls) == 1 + found.count(False) == 1 + accounts._MOST_WAITING
    assert all(found[number] is False for number in range(accounts._MOST_WAITING_OF_ONE))
    assert isinstance(found[accounts._MOST_WAITING_OF_ONE], Refusal), "one client takes no more than its part"
    assert (refused[0].status, refused[0].headers) == (429, {"Retry-After": "1"})
    assert not verifier._waiting
    assert not verifier._flights
    assert not await verifier.is_right("me", "wrong", "10.0.0.1"), "and then it goes on"


@pytest.mark.parametrize(
    ("clients", "waiting"),
    [
        ("2001:db8::{:x}", accounts._MOST_WAITING_OF_ONE),
        ("fe80::{:x}%eth0", accounts._MOST_WAITING_OF_ONE),
        ("2001:db8:0:{:x}::1", 70),
        ("10.0.0.{}", 70),
        ("::ffff:10.0.0.{}", 70),
        ("{}", 70),
    ],
)
async def test_all_addresses_of_a_client_are_one(counted: Counted, clients: str, waiting: int) -> None:
    verifier = Verifier(fixed({"me": "hunter2"}))
    flood = [verifier.is_right("me", f"wrong {number}", clients.format(number)) for number in range(70)]
    found = await asyncio.gather(*flood, return_exceptions=True)
    assert found.count(False) == waiting


async def test_whoever_does_not_wait_leaves_nothing_behind(counted: Counted) -> None:
    verifier = Verifier(fixed({"me": "hunter2"}))
    waiting = asyncio.ensure_future(verifier.is_right("me", "wrong", ""))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait(verifier._flights.values())
    await asyncio.sleep(0)
    assert not verifier._flights
    assert not verifier._waiting


def test_accounts_beside_a_test_are_those_that_a_file_could_hold() -> None:
    with pytest.raises(InvalidAccount):
        fixed({"a:b": "x"})
