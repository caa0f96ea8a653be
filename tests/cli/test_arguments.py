"""Command lines of the original."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from manifest_tool.cli import app
from manifest_tool.cli.arguments import translated
from tests import harness

INVOCATIONS = harness.SHARED / "corpus" / "cli-invocations.yaml"


def invocations() -> list[dict[str, Any]]:
    if not INVOCATIONS.exists():
        return []
    found: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(INVOCATIONS.read_text())
    return found


@pytest.mark.skipif(not INVOCATIONS.exists(), reason="shared/corpus is not beside the checkout")
@pytest.mark.parametrize("invocation", invocations() or [{"id": "none"}], ids=lambda found: found["id"])
def test_every_command_line_of_the_field_parses(invocation: dict[str, Any], capfd: pytest.CaptureFixture[str]) -> None:
    """With ``--help`` behind it, a command line is parsed to its end and then shows the help of its command."""
    code = app.run([str(argument) for argument in invocation["argv"]] + ["--help"])
    stdout, stderr = capfd.readouterr()
    assert (code, stderr) == (0, "")
    assert stdout.startswith("Usage: manifest-tool ")


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        (["-debug", "push"], ["--debug", "push"]),
        (["--debug=true", "--insecure=false"], ["--debug"]),
        (["manifest", "push", "-p", "app:1", "--insecure"], ["--insecure", "manifest", "push", "-p", "app:1"]),
        (["-p", "x", "manifest", "push", "--purge=true"], ["--password", "x", "manifest", "push", "--purge"]),
        (["push", "from-spec", "manifest", "-p", "x"], ["--password", "x", "push", "from-spec", "manifest"]),
        (["-username=U", "-password", "-debug"], ["--username=U", "--password", "-debug"]),
        (["push", "-type", "oci"], ["push", "--type", "oci"]),
        (["push", "from-spec", "-"], ["push", "from-spec", "-"]),
        (["-h"], ["-h"]),
        (["-version"], ["--version"]),
        (["--", "-debug"], ["--", "-debug"]),
        (["--debug=maybe"], ["--debug=maybe"]),
        (
            ["push", "from-spec", "-debug", "x", "--username", "U"],
            ["--debug", "--username", "U", "push", "from-spec", "x"],
        ),
        (["login", "r.test", "-u", "U", "-p=P"], ["--username", "U", "--password=P", "login", "r.test"]),
        (["--u", "-x", "-up"], ["--u", "-x", "-up"]),
        (["--target"], ["--target"]),
        ([], []),
    ],
)
def test_both_ways_of_writing_an_option(given_: list[str], expected: list[str]) -> None:
    assert translated(given_) == expected


@given(st.lists(st.text()))
def test_any_arguments_are_translated_and_then_stay(arguments: list[str]) -> None:
    once = translated(arguments)
    assert translated(once) == once


@given(st.lists(st.text(alphabet="abc/:", min_size=1)))
def test_what_is_no_option_is_left_alone(arguments: list[str]) -> None:
    assert translated(arguments) == arguments
