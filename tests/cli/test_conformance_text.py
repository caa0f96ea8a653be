"""The table of a conformance run."""

from __future__ import annotations

from dataclasses import replace

from manifest_tool.cli.colours import Paint
from manifest_tool.cli.conformance_text import text
from manifest_tool.conformance.result import Outcome, Report, Result
from tests.conformance.samples import GOOD, OPENED, REPORT, SHOWN

FIRST = """\
example.com/acme/app

access
  pass         the API is there (at once)
uploads
"""
LAST = """\

put: a tag is put
  no answer
  > PUT http://example.com/v2/acme/app/manifests/1
  ! no answer {shown}

what a push uses
  works        upload
  falls back   mount: copies {shown}
  missing      tag
  not tried    referrers

not removed from the registry:
  example.com/acme/app:mt-1

note: example.com says: {shown}
1 passed, 2 failed, 1 unsupported, 1 not tried in 63.5 s
what manifest-tool needs does not work here: put, tag; copies
{shown}; 1 feature not tried
"""


def test_everything_in_its_place() -> None:
    told = text(REPORT, width=120)
    assert told.startswith(FIRST)
    assert told.endswith(LAST.format(shown=SHOWN))
    assert f"  fail         order is kept {SHOWN} [order]\n               seen {SHOWN}\n" in told
    assert f"  unsupported  one POST will do [post]\n               202 {SHOWN}\n" in told
    assert "  fail         a tag is put [put, needed]\n               no answer\n" in told
    assert "  not tried    tags are listed (put did not pass)\n" in told


def test_of_much_that_is_left_only_some_is_named() -> None:
    left = tuple(f"example.com/acme/app:mt-{number}" for number in range(300))
    told = text(replace(GOOD, left=left)).splitlines()
    start = told.index("not removed from the registry:")
    assert told[start + 10 : start + 12] == [f"  {left[9]}", "  … (290 more; --format json and --html list all)"]


def test_what_decided_is_told_whole_and_what_came_before_in_brief() -> None:
    told = text(REPORT, width=120)
    start = told.index("\norder: ")
    assert told[start:].splitlines()[2:10] == [
        f"  seen {SHOWN}",
        "  POST http://example.com/v2/acme/app/blobs/uploads/: 202 Accepted",
        "  > PATCH http://example.com/v2/acme/app/blobs/uploads/1?_state=…",
        "  > Content-Range: 500-999",
        "  >",
        "  > (500 bytes)",
        "  < 202 Accepted",
        "  < Range: 0-999",
    ]


def test_nothing_acts_on_a_terminal() -> None:
    assert all(c.isprintable() or c == "\n" for c in text(REPORT))


def test_colours_change_nothing_else() -> None:
    painted = text(REPORT, Paint(on=True))
    assert "\x1b[1;31mfail\x1b[0m         order" in painted
    plain = painted.replace("\x1b[0m", "")
    for colour in range(30, 38):
        plain = plain.replace(f"\x1b[1;{colour}m", "")
    assert plain == text(REPORT)


def test_eighty_columns_will_do() -> None:
    detail = "PATCH was answered with 202, where 416 was expected " * 4
    title = "a chunk that comes out of order is refused, and what was sent before it is still there"
    result = Result("blob-order", "uploads", title, Outcome.FAIL, detail)
    measured = Result("seen", "uploads", title, Outcome.PASS, "after 12 ms")
    lines = text(Report("example.com/acme/app", [result, measured])).splitlines()
    assert max(map(len, lines)) <= 80
    assert "               after 12 ms" in lines


def test_a_good_run_ends_in_a_word_on_it() -> None:
    ending = "1 passed, 0 failed, 0 unsupported, 0 not tried in 0.1 s\nwhat manifest-tool needs works here"
    assert text(replace(GOOD, features=())).endswith(f"{ending}\n")
    assert text(GOOD, width=120).endswith(f"{ending}; copies {SHOWN}\n")


def test_what_was_kept_is_told_as_such() -> None:
    report = Report("example.com/acme", [], left=["example.com/acme/app:mt-1"], kept=True)
    assert "kept in the registry:\n  example.com/acme/app:mt-1\n" in text(report)


def test_an_interrupted_run_says_so() -> None:
    assert text(Report("example.com/acme", [], interrupted=True)).endswith(
        "interrupted: this is what was found until then\n"
    )


def test_of_many_requests_the_last_ones_are_told() -> None:
    result = Result("put", "uploads", "a title", Outcome.FAIL, "a reason", exchanges=[OPENED] * 20)
    lines = text(Report("example.com/acme", [result])).splitlines()
    assert "  … (15 requests before)" in lines
    assert sum("POST" in line for line in lines) == 5
