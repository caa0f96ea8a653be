"""JUnit XML as CI systems read it: Jenkins' junit-10.xsd, and what GitLab takes from it."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from manifest_tool.conformance.junit import to_xml
from manifest_tool.conformance.result import Report
from tests.conformance.samples import GOOD, REPORT, SHOWN

_TIME = re.compile(r"\d+\.\d{3}")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_TOP = {"name", "tests", "failures", "errors", "time"}
"""All that junit-10.xsd grants to ``testsuites``; Jenkins refuses a file with more."""
_SUITE = {*_TOP, "skipped", "timestamp"}


def _root(report: Report) -> ET.Element:
    return ET.fromstring(to_xml(report).encode())


def test_the_counts_are_those_of_the_cases() -> None:
    root = _root(REPORT)
    assert root.tag == "testsuites"
    assert [child.tag for child in root] == ["testsuite"] * 3
    for suite in (root, *root):
        assert set(suite.attrib) == (_TOP if suite is root else _SUITE)
        assert _TIME.fullmatch(suite.attrib["time"])
        cases = list(suite.iter("testcase"))
        assert int(suite.attrib["tests"]) == len(cases)
        assert int(suite.attrib["failures"]) == len(list(suite.iter("failure")))
        assert suite is root or int(suite.attrib["skipped"]) == len(list(suite.iter("skipped")))
        assert suite is root or _TIMESTAMP.fullmatch(suite.attrib["timestamp"])
        assert suite.attrib["errors"] == "0"
    assert (root.attrib["tests"], root.attrib["failures"]) == ("5", "2")


def test_a_case_is_known_by_its_group_and_its_id() -> None:
    cases = list(_root(REPORT).iter("testcase"))
    assert all(set(case.attrib) == {"classname", "name", "time"} for case in cases)
    names = [(case.attrib["classname"], case.attrib["name"].partition(":")[0]) for case in cases]
    assert names == [
        ("registry.access", "ping"),
        ("registry.uploads", "order"),
        ("registry.uploads", "post"),
        ("registry.manifests", "put"),
        ("registry.manifests", "list"),
    ]
    assert cases[1].attrib["name"] == f"order: order is kept {SHOWN}"


def test_a_failure_has_what_went_over_the_wire() -> None:
    [failure, _] = _root(REPORT).iter("failure")
    assert failure.attrib == {"message": f"seen {SHOWN}", "type": "fail"}
    text = failure.text or ""
    assert text.startswith(f"seen {SHOWN}\n\n> POST ")
    assert "> Content-Range: 500-999\n" in text
    assert f"< X-Evil: {SHOWN}\n" in text


def test_what_is_not_there_is_skipped_with_a_reason() -> None:
    told = [skipped.attrib["message"] for skipped in _root(REPORT).iter("skipped")]
    assert told == [f"unsupported: 202 {SHOWN}", "not tried: put did not pass"]


def test_what_was_measured_is_told_beside_a_pass() -> None:
    [case] = _root(GOOD).iter("testcase")
    assert [(child.tag, child.text) for child in case] == [("system-out", "at once")]
