from __future__ import annotations

import io

from rich.console import Console

from benchmarks import report
from benchmarks.counter import Asked, Counts
from benchmarks.report import Report
from benchmarks.runs import Row
from benchmarks.startup import Startup

ROWS = (
    Row(
        "embedded",
        "none",
        "same",
        5,
        0.05,
        "ours",
        (0.5, 0.4, 0.9),
        0.3,
        40,
        Counts(6, 12, 5),
        (Asked(2, 0, "GET", "/"),),
    ),
    Row("embedded", "none", "same", 5, 0.05, "crane", failure="crane ended with 1: [no] such thing"),
)
MEASURED = Report(ROWS, (), Startup(0.02, 0.06, 0.3), {0.05: 0.0512})


def _shown(measured: Report) -> str:
    output = io.StringIO()
    report.show(measured, Console(file=output, width=160))
    return output.getvalue()


def test_ratios_stand_beside_the_times() -> None:
    row = MEASURED.to_json(trace=False)["rows"][0]
    assert (row["median"], row["min"], row["bound"], row["ratio"]) == (0.5, 0.4, 0.4, 1.25)
    assert (row["rounds"], row["floor"]) == (5, 4)
    shown = _shown(MEASURED)
    assert "5 of 4" in shown
    assert "1.25" in shown


def test_a_tool_that_failed_is_shown_with_its_reason() -> None:
    assert "crane, same, 5 platforms: crane ended with 1: [no] such thing" in _shown(MEASURED)
    row = MEASURED.to_json(trace=True)["rows"][1]
    assert row["failure"] == "crane ended with 1: [no] such thing"
    assert "median" not in row


def test_requests_are_kept_where_they_are_asked_for() -> None:
    kept = MEASURED.to_json(trace=True)["rows"][0]["asked"]
    assert kept == [{"depth": 2, "connection": 0, "method": "GET", "target": "/"}]
    assert "asked" not in MEASURED.to_json(trace=False)["rows"][0]


def test_start_up_is_told_as_a_multiple_of_what_python_takes() -> None:
    assert "--version 3.0, a push of 2 platforms on loopback 15.0" in _shown(MEASURED)
