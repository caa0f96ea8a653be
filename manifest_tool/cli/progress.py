"""What happens meanwhile, on stderr: live on a terminal, plain lines otherwise."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from manifest_tool.cli import streams
from manifest_tool.cli.text import safe
from manifest_tool.events import (
    Answered,
    BlobPlaced,
    Event,
    ManifestPut,
    Noticed,
    Observer,
    Resolved,
    Waiting,
)

if TYPE_CHECKING:
    from rich.status import Status

_TOLD_FROM = 1.0
"""Seconds of waiting that are worth a line."""


@contextmanager
def watching(*, debug: bool) -> Iterator[Observer]:
    """An observer that tells on stderr what happens."""
    if not sys.stderr.isatty() or debug:
        yield lambda event: _say(line(event, debug=debug))
        return
    from rich.console import Console
    from rich.status import Status

    with Status("", console=Console(stderr=True, markup=False, emoji=False, highlight=False)) as status:
        yield Live(status)


class Live:
    """One line that changes; what should stay is printed above it."""

    def __init__(self, status: Status) -> None:
        self._status = status
        self._counts = {"found": 0, "mounted": 0, "copied": 0, "published": 0}

    def __call__(self, event: Event) -> None:
        if isinstance(event, Noticed | Waiting):
            if text := line(event):
                self._status.console.print(text, markup=False, soft_wrap=True)
            return
        if isinstance(event, Resolved):
            self._counts["found"] += 1
        elif isinstance(event, BlobPlaced) and event.how in self._counts:
            self._counts[event.how] += 1
        elif isinstance(event, ManifestPut):
            self._counts["published"] += 1
        self._status.update(", ".join(f"{count} {name}" for name, count in self._counts.items() if count))


def line(event: Event, *, debug: bool = False) -> str:
    """What an event is worth in a log; empty where it is not worth a line."""
    match event:
        case Noticed(message):
            return safe(f"warning: {message}")
        case Waiting(reason, seconds):
            return safe(f"waiting {seconds:.1f} s: {reason}") if seconds >= _TOLD_FROM or debug else ""
        case Answered(method, url, status, seconds):
            return safe(f"debug: {method} {url}: {status} in {seconds:.3f} s") if debug else ""
        case Resolved(reference):
            return f"found {reference}"
        case BlobPlaced(repository, digest, how):
            return f"{how} {repository}@{digest}" if debug or how == "copied" else ""
        case ManifestPut(repository, which):
            return f"published {repository}{'@' if ':' in which else ':'}{which}"


def _say(text: str) -> None:
    if text:
        streams.tell(text)
