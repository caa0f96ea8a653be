"""A light command loads nothing heavy; asked of a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"aiohttp", "bcrypt", "jsonschema", "ruamel.yaml", "rich", "pydantic"}
CODE = """
import sys
from manifest_tool.cli import app
code = app.run(sys.argv[1:])
print("|".join([str(code), *(name for name in sys.modules)]), file=sys.stderr)
"""


def loaded(*arguments: str) -> tuple[int, set[str]]:
    done = subprocess.run([sys.executable, "-c", CODE, *arguments], capture_output=True, text=True, timeout=30)
    code, *names = done.stderr.strip().splitlines()[-1].split("|")
    return int(code), set(names)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--version",),
        ("-v",),
        ("--help",),
        ("push", "--help"),
        ("push", "from-spec", "--help"),
        ("push", "from-args", "--help"),
        ("inspect", "--help"),
        ("login", "--help"),
        ("logout", "--help"),
        ("manifest", "--help"),
        ("manifest", "create", "--help"),
        ("manifest", "ls"),
        ("query", "--help"),
        ("registry", "serve", "--help"),
        ("registry", "test", "--help"),
        ("registry", "account", "--help"),
    ],
    ids=" ".join,
)
def test_help_and_version_stay_light(arguments: tuple[str, ...]) -> None:
    code, names = loaded(*arguments)
    assert code == 0
    assert not names & HEAVY


def test_the_heavy_ones_are_seen_where_they_are_used() -> None:
    code, names = loaded("push", "from-spec", "no-such-file.yaml")
    assert code == 2
    assert "ruamel.yaml" in names
