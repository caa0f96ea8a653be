"""``registry account`` as it is typed."""

from __future__ import annotations

from pathlib import Path

import bcrypt
import pytest

from tests import harness
from tests.cli.test_login import Terminal
from tests.conftest import Program


def _is(path: Path, password: str) -> bool:
    name, _, hashed = path.read_text().strip().partition(":")
    return name == "me" and bcrypt.checkpw(password.encode(), hashed.encode())


def _command(path: Path) -> tuple[str, ...]:
    return ("registry", "account", "me", "--htpasswd", str(path))


def test_a_password_on_standard_input(tmp_path: Path) -> None:
    path = tmp_path / "accounts"
    for word, password in (("Added", "hunter2"), ("Changed", "hunter3")):
        ran = harness.program([*_command(path), "--password-stdin"], stdin=f"{password}\n")
        assert (ran.code, ran.stdout, ran.stderr) == (0, f"{word} account me\n", "")
        assert _is(path, password)


@pytest.mark.parametrize("again", ["hunter2", "hunter3"])
def test_on_a_terminal_it_asks_twice_and_the_password_does_not_show(tmp_path: Path, again: str) -> None:
    path = tmp_path / "accounts"
    with Terminal(*_command(path)) as terminal:
        terminal.answer("Password for me: ", "hunter2\n")
        terminal.answer("Once more: ", f"{again}\n")
        ran, shown = terminal.end()
    assert shown == "|"
    if again == "hunter2":
        assert (ran.code, ran.stdout) == (0, "Added account me\n")
        assert _is(path, "hunter2")
    else:
        assert (ran.code, ran.stdout) == (2, "")
        assert "error: the two passwords differ, and nothing is written\n" in ran.stderr
        assert not path.exists()


def test_without_a_terminal_nobody_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MANIFEST_TOOL_PASSWORD", "of whoever pushes")
    ran = harness.program(_command(tmp_path / "accounts"), stdin="hunter2\nhunter2\n")
    assert (ran.code, ran.stdout) == (2, "")
    assert "hint: give it on standard input with --password-stdin" in ran.stderr
    assert not (tmp_path / "accounts").exists()


def test_what_is_typed_in_another_encoding_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8:strict")
    with Terminal(*_command(tmp_path / "accounts")) as terminal:
        terminal.answer("Password for me: ", b"pass\xff\n")
        ran, _ = terminal.end()
    assert (ran.code, ran.stdout) == (2, "")
    assert ran.stderr.endswith("error: what was typed is no UTF-8\n")


def test_a_name_that_no_account_can_have_is_refused_before_anybody_is_asked(tmp_path: Path) -> None:
    with Terminal("registry", "account", "a:b", "--htpasswd", str(tmp_path / "accounts")) as terminal:
        ran, _ = terminal.end()
    assert (ran.code, ran.stdout) == (2, "")
    assert ran.stderr.startswith("error: invalid account 'a:b': ")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["a:b", "-p", "x"], "error: invalid account 'a:b': the name of an account has neither a colon nor control"),
        (["me", "-p", "x" * 73], "error: invalid account 'me': its password has more than 72 bytes"),
        (["me", "-u", "you", "-p", "x"], "error: the account is named without --username\n"),
    ],
)
def test_what_is_refused(program: Program, tmp_path: Path, arguments: list[str], problem: str) -> None:
    ran = program("registry", "account", "--htpasswd", str(tmp_path / "accounts"), *arguments)
    assert (ran.code, ran.stdout) == (2, "")
    assert ran.stderr.startswith(problem)
    assert not (tmp_path / "accounts").exists()
