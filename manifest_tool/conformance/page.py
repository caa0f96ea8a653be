"""A report as one page that needs nothing but itself."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from manifest_tool.conformance.result import Report


def to_html(report: Report) -> str:
    """The page."""
    return escape(report.subject)
