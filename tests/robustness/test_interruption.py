"""Ctrl-C and SIGTERM at every stage: soon, in order, with a word on what was done and nothing else."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from manifest_tool.server.actions import Answer, NoMount
from manifest_tool.server.serve import Running
from tests import harness, seeds
from tests.conftest import Program
from tests.robustness.parts import PATIENCE, Moment, every_tag_is_complete, pushing, write_spec

SIGNALS = [pytest.param(signal.SIGINT, id="SIGINT"), pytest.param(signal.SIGTERM, id="SIGTERM")]
NOTHING = "not moved: 1, b, c"
MOMENTS = {
    "resolve": ("GET", "/v2/src/linux-arm64/manifests/", NOTHING),
    "survey": ("HEAD", "/v2/app/manifests/b", NOTHING),
    "mount": ("POST", "mount=.*linux-s390x", NOTHING),
    "config": ("GET", "/v2/src/linux-arm64/blobs/", NOTHING),
    "child": ("PUT", "/manifests/sha256:", NOTHING),
    "first tag": ("PUT", "/manifests/1$", "not moved: b, c; not known whether moved: 1"),
    "other tags": ("PUT", "/manifests/[bc]$", "moved: 1; not known whether moved: b, c"),
}


def interrupt(process: subprocess.Popen[bytes], moment: Moment, number: signal.Signals) -> harness.Ran:
    """Send a signal at its moment; the process ends within a second."""
    assert moment.reached.wait(PATIENCE)
    sent = time.monotonic()
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=PATIENCE)
    assert time.monotonic() - sent < 1.5  # a second, and what a busy machine takes to reap a process
    return harness.Ran(process.returncode, stdout.decode(), stderr.decode())


def words(ran: harness.Ran) -> list[str]:
    """What was told but for progress."""
    progress = ("found ", "published ", "copied ")
    return [line for line in ran.stderr.splitlines() if not line.startswith(progress)]


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("at", MOMENTS)
def test_it_tells_which_tags_were_moved(
    embedded: Running, program: Program, tmp_path: Path, number: signal.Signals, at: str
) -> None:
    method, pattern, fates = MOMENTS[at]
    moment = Moment()
    path = write_spec(embedded, tmp_path)
    embedded.faults.add(moment, method=method, path=pattern)
    with pushing(path) as process:
        ran = interrupt(process, moment, number)
    assert (ran.code, ran.stdout) == (128 + number, "")
    assert words(ran) == [f"interrupted; {fates}; running it again completes it"]
    every_tag_is_complete(embedded)
    embedded.faults.clear()
    assert program("push", "from-spec", str(path)).code == 0
    assert set(embedded.tags("app")) == {"1", "b", "c"}


@pytest.mark.parametrize("number", SIGNALS)
def test_without_a_push_there_is_nothing_to_tell(embedded: Running, number: signal.Signals) -> None:
    moment = Moment()
    embedded.faults.add(moment)
    seeds.put_image(embedded, "app:1", "linux/amd64")
    command = [sys.executable, "-m", "manifest_tool", "inspect", f"{embedded.host}/app:1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        ran = interrupt(process, moment, number)
    assert ran == harness.Ran(128 + number, "", "interrupted\n")


@pytest.mark.parametrize("number", SIGNALS)
def test_uploads_are_given_up(embedded: Running, tmp_path: Path, number: signal.Signals) -> None:
    moment = Moment()
    embedded.faults.add(NoMount(), method="POST", path="mount=")
    embedded.faults.add(moment, method="PUT", path="/uploads/")
    with pushing(write_spec(embedded, tmp_path)) as process:
        ran = interrupt(process, moment, number)
    assert ran.code == 128 + number
    opened = embedded.log.where(lambda request: request.method == "POST" and request.status == 202)
    given_up = embedded.log.where(lambda request: request.method == "DELETE" and request.status == 204)
    assert len(opened) == len(given_up) == 9


def test_a_registry_that_does_not_let_go_is_left(embedded: Running, tmp_path: Path) -> None:
    moment, deaf = Moment(), Moment()
    embedded.faults.add(NoMount(), method="POST", path="mount=")
    embedded.faults.add(moment, method="PUT", path="/uploads/")
    embedded.faults.add(deaf, method="DELETE")
    with pushing(write_spec(embedded, tmp_path)) as process:
        ran = interrupt(process, moment, signal.SIGTERM)
    assert deaf.reached.is_set()
    assert (ran.code, words(ran)) == (143, [f"interrupted; {NOTHING}; running it again completes it"])


def test_a_pause_between_tries_is_interrupted(embedded: Running, tmp_path: Path) -> None:
    embedded.faults.add(Answer(429, headers={"Retry-After": "50"}))
    with pushing(write_spec(embedded, tmp_path)) as process:
        assert process.stderr
        told = process.stderr.readline().decode()
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=10)
    assert told.startswith("waiting 50.0 s: ")
    assert process.returncode == 130
    assert stderr.decode().splitlines()[-1] == f"interrupted; {NOTHING}; running it again completes it"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["push", "from-spec", "-"], id="spec"),
        pytest.param(["--username", "me", "--password-stdin", "inspect", "localhost/x"], id="password"),
    ],
)
def test_standard_input_is_not_waited_for(arguments: list[str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _READY, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"reading\n"
        process.send_signal(signal.SIGINT)
        process.wait(10)
        stdout, stderr = process.communicate()
    assert (process.returncode, stdout, stderr) == (130, b"", b"")


_READY = """
import io, sys
from manifest_tool.__main__ import main
class Stdin(io.RawIOBase):
    def readable(self): return True
    def readinto(self, buffer):
        print("reading", flush=True)
        return io.FileIO(0, closefd=False).readinto(buffer)
sys.stdin = io.TextIOWrapper(io.BufferedReader(Stdin()))
main()
"""
