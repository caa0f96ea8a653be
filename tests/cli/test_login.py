"""``login`` and ``logout`` as they are typed."""

from __future__ import annotations

import base64
import json
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from manifest_tool.server.serve import Running, serving
from tests import harness
from tests.conftest import Program
from tests.registry.tokens import basic

SECRET = "hunter2"
ENTRY = {"auth": base64.b64encode(f"me:{SECRET}".encode()).decode()}


@pytest.fixture
def guarded() -> Iterator[Running]:
    """A registry with one account."""
    with serving(middlewares=[basic({"me": SECRET})]) as running:
        yield running


def _auths() -> Any:
    return json.loads(Path(os.environ["DOCKER_CONFIG"], "config.json").read_text())["auths"]


def _is_written() -> bool:
    return Path(os.environ["DOCKER_CONFIG"], "config.json").exists()


@pytest.mark.parametrize(
    "options",
    [("-u", "me", "-p", SECRET), ("-u=me", f"--password={SECRET}"), ("-username", "me", "-password", SECRET)],
    ids=" ".join,
)
def test_in_and_out_again(guarded: Running, program: Program, options: tuple[str, ...]) -> None:
    entered = program("login", f"https://{guarded.host}/", *options)
    assert (entered.code, entered.stdout) == (0, "Login Succeeded\n")
    assert entered.stderr.startswith("warning: the password is stored unencrypted in ")
    assert entered.stderr.count("\n") == 1
    assert _auths() == {guarded.host: ENTRY}
    assert program("inspect", f"{guarded.host}/app:1").code == 3
    left = program("logout", guarded.host)
    assert (left.code, left.stdout, left.stderr) == (0, f"Removed login credentials for {guarded.host}\n", "")
    again = program("logout", guarded.host)
    assert (again.code, again.stdout, again.stderr) == (0, f"Not logged in to {guarded.host}\n", "")
    refused = program("inspect", f"{guarded.host}/app:1")
    assert refused.code == 4
    assert f"log in with manifest-tool login {guarded.host}, or pass --username" in refused.stderr


def test_the_environment_counts(guarded: Running, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MANIFEST_TOOL_USERNAME", "me")
    monkeypatch.setenv("MANIFEST_TOOL_PASSWORD", SECRET)
    assert program("login", guarded.host).code == 0
    assert _auths() == {guarded.host: ENTRY}


def test_a_password_on_standard_input(guarded: Running) -> None:
    ran = harness.program(["login", guarded.host, "-u", "me", "--password-stdin"], stdin=f"{SECRET}\n")
    assert (ran.code, ran.stdout) == (0, "Login Succeeded\n")
    assert _auths() == {guarded.host: ENTRY}


@pytest.mark.parametrize("options", [(), ("-u", "me"), ("-p", SECRET)], ids=" ".join)
def test_without_a_terminal_nobody_is_asked(guarded: Running, options: tuple[str, ...]) -> None:
    ran = harness.program(["login", guarded.host, *options], stdin=f"me\n{SECRET}\n")
    assert (ran.code, ran.stdout) == (2, "")
    assert "--password-stdin" in ran.stderr
    assert not _is_written()


def test_a_refusal_writes_nothing(guarded: Running, program: Program) -> None:
    ran = program("login", guarded.host, "-u", "me", "-p", "wrong")
    assert (ran.code, ran.stdout) == (4, "")
    assert f"error: {guarded.host} refused the account 'me'" in ran.stderr
    assert not _is_written()


def test_a_network_that_fails_writes_nothing(program: Program) -> None:
    ran = program("login", f"127.0.0.1:{harness.free_port()}", "-u", "me", "-p", SECRET)
    assert (ran.code, ran.stdout) == (5, "")
    assert not _is_written()


def test_a_path_is_no_registry(program: Program) -> None:
    ran = program("login", "r.test/team", "-u", "me", "-p", SECRET)
    assert (ran.code, ran.stderr) == (
        2,
        "error: 'r.test/team' is more than a registry's host\nhint: log in to all of r.test\n",
    )
    assert program("logout", "r.test/team").code == 2


class Terminal:
    """A process whose standard input is a terminal at which somebody types."""

    def __init__(self, *arguments: str) -> None:
        self._ours, self._theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "manifest_tool", *arguments],
            stdin=self._theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # the terminal of whoever runs the tests is none of it
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()
        os.close(self._ours)
        os.close(self._theirs)

    def answer(self, prompt: str, text: str | bytes) -> None:
        """Wait for a prompt and type."""
        assert self.process.stderr
        told = b""
        while not told.endswith(prompt.encode()):
            told += self.process.stderr.read(1) or pytest.fail(told.decode())
        os.write(self._ours, text.encode() if isinstance(text, str) else text)

    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self._theirs)[3] & termios.ECHO)

    def end(self) -> tuple[harness.Ran, str]:
        """How it ended, and what the terminal showed of what was typed."""
        stdout, stderr = self.process.communicate(timeout=30)
        os.write(self._theirs, b"|")
        shown = b""
        while not shown.endswith(b"|"):
            shown += os.read(self._ours, 1024)
        return harness.Ran(self.process.returncode, stdout.decode(), stderr.decode()), shown.decode(errors="replace")


def test_on_a_terminal_it_asks_and_the_password_does_not_show(guarded: Running) -> None:
    with Terminal("login", guarded.host) as terminal:
        terminal.answer(f"Username for {guarded.host}: ", "me\n")
        terminal.answer(f"Password for {guarded.host}: ", f"{SECRET}\n")
        ran, shown = terminal.end()
    assert (ran.code, ran.stdout) == (0, "Login Succeeded\n")
    assert shown == "me\r\n|"
    assert _auths() == {guarded.host: ENTRY}


def test_on_a_terminal_it_asks_for_what_is_missing(guarded: Running) -> None:
    with Terminal("login", guarded.host, "-u", "me") as terminal:
        terminal.answer(f"Password for {guarded.host}: ", f"{SECRET}\n")
        ran, shown = terminal.end()
    assert (ran.code, shown) == (0, "|")
    assert _auths() == {guarded.host: ENTRY}


@pytest.mark.parametrize("typed", [["\n", f"{SECRET}\n"], ["me\n", "\n"], ["me\n", "\x04"]], ids=repr)
def test_on_a_terminal_nothing_is_no_answer(guarded: Running, typed: list[str]) -> None:
    with Terminal("login", guarded.host) as terminal:
        for prompt, text in zip(("Username", "Password"), typed, strict=True):
            terminal.answer(f"{prompt} for {guarded.host}: ", text)
        ran, _ = terminal.end()
    assert ran.code == 2
    assert "error: login needs a user name and a password\n" in ran.stderr
    assert not _is_written()


@pytest.mark.parametrize("typed", [[b"\xff\n"], [b"me\n", b"\xff\n"]])
def test_on_a_terminal_another_encoding_is_refused(
    guarded: Running, typed: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8:strict")
    with Terminal("login", guarded.host) as terminal:
        for prompt, text in zip(("Username", "Password"), typed, strict=False):
            terminal.answer(f"{prompt} for {guarded.host}: ", text)
        ran, _ = terminal.end()
    assert ran.code == 2
    assert ran.stderr.endswith("error: what was typed is no UTF-8\n")


def test_on_a_terminal_the_echo_is_back_after_an_interruption(guarded: Running) -> None:
    with Terminal("login", guarded.host, "-u", "me") as terminal:
        assert terminal.echoes()
        terminal.answer(f"Password for {guarded.host}: ", "")
        assert not terminal.echoes()
        terminal.process.send_signal(signal.SIGINT)
        ran, _ = terminal.end()
        assert terminal.echoes()
    assert (ran.code, ran.stdout) == (130, "")
    assert not _is_written()
