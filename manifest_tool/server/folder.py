"""The folder of a store on disk: whether it is one, and who has it."""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from manifest_tool.errors import UsageError
from manifest_tool.server import durable
from manifest_tool.server.layout import VERSION

if TYPE_CHECKING:
    from manifest_tool.server.layout import Layout

_LONGEST = 20
"""Digits of a version."""
_OF_THE_SYSTEM = "lost+found"


def have(layout: Layout) -> int:
    """Make the folder one of a registry where it is none, and have it for this process alone.

    Gives the handle of its lock. Raises `UsageError`, and leaves a folder of something else as it is.
    """
    _check(layout)
    durable.make_root(layout.root)
    handle = _locked(layout, os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX)
    if not _version(layout):
        durable.write_first(layout.version, f"{VERSION}\n".encode())
    return handle


def have_to_read(layout: Layout) -> int | None:
    """Have it together with others that change nothing either; none where there is nothing that could be locked.

    Nothing is written. Raises `UsageError`.
    """
    if not _check(layout):
        raise UsageError(f"there is no registry in {layout.root}", hint="--read-only serves one that is there already")
    try:
        return _locked(layout, os.O_RDONLY, fcntl.LOCK_SH)
    except OSError:
        return None  # it was not copied, or the system knows no locks: then nobody writes here


def _locked(layout: Layout, flags: int, how: int) -> int:
    handle = os.open(layout.lock, flags, 0o644)
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        if error.errno != errno.EWOULDBLOCK:
            raise
        hint = "stop it, or take another folder"
        raise UsageError(f"another process keeps a registry in {layout.root}", hint=hint) from None
    return handle


def _check(layout: Layout) -> bool:
    """Whether there is a registry; raises `UsageError` where there is something else, or one that is not understood."""
    names = set[str]()
    with suppress(FileNotFoundError):
        names = {path.name for path in layout.root.iterdir() if not path.name.startswith(".")} - {_OF_THE_SYSTEM}
    version = _version(layout)
    if version.isdecimal() and int(version) > VERSION:
        raise UsageError(
            f"the registry in {layout.root} was made by a newer manifest-tool: its version is {version}, not {VERSION}",
            hint="serve it with that one",
        )
    # Without a version, it is of before there were any, or was begun just before a power cut.
    begun = not names or ("lock" in names and names <= layout.names)
    if version != str(VERSION) and (version or not begun):
        raise UsageError(
            f"what is in {layout.root} is no registry",
            hint="take an empty folder, or one that registry serve has made",
        )
    return bool(names)


def _version(layout: Layout) -> str:
    """What the file of the version says; nothing where there is none."""
    try:
        return layout.version.read_bytes()[:_LONGEST].decode(errors="replace").strip()
    except FileNotFoundError:
        return ""
