"""The page: whole, escaped, and to be read by everybody."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from manifest_tool.conformance.page import to_html
from manifest_tool.conformance.result import Outcome, Report, Result
from manifest_tool.conformance.style import CSS
from tests.conformance.samples import GOOD, REPORT, SHOWN

_VOID = {"meta"}
_ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "header", "main", "section", "h1", "h2", "h3", "span", "p",
    "b", "ul", "li", "table", "caption", "thead", "tbody", "tr", "th", "td", "a", "code", "details", "summary",
    "pre",
}  # fmt: skip


class Page(HTMLParser):
    """Reads a page, and holds it to being well-formed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.said: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.said.setdefault(tag, []).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def text(self, tag: str) -> str:
        return "".join(self.said.get(tag, []))


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(to_html(REPORT))


def test_it_needs_nothing_but_itself(page: Page) -> None:
    assert {tag for tag, _ in page.tags} == _ALLOWED
    for _, attributes in page.tags:
        assert not set(attributes) & {"src", "srcset", "style"}
        assert not any(name.startswith("on") for name in attributes)
        assert (attributes.get("href") or "#").startswith("#")
    assert not re.search(r"url\(|@import|//", CSS)
    policy = next(one["content"] for one in page.all("meta") if one.get("http-equiv"))
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


def test_everything_is_said_as_text(page: Page) -> None:
    text = page.text("body")
    assert text.count(SHOWN) == 12  # each place that a registry can fill, in the summary, the table and the exchanges
    assert all(c.isprintable() or c == "\n" for c in to_html(REPORT))


def test_the_summary_comes_first_then_the_checks_then_the_wire(page: Page) -> None:
    assert page.said["h2"] == ["Summary", "Checks", "What went over the wire"]
    assert "What manifest-tool needs does not work here: put, tag; copies " in page.text("p")
    assert "1 passed" in page.text("ul").replace("\n", " ")


def test_it_is_in_english_and_has_heads(page: Page) -> None:
    assert page.all("html") == [{"lang": "en"}]
    assert page.text("title") == "Registry test: example.com/acme/app"
    assert len(page.all("h1")) == 1
    assert {cell["scope"] for cell in page.all("th")} == {"col", "rowgroup"}
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    named = [one["aria-labelledby"] for one in page.all("section")]
    links = [(one["href"] or "").removeprefix("#") for one in page.all("a")]
    assert {*named, *links} <= set(ids)


def test_failures_are_open_and_the_rest_is_not(page: Page) -> None:
    shown = {one["id"]: "open" in one for one in page.all("details")}
    assert shown == {"order": True, "post": False, "put": True}


def test_a_good_run() -> None:
    page = Page(to_html(GOOD))
    assert page.said["h2"] == ["Summary", "Checks"]
    assert "What manifest-tool needs works here; copies " in page.text("p")


def test_a_run_that_was_interrupted() -> None:
    result = Result("ping", "access", "the API is there", Outcome.UNTRIED, "the run ended before")
    page = Page(to_html(Report("example.com/acme", [result], interrupted=True)))
    assert "The run was interrupted" in page.text("p")


def _luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_it_can_be_read_by_day_and_by_night(scheme: int) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1 for every text on every ground."""
    found = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", found[scheme]))
    for name in ("text", "quiet", "link", "pass", "fail", "unsupported", "untried"):
        for ground in ("ground", "raised"):
            low, high = sorted([_luminance(colours[name]), _luminance(colours[ground])])
            assert (high + 0.05) / (low + 0.05) >= 4.5, (name, ground)


def test_much_that_is_left_is_folded_away() -> None:
    left = tuple(f"example.com/acme/app:mt-{number}" for number in range(300))
    page = Page(to_html(replace(GOOD, left=left)))
    assert page.text("summary") == "300 references"
    assert page.text("li").count("example.com/acme/app:mt-") == 300
