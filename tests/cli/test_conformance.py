"""``registry test``: what it takes, what it prints, how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from manifest_tool.conformance.result import Report
from manifest_tool.server.actions import Answer, Delay
from manifest_tool.server.serve import Running
from tests import harness, seeds
from tests.conftest import Program
from tests.robustness.parts import PATIENCE, Moment

DENIED = b'{"errors":[{"code":"DENIED","message":"not yours"}]}'
ONLY = ("--only", "manifest-put")


def run(program: Program, host: str, *options: str) -> harness.Ran:
    return program("registry", "test", f"{host}/acme", *ONLY, *options)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((), "error: no registry is named\nhint: give HOST[:PORT]/NAMESPACE to write to, or --read-only REF to test"),
        (("localhost:1/acme", "--read-only", "localhost:1/app"), "error: --read-only writes nothing, so NAMESPACE has"),
        (("--keep", "--read-only", "localhost:1/app"), "error: --read-only writes nothing, so --keep has no place"),
        (("localhost:1/acme", "--only", "x"), "error: --only: there is no group or check 'x'\nhint: the groups are "),
        (("localhost:1/acme", "--junit", "/proc/x"), "error: --junit: cannot write /proc/x: "),
        (("localhost:1/acme", "--html", "/"), "error: --html: cannot write /: Is a directory\n"),
        (("localhost:1/acme", "--junit", "x", "--html", "./x"), "error: --junit and --html name the same file\n"),
        (("localhost:1/acme", "--username", "me"), "error: --username and --password belong together\n"),
        (("http://localhost:1/acme",), "error: invalid reference "),
    ],
)
def test_what_does_not_fit_is_told_before_anybody_is_asked(
    program: Program, arguments: tuple[str, ...], error: str
) -> None:
    ran = program("registry", "test", *arguments)
    assert (ran.code, ran.stdout) == (2, "")
    assert ran.stderr.startswith(error)


def test_a_table_with_what_it_comes_to(embedded: Running, program: Program) -> None:
    ran = run(program, embedded.host)
    assert ran.code == 0, ran.stderr
    assert ran.stdout.startswith(f"{embedded.host}/acme/manifest-tool-test\n\n")
    assert "\nmanifests\n  pass         an image is pushed by tag\n" in ran.stdout
    assert ran.stdout.endswith(" s\nwhat manifest-tool needs works here\n")
    assert "tried " in ran.stderr


def test_json_is_one_object(embedded: Running, program: Program) -> None:
    ran = run(program, embedded.host, "--format", "json")
    document = json.loads(ran.stdout)
    assert (document["schemaVersion"], document["sufficient"]) == (1, True)
    assert "manifest-put" in {result["id"] for result in document["results"]}


def test_what_a_push_needs_and_lacks_ends_it_with_6(embedded: Running, program: Program, tmp_path: Path) -> None:
    embedded.faults.add(Answer(400, DENIED), method="PUT", path="/manifests/")
    xml, page = tmp_path / "report.xml", tmp_path / "report.html"
    ran = run(program, embedded.host, "--junit", str(xml), "--html", str(page))
    assert ran.code == 6
    assert "\nmanifest-put: " in ran.stdout
    assert "  > PUT http://" in ran.stdout
    assert ran.stdout.splitlines()[-1].startswith("what manifest-tool needs does not work here: ")
    assert "manifest-put: fail" in ran.stderr
    assert ET.parse(xml).find(".//failure") is not None
    assert "does not work here" in page.read_text()


def test_a_file_that_fails_keeps_the_table_from_nobody(
    embedded: Running, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from manifest_tool.conformance import start

    folder = tmp_path / "folder"
    folder.mkdir()
    conduct = start.conduct

    async def spoilt(*arguments: Any, **options: Any) -> Report:
        folder.rmdir()
        return await conduct(*arguments, **options)

    monkeypatch.setattr(start, "conduct", spoilt)
    ran = run(program, embedded.host, "--junit", str(folder / "a"), "--html", str(folder / "b"))
    assert ran.code == 1
    assert "what manifest-tool needs works here" in ran.stdout
    assert ran.stderr.count("error: cannot write ") == 2


def test_nobody_there_is_one_error(program: Program) -> None:
    ran = run(program, f"127.0.0.1:{harness.free_port()}")
    assert (ran.code, ran.stdout) == (5, "")
    assert ran.stderr.startswith("error: cannot connect to ")
    assert ran.stderr.count("\n") == 1


def test_no_right_is_one_error(embedded: Running, program: Program) -> None:
    embedded.faults.add(Answer(403, DENIED), method="POST")
    ran = run(program, embedded.host)
    assert (ran.code, ran.stdout) == (4, "")
    assert ran.stderr.startswith(f"error: not allowed to push to {embedded.host}/acme/manifest-tool-test: ")


def test_nothing_is_written_where_that_is_asked_for(embedded: Running, program: Program) -> None:
    seeds.put_image(embedded, "app:1", "linux/amd64")
    embedded.log.clear()
    ran = program("registry", "test", "--read-only", f"{embedded.host}/app:1")
    assert ran.code == 0, ran.stdout + ran.stderr
    assert ran.stdout.startswith(f"{embedded.host}/app:1\n")
    assert len(embedded.log) > 2
    assert not embedded.log.writes()


def test_what_is_kept_is_there_afterwards(embedded: Running, program: Program) -> None:
    ran = run(program, embedded.host, "--keep")
    assert "\nkept in the registry:\n" in ran.stdout
    assert embedded.tags("acme/manifest-tool-test")


def test_what_is_not_kept_is_not(embedded: Running, program: Program) -> None:
    run(program, embedded.host)
    assert not embedded.tags("acme/manifest-tool-test")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_takes_everything_away_and_tells_what_it_found(
    embedded: Running, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    moment = Moment()
    embedded.faults.add(moment, method="HEAD", path="/manifests/")
    page = tmp_path / "report.html"
    process = subprocess.Popen(
        [sys.executable, "-m", "manifest_tool", "registry", "test", f"{embedded.host}/acme", "--html", str(page)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert moment.reached.wait(PATIENCE)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=PATIENCE)
    assert process.returncode == code, stderr
    assert stderr.endswith("interrupted\n")
    assert stdout.endswith("interrupted: this is what was found until then\n")
    assert "The run was interrupted" in page.read_text()
    assert not embedded.tags("acme/manifest-tool-test")


def test_a_run_that_takes_too_long_tells_what_it_found(embedded: Running, program: Program) -> None:
    embedded.faults.add(Delay(60), method="GET", path="/manifests/")
    ran = program("--timeout", "1s", "registry", "test", f"{embedded.host}/acme", *ONLY, "--only", "manifest-bytes")
    assert ran.code == 5
    assert ran.stderr.endswith("error: the 1 s that --timeout gives are over\n")
    assert "  pass         " in ran.stdout
    assert "the run ended before" in ran.stdout
