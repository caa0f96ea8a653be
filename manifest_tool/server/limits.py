"""What a registry puts up with: how much it keeps, and how long it waits."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_CONTROL_GROUP = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one registry."""

    size: int | None = None
    """Bytes of all blobs, manifests and unfinished uploads together; none for as much as there is room for."""
    names: int = 1_000_000
    """How many repositories, blobs, manifests and tags there may be together; each takes about a kilobyte of memory."""
    connections: int = 1_000
    """How many may be open at a time; others are told to come again."""
    uploads: int = 1_000
    """How many uploads may be open at a time."""
    manifests: int = 8
    """How many of more than 64 KiB may be on their way at a time; others wait."""
    unattended: float = 24 * 60 * 60.0
    """Seconds after which an upload that nobody went on with is given up."""
    crowded: float = 60.0
    """The same, where there are as many uploads as there may be and one more is asked for."""
    slowest: float = 100.0
    """Bytes a second of a body, from when it has taken as long as ``idle``."""
    idle: float = 60.0
    """Seconds that a client gets for a whole head, for some more of a body, and for taking some more of an answer."""


DEFAULT = Limits()


def half_of_memory() -> int:
    """Half of the bytes that this process may have: those of the machine, or of its control group."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    with suppress(OSError, ValueError):  # there is none, or it says "max"
        limits.append(int(_CONTROL_GROUP.read_text()))
    return min(limits) // 2


def open_more_files() -> None:
    """Let this process have as many open as it may have; connections count as files."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # some systems allow less than they say
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
