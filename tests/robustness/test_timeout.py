"""--timeout: work that takes too long is given up as for a signal, and what is to know of it is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from manifest_tool.server.actions import Answer, NoMount
from manifest_tool.server.serve import Running
from tests import harness, seeds
from tests.conftest import Program
from tests.robustness.parts import Moment, every_tag_is_complete, write_spec
from tests.robustness.test_interruption import MOMENTS, NOTHING, words

# The program runs in a process of its own: in the end it may have to end that.


def over(seconds: str) -> str:
    return f"error: the {seconds} s that --timeout gives are over"


@pytest.mark.parametrize(("at", "seconds"), [("resolve", "0.5"), ("other tags", "2")])
def test_it_tells_which_tags_were_moved(
    embedded: Running, program: Program, tmp_path: Path, at: str, seconds: str
) -> None:
    method, pattern, fates = MOMENTS[at]
    path = write_spec(embedded, tmp_path)
    embedded.faults.add(Moment(), method=method, path=pattern)
    ran = harness.program(["--timeout", f"{seconds}s", "push", "from-spec", str(path)])
    assert (ran.code, ran.stdout) == (5, "")
    assert words(ran) == [f"{over(seconds)}; {fates}; running it again completes it"]
    every_tag_is_complete(embedded)
    embedded.faults.clear()
    assert program("push", "from-spec", str(path), "--timeout", "10m").code == 0
    assert set(embedded.tags("app")) == {"1", "b", "c"}


def test_without_a_push_there_is_nothing_to_tell(embedded: Running) -> None:
    embedded.faults.add(Moment())
    ran = harness.program(["inspect", f"{embedded.host}/app:1", "--timeout=0.5"])
    assert ran == harness.Ran(5, "", f"{over('0.5')}\n")


def test_uploads_are_given_up_as_far_as_the_registry_lets_it(embedded: Running, tmp_path: Path) -> None:
    deaf = Moment()
    embedded.faults.add(NoMount(), method="POST", path="mount=")
    embedded.faults.add(Moment(), method="PUT", path="/uploads/")
    embedded.faults.add(deaf, method="DELETE")
    ran = harness.program(["--timeout", "2", "push", "from-spec", str(write_spec(embedded, tmp_path))])
    assert deaf.reached.is_set()
    assert (ran.code, words(ran)) == (5, [f"{over('2')}; {NOTHING}; running it again completes it"])


def test_no_pause_begins_that_would_end_beyond_it(embedded: Running, program: Program) -> None:
    seeds.put_image(embedded, "app:1", "linux/amd64")
    embedded.faults.add(Answer(503, headers={"Retry-After": "50"}))
    ran = program("inspect", f"{embedded.host}/app:1", "--retries", "3", "--timeout", "40")
    assert ran.code == 5
    assert "another try in 50 s would be past the 40 s that a run may take" in ran.stderr


def test_what_cannot_be_cancelled_is_left() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _STUCK, "--timeout", "0.5", "inspect", "registry.test/app"],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stdout, done.stderr) == (5, "", f"{over('0.5')}\n")


_STUCK = """
import socket, time
from manifest_tool.__main__ import main
socket.getaddrinfo = lambda *names, **options: time.sleep(60)
main()
"""
