"""Exchanges for people."""

from __future__ import annotations

from manifest_tool.conformance import transcript
from manifest_tool.conformance.result import Exchange
from tests.conformance.samples import OPENED, REFUSED, SHOWN, SILENT


def test_an_exchange_is_told_from_both_sides() -> None:
    assert transcript.text(REFUSED).splitlines() == [
        "> PATCH http://example.com/v2/acme/app/blobs/uploads/1?_state=…",
        "> Content-Range: 500-999",
        ">",
        "> (500 bytes)",
        "< 202 Accepted",
        "< Range: 0-999",
        f"< X-Evil: {SHOWN}",
        "<",
        "< first",
        f"<     second {SHOWN}",
    ]


def test_no_answer_is_told_with_its_reason() -> None:
    assert transcript.text(SILENT).splitlines() == [
        "> PUT http://example.com/v2/acme/app/manifests/1",
        f"! no answer {SHOWN}",
    ]
    assert transcript.brief(SILENT).endswith("/manifests/1: no answer")


def test_in_brief() -> None:
    assert transcript.brief(OPENED) == "POST http://example.com/v2/acme/app/blobs/uploads/: 202 Accepted"
    assert transcript.status(Exchange("GET", "http://x", 599)) == "599"


def test_of_many_the_last_ones_are_told() -> None:
    many = [Exchange("GET", f"http://x/{number}") for number in range(500)]
    told = list(transcript.texts(many))
    assert told[:2] == ["… (480 requests before)", "> GET http://x/480"]
    assert told[-1] == "> GET http://x/499"
    assert list(transcript.texts(many[:20])) == [transcript.text(one) for one in many[:20]]


def test_a_long_body_is_cut() -> None:
    told = list(transcript.lines(Exchange("GET", "http://x", 200, body="a\nb\nc\n"), 2))
    assert told[-3:] == ["< a", "< b", "< … (1 more lines)"]


def test_a_long_line_is_cut() -> None:
    assert list(transcript.lines(Exchange("GET", "http://example.com"), longest=10)) == ["> GET http…"]
