"""A report as the XML that CI systems read."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from manifest_tool.conformance import transcript
from manifest_tool.conformance.clean import clean, clean_line
from manifest_tool.conformance.result import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from manifest_tool.conformance.result import Report, Result

_SKIPPED = frozenset({Outcome.UNSUPPORTED, Outcome.UNTRIED})


def to_xml(report: Report) -> str:
    """``testsuites``, with a ``testsuite`` for each group."""
    root = ET.Element("testsuites", _counts(report.subject, report.results, report.seconds))
    for title, results in report.groups:
        seconds = sum(result.seconds for result in results)
        suite = ET.SubElement(root, "testsuite", _attributes(report, title, results, seconds))
        suite.extend(map(_case, results))
    ET.indent(root)
    return f"<?xml version='1.0' encoding='UTF-8'?>\n{ET.tostring(root, encoding='unicode')}\n"


def _case(result: Result) -> ET.Element:
    name = clean_line(f"{result.id}: {result.title}")
    where = f"registry.{clean_line(result.group)}"
    case = ET.Element("testcase", classname=where, name=name, time=_time(result.seconds))
    if result.outcome is Outcome.FAIL:
        failure = ET.SubElement(case, "failure", message=clean_line(result.detail), type="fail")
        failure.text = "\n\n".join([clean(result.detail), *transcript.texts(result.exchanges)])
    elif result.outcome in _SKIPPED:
        ET.SubElement(case, "skipped", message=clean_line(f"{result.outcome}: {result.detail}"))
    elif result.detail:
        ET.SubElement(case, "system-out").text = clean(result.detail)
    return case


def _attributes(report: Report, name: str, results: Sequence[Result], seconds: float) -> dict[str, str]:
    """What a suite has, and Jenkins' schema (junit-10.xsd) grants to no ``testsuites``."""
    return {
        **_counts(name, results, seconds),
        "skipped": str(sum(result.outcome in _SKIPPED for result in results)),
        "timestamp": report.started.removesuffix("Z"),  # other schemas know no time zones
    }


def _counts(name: str, results: Sequence[Result], seconds: float) -> dict[str, str]:
    failures = sum(result.outcome is Outcome.FAIL for result in results)
    return {
        "name": clean_line(name),
        "tests": str(len(results)),
        "failures": str(failures),
        "errors": "0",
        "time": _time(seconds),
    }


def _time(seconds: float) -> str:
    return f"{seconds:.3f}"
