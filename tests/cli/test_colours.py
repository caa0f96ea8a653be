"""Colours: on a terminal that may have them, and of nothing but our own."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys

import pytest

from integration import images
from manifest_tool.cli import colours
from manifest_tool.cli.colours import Paint
from manifest_tool.server.serve import Running
from tests import seeds
from tests.conftest import Program

_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def on_a_terminal(*arguments: str, **environment: str) -> str:
    """What the program shows on a terminal of its own."""
    ours, its = os.openpty()
    command = [sys.executable, "-m", "manifest_tool", *arguments]
    known = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        process = subprocess.Popen(command, stdout=its, env={**known, "TERM": "xterm", **environment})
        os.close(its)
        shown = b"".join(iter(lambda: _read(terminal.fileno()), b""))
        assert process.wait(20) == 0
    return shown.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""  # how Linux says that the other end is closed


@pytest.mark.parametrize("form", [(), ("--format", "tree")], ids=["text", "tree"])
def test_a_terminal_has_colours_and_the_same_text(embedded: Running, program: Program, form: tuple[str, ...]) -> None:
    seeds.put(embedded, "app", "1", images.attested_index(seeds.build("linux/amd64", media="oci")))
    command = ("inspect", *form, f"{embedded.host}/app:1")
    plain = program(*command).stdout
    shown = on_a_terminal(*command)
    assert "\x1b[1;32m" in shown
    assert "\x1b" not in plain
    assert _ESCAPES.sub("", shown) == plain


def test_a_terminal_may_ask_for_none(embedded: Running, program: Program) -> None:
    seeds.put_image(embedded, "app:1", "linux/amd64")
    command = ("inspect", f"{embedded.host}/app:1")
    assert on_a_terminal(*command, NO_COLOR="1") == program(*command).stdout


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "0"}, False), ({"TERM": "dumb"}, False)],
)
def test_what_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert colours.wanted() is expected


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_what_is_foreign_is_escaped_inside_its_colour() -> None:
    paint = Paint(on=True)
    assert paint.name("a\x1b[0m\nb") == "\x1b[1;32ma\\x1b[0m\\nb\x1b[0m"
    assert (paint.digest("d"), paint.size(1), paint.count(2)) == (
        "\x1b[1;33md\x1b[0m",
        "\x1b[1;34m1\x1b[0m",
        "\x1b[1;31m2\x1b[0m",
    )


def test_without_a_terminal_it_is_escaped_alone() -> None:
    assert Paint().name("[red]\x1b") == "[red]\\x1b"
