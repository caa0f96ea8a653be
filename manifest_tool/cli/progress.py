"""What happens meanwhile, on stderr: live on a terminal, plain lines otherwise."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
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
    Published,
    Resolved,
    Waiting,
)

if TYPE_CHECKING:
    from rich.status import Status

_TOLD_FROM = 1.0
"""Seconds of waiting that are worth a line."""
_STEPS = (Resolved, BlobPlaced, ManifestPut)


def plainly(*, debug: bool) -> Observer:
    """An observer that tells each event on a line of its own."""
    return lambda event: _say(line(event, debug=debug))


@contextmanager
def watching(*, debug: bool, specs: int = 1) -> Iterator[Observer]:
    """An observer that tells on stderr what happens; of many specs only what becomes of each."""
    if not sys.stderr.isatty() or debug:
        tell = plainly(debug=debug)
        brief = specs > 1 and not debug
        yield (lambda event: None if isinstance(event, _STEPS) else tell(event)) if brief else tell
        return
    from rich.console import Console
    from rich.status import Status

    with Status("", console=Console(stderr=True, markup=False, emoji=False, highlight=False)) as status:
        yield Live(status, specs)


class Live:
    """One line that changes; what should stay is printed above it."""

    def __init__(self, status: Status, specs: int = 1) -> None:
        self._status = status
        self._specs = specs
        self._done = 0
        self._counts = {"found": 0, "mounted": 0, "copied": 0, "published": 0}

    def __call__(self, event: Event) -> None:
        if isinstance(event, Noticed | Waiting | Published) and (text := line(event)):
            self._status.console.print(text, markup=False, soft_wrap=True)
        match event:
            case Published():
                self._done += 1
            case Resolved():
                self._counts["found"] += 1
            case BlobPlaced() if event.how in self._counts:
                self._counts[event.how] += 1
            case ManifestPut():
                self._counts["published"] += 1
        specs = [f"{self._done} of {self._specs} specs done"] if self._specs > 1 else []
        self._status.update(", ".join([*specs, *(f"{count} {name}" for name, count in self._counts.items() if count)]))


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
        case Published(reference, written, blobs):
            return f"done {reference}: {_took(written, blobs)}"


def _took(written: Sequence[str], blobs: Mapping[str, int]) -> str:
    counts = ", ".join(f"{count} {how}" for how, count in sorted(blobs.items()))
    tags = f"moved {', '.join(written)}" if written else "no tag had to be moved"
    return f"{tags}; blobs: {counts}" if counts else tags


def _say(text: str) -> None:
    if text:
        streams.tell(text)
