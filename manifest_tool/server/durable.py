"""Files that a power cut leaves as they were, or as they were to be."""

from __future__ import annotations

import fcntl
import os
import threading
import uuid
from pathlib import Path

from manifest_tool.errors import UsageError


class Folders:
    """Makes folders, and waits until their names are on the disk: for those of an earlier process too, once."""

    def __init__(self, root: Path) -> None:
        self._lock = threading.Lock()
        self._safe = {root}
        missing = [folder for folder in (root, *root.parents) if not folder.exists()]
        root.mkdir(parents=True, exist_ok=True)
        for folder in missing:
            sync(folder.parent)

    def make(self, folder: Path) -> None:
        if folder not in self._safe:
            with self._lock:
                self._make(folder)

    def _make(self, folder: Path) -> None:
        if folder not in self._safe:
            self._make(folder.parent)
            folder.mkdir(exist_ok=True)
            sync(folder.parent)
            self._safe.add(folder)


def write(path: Path, data: bytes, temporary: Path) -> None:
    """Write a whole file by way of another folder of the same system; its own folder is still to be synced."""
    draft = temporary / uuid.uuid4().hex
    try:
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def sync(path: Path) -> None:
    """Wait until a file's bytes, or a folder's names, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def lock(path: Path) -> int:
    """The handle of a file that no other process may lock while it is open; raises `UsageError`."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        hint = "stop it, or take another folder"
        raise UsageError(f"another process keeps a registry in {path.parent}", hint=hint) from None
    except OSError:
        os.close(handle)
        raise
    return handle
