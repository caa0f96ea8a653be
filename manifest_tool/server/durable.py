"""Files that a power cut leaves as they were, or as they were to be."""

from __future__ import annotations

import os
import threading
import uuid
from pathlib import Path


class Folders:
    """Makes folders, and waits until their names are on the disk: for those of an earlier process too, once."""

    def __init__(self, root: Path) -> None:
        self._lock = threading.Lock()
        self._safe = {root}

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


def make_root(root: Path) -> None:
    """Make a folder, with those above it."""
    missing = [folder for folder in (root, *root.parents) if not folder.exists()]
    root.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        sync(folder.parent)


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


def write_first(path: Path, data: bytes) -> None:
    """Write a file in its place; a power cut may leave it empty."""
    path.write_bytes(data)
    sync(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Wait until a file's bytes, or a folder's names, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
