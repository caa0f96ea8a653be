"""A conformance run while it goes on."""

from __future__ import annotations

import io

import pytest

from manifest_tool.cli.conformance_progress import following
from manifest_tool.conformance.check import Check
from manifest_tool.conformance.probe import Probe
from manifest_tool.conformance.result import Outcome, Result
from manifest_tool.events import Answered, Noticed

NOTICE = Noticed("[red]odd[/red]\x1b[31m")
LINES = """\
tried put: fail: seen \\x1b[31m
warning: [red]odd[/red]\\x1b[31m
tried 3 of 3: 1 pass, 1 fail, 1 not tried
"""


async def _ask(probe: Probe) -> str | None:
    return None


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_plain_lines_where_there_is_no_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with following(3, debug=False) as follower:
        follower.begin(Check("ping", "", _ask))
        follower.tell(Result("ping", "", "", Outcome.PASS))
        follower.tell(Result("put", "", "", Outcome.FAIL, "seen \x1b[31m"))
        follower.tell(Result("list", "", "", Outcome.UNTRIED, "put did not pass"))
        follower.observe(NOTICE)
        follower.observe(Answered("GET", "http://x", 200, 0.1))
    assert capfd.readouterr() == (
        "",
        LINES,
    )
    assert follower.notices == (NOTICE.message,)


def test_every_request_where_that_is_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    with following(3, debug=True) as follower:
        follower.observe(Answered("GET", "http://x", 200, 0.1))
    assert "debug: GET http://x: 200 in 0.100 s\n" in capfd.readouterr().err


def test_a_live_line_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with following(30, debug=False) as follower:
        follower.begin(Check("ping", "", _ask))
        follower.tell(Result("ping", "", "", Outcome.PASS))
        follower.begin(Check("put", "", _ask))
        follower.observe(NOTICE)
        follower.begin(Check("list", "", _ask))
        follower.tell(Result("put", "", "", Outcome.FAIL))
    shown = terminal.getvalue()
    assert r"warning: [red]odd[/red]\x1b[31m" in shown
    assert "2 of 30: 1 pass, 1 fail; list" in shown
    assert capfd.readouterr().out == ""


def test_the_live_line_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    with following(30, debug=False) as follower:
        for number in range(9):
            follower.begin(Check(f"a-long-name-{number}", "", _ask))
    assert "0 of 30; a-long-name-0" in terminal.getvalue()
    assert "a-long-name-8" not in terminal.getvalue()


def test_the_live_line_tells_of_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with following(1, debug=False) as follower:
        follower.tell(Result("ping", "", "", Outcome.PASS))
    assert "1 of 1: 1 pass; removing what was pushed" in terminal.getvalue()
