"""docs/conformance.md: what it says in tables is what the code says."""

from __future__ import annotations

import re

from integration.trial import ROOT
from manifest_tool.conformance.document import document
from manifest_tool.conformance.result import Outcome
from manifest_tool.errors import ExitCode
from tests.conformance.samples import REPORT

TEXT = (ROOT / "docs" / "conformance.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without its head."""
    section = TEXT[TEXT.index(f"\n## {heading}\n") :]
    found = re.search(r"^\|[-|]+\|\n((?:\|.*\n)+)", section, re.MULTILINE)
    assert found
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in found[1].splitlines()]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_outcomes() -> None:
    assert [names(cell) for cell, _ in rows("Outcomes")] == [[outcome] for outcome in Outcome]


def test_the_exit_codes() -> None:
    codes = {int(code) for cell, _ in rows("Exit codes") for code in cell.split(", ")}
    assert codes - {130, 143} <= set(ExitCode)
    assert {ExitCode.DONE, ExitCode.DIFFERENT, 130, 143} <= codes


def test_the_json_key_by_key() -> None:
    told = {name: names(meaning) for cell, meaning in rows("JSON") for name in names(cell)}
    made = document(REPORT)
    assert [name.removesuffix("[]") for name in told if "." not in name] == list(made)
    assert told["features[]"] == list(made["features"][0])
    result = next(one for one in made["results"] if one["exchanges"])
    assert told["results[]"] == list(result)
    assert told["results[].exchanges[]"] == list(result["exchanges"][0])
    assert {name.partition(".")[2].removesuffix("[]") for name in told if "." in name} <= set(result)
