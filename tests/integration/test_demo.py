"""The demonstration: it ends well, says what it should, and leaves nothing running."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from integration import demo
from integration.trial import HOST, Trial, trial

COMMAND = [sys.executable, "-m", "integration.demo"]
ROOT = Path(__file__).parents[2]


def is_listening(host: str) -> bool:
    address, _, port = host.rpartition(":")
    with socket.socket() as probe:
        return probe.connect_ex((address, int(port))) == 0


def address(line: str) -> str:
    found = re.search(r"127\.0\.0\.1:\d+", line)
    assert found, line
    return found[0]


def test_it_shows_everything_and_stops() -> None:
    done = subprocess.run(COMMAND, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    host = address(done.stdout)
    assert [line for line in done.stdout.splitlines() if line.startswith("$ ")] == [
        f"$ {step.command.replace(HOST, host)}" for step in demo.STEPS
    ]
    assert "acme/app:{1,1.10,1.10.2,latest}  Docker manifest list\n" in done.stdout
    assert "linux/arm/v7" in done.stdout
    assert f"Created manifest list {host}/acme/tool:3\n" in done.stdout
    assert not is_listening(host)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_its_registry(number: signal.Signals) -> None:
    process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout
    host = address(process.stdout.readline())
    assert is_listening(host)
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert not is_listening(host)


def test_a_command_that_fails_is_told_by_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = demo.Step("No such spec.", "manifest-tool push from-spec specs/none.yaml")
    monkeypatch.setattr(demo, "STEPS", (bad,))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert demo.main() == 1
    assert f"FAILED: {bad.command}" in capsys.readouterr().out


def test_an_answer_that_is_not_the_expected_one_is_a_failure() -> None:
    command = "manifest-tool push from-spec specs/annotated.yaml --type oci --format json"
    with trial() as place:
        assert shown(place, demo.Step("", command, {"written": []})) is False
        assert shown(place, demo.Step("", command, {"written": []})) is True


def shown(place: Trial, step: demo.Step) -> bool:
    return demo.show(step, place)
