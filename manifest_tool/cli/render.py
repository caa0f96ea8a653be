"""Errors for stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifest_tool.cli import streams

if TYPE_CHECKING:
    from manifest_tool.errors import ManifestToolError


def error(problem: ManifestToolError) -> None:
    """An error, and what to do about it."""
    lines = [f"error: {problem}"] + ([f"hint: {problem.hint}"] if problem.hint else [])
    streams.tell("\n".join(lines))


def bug(problem: Exception, *, with_traceback: bool) -> None:
    """An error that is none of the user's making."""
    import traceback

    if with_traceback:
        streams.tell("".join(traceback.format_exception(problem)).rstrip())
    text = f"error: this is a bug in manifest-tool: {type(problem).__name__}: {problem}"
    text += "\nhint: run it with --debug and report what it prints"
    streams.tell(text)
