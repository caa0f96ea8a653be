"""What the global options say about accounts."""

from __future__ import annotations

import io
import sys

import pytest

from manifest_tool.cli import connect
from manifest_tool.cli.settings import Settings
from manifest_tool.errors import UsageError
from manifest_tool.registry.credentials import Credential
from manifest_tool.server.serve import serving
from tests import harness, seeds
from tests.conftest import Program
from tests.registry.tokens import basic

_SECRET = "hunter2"


def _typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_options_come_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MANIFEST_TOOL_USERNAME", "other")
    monkeypatch.setenv("MANIFEST_TOOL_PASSWORD", "another")
    given = Settings(username="me", password=_SECRET)
    assert connect.credential(given) == Credential("me", _SECRET, origin="--username")
    assert connect.credential(Settings()) == Credential("other", "another", origin="MANIFEST_TOOL_USERNAME")


def test_a_name_may_be_told_and_its_password_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MANIFEST_TOOL_PASSWORD", _SECRET)
    assert connect.credential(Settings(username="me")) == Credential("me", _SECRET, origin="--username")


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_password_on_standard_input(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    monkeypatch.setenv("MANIFEST_TOOL_PASSWORD", "another")
    _typed(monkeypatch, f" {_SECRET} {end}")
    found = connect.credential(Settings(username="me", password_stdin=True))
    assert found == Credential("me", f" {_SECRET} ", origin="--username")


def test_a_password_in_another_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(_SECRET.encode() + b"\xff"), "utf-8"))
    with pytest.raises(UsageError, match="the password on standard input is no UTF-8"):
        connect.credential(Settings(username="me", password_stdin=True))


@pytest.mark.parametrize(
    ("settings", "typed", "message"),
    [
        (Settings(username="me"), "", "--username and --password belong together"),
        (Settings(password=_SECRET), "", "--username and --password belong together"),
        (Settings(password_stdin=True), _SECRET, "--username and --password belong together"),
        (Settings(username="me", password_stdin=True), "\n", "--password-stdin found no password"),
        (Settings(username="me", password_stdin=True), "x" * 100_000, "--password-stdin found no password"),
        (Settings(username="me", password=_SECRET, password_stdin=True), _SECRET, "exclude each other"),
    ],
)
def test_what_does_not_fit(monkeypatch: pytest.MonkeyPatch, settings: Settings, typed: str, message: str) -> None:
    _typed(monkeypatch, typed)
    with pytest.raises(UsageError, match=message) as caught:
        connect.credential(settings)
    assert _SECRET not in str(caught.value)


def test_nothing_is_tried_again_beyond_the_time_of_a_run() -> None:
    assert connect.options(Settings(timeout=5.0)).deadline == 5.0
    assert connect.options(Settings()).deadline == 1800.0


def test_no_account_is_no_account() -> None:
    assert connect.credential(Settings()) is None


def test_the_program_reads_the_password(tmp_path_factory: pytest.TempPathFactory) -> None:
    with serving(middlewares=[basic({"me": _SECRET})]) as running:
        digest = seeds.put_image(running, "app:a", "linux/amd64")
        arguments = ["--username", "me", "--password-stdin", "inspect", f"{running.host}/app:a"]
        ran = harness.program(arguments, stdin=f"{_SECRET}\n")
        refused = harness.program(arguments, stdin="wrong\n")
    assert (ran.code, str(digest) in ran.stdout) == (0, True)
    assert refused.code == 4


def test_the_limit_of_a_manifest_is_in_mebibytes(program: Program) -> None:
    assert connect.options(Settings()).manifest_limit == 4 * 1024 * 1024
    assert connect.options(Settings(manifest_limit=6)).manifest_limit == 6 * 1024 * 1024
    with serving() as registry:
        long = seeds.index_of([], padding="x" * 4 * 1024 * 1024)
        registry.put_manifest("app", *long, "1")
        assert program("inspect", f"{registry.host}/app:1").code == 5
        assert program("-manifest-limit=5", "inspect", f"{registry.host}/app:1").code == 0
