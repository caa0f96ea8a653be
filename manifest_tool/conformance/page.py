"""A report as one page that needs nothing but itself: no script, no other file, nothing from any server."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

from manifest_tool.conformance import transcript
from manifest_tool.conformance.clean import clean_line
from manifest_tool.conformance.features import summary
from manifest_tool.conformance.result import Outcome, State
from manifest_tool.conformance.style import CSS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from manifest_tool.conformance.result import Feature, Report, Result

_CLASSES = {
    Outcome.PASS: "pass",
    Outcome.FAIL: "fail",
    Outcome.UNSUPPORTED: "unsupported",
    Outcome.UNTRIED: "untried",
}
_SHADES = {State.WORKS: "pass", State.FALLS_BACK: "unsupported", State.MISSING: "fail", State.UNTRIED: "untried"}
_FEW = 10
"""Items of a list that are shown at once."""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_HEAD = "<tr>" + "".join(f'<th scope="col">{name}</th>' for name in ("Outcome", "Check", "What was seen", "Time"))


def to_html(report: Report) -> str:
    """The page: what it comes to, then every check, then what went over the wire where one did not pass."""
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            f"<title>Registry test: {_text(report.subject)}</title>",
            f"<style>{CSS}</style>",
            "</head>",
            "<body>",
            "<header>",
            f"<h1>Registry test <span>{_text(report.subject)}</span></h1>",
            f'<p class="when">{_text(report.started)}, {report.seconds:.1f} s, by manifest-tool</p>',
            "</header>",
            "<main>",
            *_summary(report),
            *_checks(report),
            *_exchanges(report.results),
            "</main>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _summary(report: Report) -> Iterator[str]:
    yield '<section aria-labelledby="summary">\n<h2 id="summary">Summary</h2>'
    yield f'<p class="verdict {"pass" if report.sufficient else "fail"}">{_verdict(report)}</p>'
    yield '<ul class="counts">'
    for outcome in Outcome:
        yield f'<li class="{_CLASSES[outcome]}"><b>{report.count(outcome)}</b> {outcome.counted}</li>'
    yield "</ul>"
    yield from _features(report.features)
    yield from _list("Kept in the registry" if report.kept else "Not removed from the registry", report.left)
    yield from _list("Notes", report.notices)
    yield "</section>"


def _verdict(report: Report) -> str:
    if report.interrupted:
        return "The run was interrupted; this is what was found until then."
    told = summary(report)
    return _text(f"{told[:1].upper()}{told[1:]}.")


def _features(features: Sequence[Feature]) -> Iterator[str]:
    if not features:
        return
    yield '<table class="features">\n<caption>What a push uses</caption>'
    yield '<thead><tr><th scope="col">Here</th><th scope="col">Feature</th></tr></thead>\n<tbody>'
    for feature in features:
        state = feature.state
        otherwise = f": {_text(feature.otherwise)}" if state is State.FALLS_BACK else ""
        yield f'<tr><td class="{_SHADES[state]}">{state}</td><td>{_text(feature.name)}{otherwise}</td></tr>'
    yield "</tbody>\n</table>"


def _list(title: str, items: Iterable[str]) -> Iterator[str]:
    if found := [f"<li>{_text(item)}</li>" for item in items]:
        body = f"<ul>{''.join(found)}</ul>"
        if len(found) > _FEW:
            body = f"<details><summary>{len(found)} references</summary>{body}</details>"
        yield f"<h3>{title}</h3>\n{body}"


def _checks(report: Report) -> Iterator[str]:
    yield '<section aria-labelledby="checks">\n<h2 id="checks">Checks</h2>\n<table class="checks">'
    yield f"<thead>{_HEAD}</tr></thead>"
    for title, results in report.groups:
        yield f'<tbody>\n<tr><th colspan="4" scope="rowgroup">{_text(title)}</th></tr>'
        yield from map(_row, results)
        yield "</tbody>"
    yield "</table>\n</section>"


def _row(result: Result) -> str:
    name = f"<code>{_text(result.id)}</code>"
    if _is_shown(result):
        name = f'<a href="#{_text(result.id)}">{name}</a>'
    needed = ' <span class="needed">needed by every push</span>' if result.needed else ""
    cells = [
        f'<td class="{_CLASSES[result.outcome]}">{result.outcome}</td>',
        f"<td>{_text(result.title)} {name}{needed}</td>",
        f"<td>{_text(result.detail)}</td>",
        f'<td class="time">{result.seconds:.2f} s</td>',
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _exchanges(results: Iterable[Result]) -> Iterator[str]:
    shown = [result for result in results if _is_shown(result)]
    if not shown:
        return
    yield '<section aria-labelledby="wire">\n<h2 id="wire">What went over the wire</h2>'
    for result in shown:
        failed = " open" if result.outcome is Outcome.FAIL else ""
        mark = f'<b class="{_CLASSES[result.outcome]}">{result.outcome}</b>'
        yield f'<details id="{_text(result.id)}"{failed}>'
        yield f"<summary>{mark} <code>{_text(result.id)}</code> {_text(result.title)}</summary>"
        yield f"<p>{_text(result.detail)}</p>"
        yield from (f"<pre>{escape(text)}</pre>" for text in transcript.texts(result.exchanges))
        yield "</details>"
    yield "</section>"


def _is_shown(result: Result) -> bool:
    return result.outcome is not Outcome.PASS and bool(result.exchanges)


def _text(text: str) -> str:
    return escape(clean_line(text))
