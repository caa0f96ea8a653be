"""What is logged while something is served, as lines on stderr."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from manifest_tool.cli import streams
from manifest_tool.cli.text import safe_line

_AGAIN = 60.0
"""Seconds after which a line is told again; where there are no files left, it would be a hundred times a second."""


@contextmanager
def told(*, debug: bool = False) -> Iterator[None]:
    """Tell warnings and errors in a line each, and the traceback of an error behind it for ``debug``."""
    handler, root = _Lines(debug=debug), logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)


class _Lines(logging.Handler):
    def __init__(self, *, debug: bool) -> None:
        super().__init__(logging.WARNING)
        self._debug = debug
        self._told: tuple[str, float] = ("", 0.0)

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        line = _line(record, error)
        before, when = self._told
        if line == before and record.created - when < _AGAIN:
            return
        self._told = (line, record.created)
        streams.tell(line)
        if self._debug and error is not None:
            streams.tell("".join(traceback.format_exception(error)).rstrip())


def _line(record: logging.LogRecord, error: BaseException | None) -> str:
    # What asyncio says in further lines is for whoever works on it.
    message = record.getMessage().partition("\n")[0]
    reason = f": {type(error).__name__}: {error}" if error is not None else ""
    return safe_line(f"{record.levelname.lower()}: {message}{reason}")
