"""stdout for the result, stderr for the rest; either may be closed, full, or read by nobody."""

from __future__ import annotations

import os
import sys

from manifest_tool.cli.text import safe
from manifest_tool.errors import OutputError


def prepare() -> None:
    """Give streams that were closed a place to go, before a socket takes their number."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: PTH123, SIM115  # for as long as the process lives
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115


def result(data: bytes) -> None:
    """Put a result on stdout, whatever encoding the terminal claims to have; raises `OutputError`."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        abandon()
        raise OutputError(f"cannot write to stdout: {(error.strerror or str(error)).lower()}") from None


def tell(text: str) -> None:
    """Put a line on stderr; where that cannot be written, the work goes on all the same."""
    try:
        sys.stderr.write(f"{safe(text)}\n")
        sys.stderr.flush()
    except OSError:
        _discard(2)


def abandon() -> None:
    """Write nothing more to a stdout that failed; Python would try again at its exit, and complain."""
    _discard(1)


def _discard(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
