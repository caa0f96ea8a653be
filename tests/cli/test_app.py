"""The root: exit codes, one test a row, and errors as text."""

from __future__ import annotations

import subprocess
import sys

import pytest

from manifest_tool import __version__
from manifest_tool.cli import app
from manifest_tool.errors import ExitCode
from manifest_tool.server.actions import Answer
from manifest_tool.server.serve import Running
from tests import harness, seeds
from tests.conftest import Program


def test_version(program: Program) -> None:
    for option in ("--version", "-v", "-version"):
        assert program(option) == harness.Ran(0, f"manifest-tool version {__version__}\n", "")


def test_as_a_module() -> None:
    assert harness.program(["--version"]).stdout == f"manifest-tool version {__version__}\n"


def test_0_done(embedded: Running, program: Program) -> None:
    seeds.put_image(embedded, "app:a", "linux/amd64")
    ran = program.push(seeds.spec(embedded.host, "app:1", "app:a"))
    digest = embedded.tags("app")["1"]
    found = embedded.manifest("app", "1")
    assert found is not None
    assert (ran.code, ran.stdout) == (0, f"Digest: {digest} {len(found[1])}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("push", "from-spec"),
        ("push", "from-spec", "a.yaml", "--nonsense"),
        ("push", "--type", "bogus", "from-spec", "a.yaml"),
        ("push", "from-args", "--platforms", "linux/amd64"),
        (
            "--username",
            "U",
            "push",
            "from-args",
            "--platforms",
            "linux/amd64",
            "--template",
            "a:ARCH",
            "--target",
            "a:1",
        ),
        ("push", "from-args", "--platforms", "linux", "--template", "a:ARCH", "--target", "a:1"),
        ("push", "from-spec", "no-such-file.yaml"),
        ("frob",),
    ],
    ids=" ".join,
)
def test_2_usage(program: Program, arguments: tuple[str, ...]) -> None:
    ran = program(*arguments)
    assert (ran.code, ran.stdout) == (2, "")
    assert "rror: " in ran.stderr


def test_2_an_invalid_spec(program: Program) -> None:
    ran = program.push("image: Example.com/App:1\nmanifests: []\n")
    assert (ran.code, ran.stdout) == (2, "")
    assert "spec.yaml:1:8: image: " in ran.stderr
    assert "spec.yaml:2:12: manifests: " in ran.stderr


def test_3_not_found(embedded: Running, program: Program) -> None:
    ran = program.push(seeds.spec(embedded.host, "app:1", "app:gone"))
    assert (ran.code, ran.stdout) == (3, "")
    assert f"cannot pull {embedded.host}/app:gone, it is not there" in ran.stderr


def test_4_not_allowed(embedded: Running, program: Program) -> None:
    embedded.faults.add(Answer(403, b'{"errors":[{"code":"DENIED","message":"requested access is denied"}]}'))
    ran = program.push(seeds.spec(embedded.host, "app:1", "app:a"))
    assert (ran.code, ran.stdout) == (4, "")
    assert f"not allowed to pull {embedded.host}/app:a" in ran.stderr
    assert "DENIED: requested access is denied" in ran.stderr
    assert "hint: no credentials for " in ran.stderr


def test_5_the_registry_failed(embedded: Running, program: Program) -> None:
    embedded.faults.add(Answer(503, b"<html><title>Busy</title></html>"))
    ran = program.push(seeds.spec(embedded.host, "app:1", "app:a"))
    assert (ran.code, ran.stdout) == (5, "")
    assert "503 Service Unavailable: Busy" in ran.stderr


def test_5_the_network_failed(program: Program) -> None:
    ran = program.push(seeds.spec(f"127.0.0.1:{harness.free_port()}", "app:1", "app:a"))
    assert (ran.code, ran.stdout) == (5, "")
    assert "cannot connect to 127.0.0.1:" in ran.stderr


def test_the_codes_are_these() -> None:
    """Codes 1 and 6 have no command yet that ends with them, short of an unknown error."""
    assert {code.name: code.value for code in ExitCode} == {
        "DONE": 0,
        "FAILED": 1,
        "INVALID": 2,
        "NOT_FOUND": 3,
        "DENIED": 4,
        "REGISTRY": 5,
        "DIFFERENT": 6,
    }


def test_what_a_registry_says_reaches_no_terminal_raw(embedded: Running, program: Program) -> None:
    body = b'{"errors":[{"code":"X","message":"\\u001b[31mred\\nerror: forged\\u202e","detail":{"a":["\\u0007"]}}]}'
    embedded.faults.add(Answer(400, body))
    ran = program.push(seeds.spec(embedded.host, "app:1", "app:a"))
    assert ran.code == 5
    assert "\x1b" not in ran.stderr
    assert "\u202e" not in ran.stderr
    assert "\nerror: forged" not in ran.stderr


def test_debug_tells_every_request(embedded: Running, program: Program) -> None:
    seeds.put_image(embedded, "app:a", "linux/amd64")
    ran = program("--debug", "push", "from-args", "--platforms", "linux/amd64", *arguments(embedded))
    assert ran.code == 0
    assert ran.stdout.startswith("Digest: ")
    assert f"debug: GET http://{embedded.host}/v2/app/manifests/a: 200 in " in ran.stderr
    assert f"debug: PUT http://{embedded.host}/v2/app/manifests/1: 201 in " in ran.stderr


def arguments(registry: Running) -> list[str]:
    return ["--template", f"{registry.host}/app:a", "--target", f"{registry.host}/app:1"]


@pytest.mark.parametrize("place", ["before", "after"])
def test_type_stands_before_or_after_the_subcommand(embedded: Running, program: Program, place: str) -> None:
    seeds.put_image(embedded, "app:a", "linux/amd64")
    rest = ["--platforms", "linux/amd64", *arguments(embedded), "--annotations", "a=1,b=2"]
    oci = ["--type", "oci"]
    line = ["push", *oci, "from-args", *rest] if place == "before" else ["push", "from-args", *rest, *oci]
    assert program(*line).code == 0
    found = embedded.manifest("app", "1")
    assert found is not None
    assert found[0] == "application/vnd.oci.image.index.v1+json"


def test_a_docker_list_takes_no_annotations(embedded: Running, program: Program) -> None:
    ran = program("push", "from-args", "--platforms", "linux/amd64", *arguments(embedded), "--annotations", "a=1")
    assert (ran.code, "--type oci" in ran.stderr) == (2, True)
    assert not list(embedded.log)


def test_the_spec_on_standard_input(embedded: Running) -> None:
    seeds.put_image(embedded, "app:a", "linux/amd64")
    ran = harness.program(["push", "from-spec", "-"], stdin=seeds.spec(embedded.host, "app:1", "app:a"))
    assert (ran.code, ran.stdout.split()[0]) == (0, "Digest:"), ran.stderr


def test_strict_takes_unknown_keys_for_errors(embedded: Running, program: Program) -> None:
    seeds.put_image(embedded, "app:a", "linux/amd64")
    spec = seeds.spec(embedded.host, "app:1", "app:a", more="annotation: {}")
    ran = program.push(spec)
    assert ran.code == 0
    assert "warning: " in ran.stderr
    assert "annotations" in ran.stderr
    assert program.push(spec, "--strict").code == 2


def test_a_bug_is_told_without_a_traceback(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr("manifest_tool.spec.load.load", broken)
    ran = program("push", "from-spec", "x.yaml")
    assert (ran.code, ran.stdout) == (1, "")
    assert "error: this is a bug in manifest-tool: KeyError: 'surprise'" in ran.stderr


@pytest.mark.parametrize("option", ["-debug", "--debug", "--debug=true"])
def test_a_bug_is_told_with_a_traceback_where_one_looks_for_it(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], option: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr("manifest_tool.spec.load.load", broken)
    code = app.run(["push", "from-spec", "x.yaml", option])
    stdout, stderr = capfd.readouterr()
    assert (code, stdout) == (1, "")
    assert stderr.startswith("Traceback (most recent call last):\n")
    assert 'raise KeyError("surprise")' in stderr
    assert "error: this is a bug in manifest-tool: KeyError: 'surprise'\n" in stderr


def shell(command: str, spec: str = "") -> harness.Ran:
    """Run a command line whose streams the shell bends; ``$0`` stands for the program."""
    done = subprocess.run(
        ["sh", "-c", command.replace("$0", f"{sys.executable} -m manifest_tool")],
        input=spec,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    return harness.Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("arguments", ["--version", "--help", "push from-spec --help"])
def test_output_that_cannot_be_written(arguments: str) -> None:
    ran = shell(f"$0 {arguments} > /dev/full")
    assert (ran.code, ran.stderr.lower()) == (1, "error: cannot write to stdout: no space left on device\n")


def test_output_that_nobody_reads() -> None:
    ran = shell("{ $0 --help; echo $? >&2; } | true")
    assert ran.stderr in {"0\n", "1\n", "error: cannot write to stdout: broken pipe\n1\n"}


def test_what_was_published_is_told_where_stdout_is_full(embedded: Running) -> None:
    seeds.put_image(embedded, "app:a", "linux/amd64")
    ran = shell("$0 push from-spec - > /dev/full", seeds.spec(embedded.host, "app:1", "app:a"))
    digest = embedded.tags("app")["1"]
    assert ran.code == 1
    told = f"error: {embedded.host}/app is published as {digest}, but cannot write to stdout: no space left on device\n"
    assert ran.stderr.endswith(told)


@pytest.mark.parametrize("streams", ["2> /dev/full", "2>&-", ">&-", "2>&- >&-"])
def test_a_push_goes_on_without_a_place_for_its_words(embedded: Running, streams: str) -> None:
    seeds.put_image(embedded, "app:a", "linux/amd64")
    ran = shell(f"$0 push from-spec - {streams}", seeds.spec(embedded.host, "app:1", "app:a"))
    assert ran.code == 0
    assert "1" in embedded.tags("app")


def test_standard_input_that_is_closed() -> None:
    ran = shell("$0 push from-spec - <&-")
    assert (ran.code, "the document is empty" in ran.stderr) == (2, True)


@pytest.mark.parametrize("command", [(), ("push",)])
def test_without_a_command_there_is_help(program: Program, command: tuple[str, ...]) -> None:
    assert program(*command) == program(*command, "--help")
    assert program(*command).code == 0


def test_global_options_may_stand_behind_the_command(embedded: Running, program: Program) -> None:
    seeds.put_image(embedded, "app:a", "linux/amd64")
    ran = program("push", "from-args", "--platforms", "linux/amd64", *arguments(embedded), "--debug")
    assert (ran.code, "debug: GET" in ran.stderr) == (0, True)
