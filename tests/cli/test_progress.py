"""What is told meanwhile."""

from __future__ import annotations

import io

import pytest

from manifest_tool.cli import progress
from manifest_tool.events import Answered, BlobPlaced, Event, ManifestPut, Noticed, Published, Resolved, Waiting
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.reference import Reference

REFERENCE = Reference.parse("example.com/app:1")
DIGEST = Digest.of(b"")


@pytest.mark.parametrize(
    ("event", "text", "debugging"),
    [
        (Noticed("odd\x1b"), r"warning: odd\x1b", r"warning: odd\x1b"),
        (Waiting("GET x: 503", 2.04), "waiting 2.0 s: GET x: 503", "waiting 2.0 s: GET x: 503"),
        (Waiting("GET x: 503", 0.2), "", "waiting 0.2 s: GET x: 503"),
        (Answered("GET", "http://x", 200, 0.0123), "", "debug: GET http://x: 200 in 0.012 s"),
        (Resolved(REFERENCE), "found example.com/app:1", "found example.com/app:1"),
        (BlobPlaced(REFERENCE.repository, DIGEST, "mounted"), "", f"mounted example.com/app@{DIGEST}"),
        (
            BlobPlaced(REFERENCE.repository, DIGEST, "copied"),
            f"copied example.com/app@{DIGEST}",
            f"copied example.com/app@{DIGEST}",
        ),
        (ManifestPut(REFERENCE.repository, "1"), "published example.com/app:1", "published example.com/app:1"),
        (
            ManifestPut(REFERENCE.repository, str(DIGEST)),
            f"published example.com/app@{DIGEST}",
            f"published example.com/app@{DIGEST}",
        ),
        (
            Published(REFERENCE, (), {"present": 2}),
            "done example.com/app:1: no tag had to be moved; blobs: 2 present",
            "done example.com/app:1: no tag had to be moved; blobs: 2 present",
        ),
    ],
)
def test_a_line_for_an_event(event: Event, text: str, debugging: str) -> None:
    assert progress.line(event) == text
    assert progress.line(event, debug=True) == debugging


def test_plain_lines_where_there_is_no_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with progress.watching(debug=False) as observe:
        observe(Resolved(REFERENCE))
        observe(BlobPlaced(REFERENCE.repository, DIGEST, "mounted"))
    assert capfd.readouterr() == ("", "found example.com/app:1\n")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_live_line_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with progress.watching(debug=False) as observe:
        observe(Resolved(REFERENCE))
        observe(Noticed("[red]odd[/red]\x1b[31m"))
        observe(Noticed("localhost:100:a"))
        observe(Waiting("soon", 0.1))
        observe(BlobPlaced(REFERENCE.repository, DIGEST, "mounted"))
        observe(BlobPlaced(REFERENCE.repository, DIGEST, "present"))
        observe(ManifestPut(REFERENCE.repository, "1"))
    shown = terminal.getvalue()
    assert r"warning: [red]odd[/red]\x1b[31m" in shown
    assert "warning: localhost:100:a" in shown  # and no emoji for :100:
    assert "1 found, 1 mounted, 1 published" in shown
    assert "soon" not in shown
    assert capfd.readouterr().out == ""


def test_many_specs_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with progress.watching(debug=False, specs=7) as observe:
        observe(Resolved(REFERENCE))
        observe(Published(REFERENCE, ("1",), {}))
        observe(Published(REFERENCE, (), {}))
    shown = terminal.getvalue()
    assert "done example.com/app:1: moved 1" in shown
    assert "2 of 7 specs done, 1 found" in shown


def test_many_specs_in_a_log(capfd: pytest.CaptureFixture[str]) -> None:
    with progress.watching(debug=False, specs=2) as observe:
        observe(Resolved(REFERENCE))
        observe(ManifestPut(REFERENCE.repository, "1"))
        observe(Noticed("odd"))
        observe(Published(REFERENCE, ("1", "2"), {"mounted": 3, "copied": 1}))
    told = "warning: odd\ndone example.com/app:1: moved 1, 2; blobs: 1 copied, 3 mounted\n"
    assert capfd.readouterr() == ("", told)
