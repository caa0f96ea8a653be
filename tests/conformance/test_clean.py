"""Text of a registry for people."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from manifest_tool.conformance.clean import clean, clean_line
from tests.conformance.samples import EVIL, SHOWN


def test_what_acts_on_a_terminal_is_escaped() -> None:
    assert clean_line(EVIL) == SHOWN
    assert clean_line("one\ntwo") == r"one\ntwo"
    assert clean("one\r\n\ttwo\x1b") == "one\n    two\\x1b"


@given(st.text(alphabet=st.characters()))
def test_it_is_always_one_printable_line_that_xml_may_hold(text: str) -> None:
    found = clean_line(text)
    assert found.isprintable()
    element = ET.Element("x", a=found)
    assert ET.fromstring(ET.tostring(element)).get("a") == found
