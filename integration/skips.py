"""A pytest plugin that says in one line, last of all and loudly, what was not tested and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """Speak after pytest's own summary, and where all tests are known: not in the workers of xdist."""
    yield
    reporter: TerminalReporter | None = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and not hasattr(session.config, "workerinput"):
        tell(reporter)


def tell(reporter: TerminalReporter) -> None:
    """Count the skipped tests by reason."""
    skipped = reporter.stats.get("skipped", [])
    reasons = Counter(reason_of(report) for report in skipped)
    if reasons:
        told = "; ".join(f"{count} × {reason}" for reason, count in reasons.most_common())
        reporter.write_line(f"WARNING: {len(skipped)} tests were SKIPPED: {told}", red=True, bold=True)


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why a test was skipped, as it was given."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")
