"""Paths as they are given to spec files: a folder is the specs in it, a pattern what it matches."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from manifest_tool.errors import UsageError

STDIN = "-"
_NO_FILES = frozenset({STDIN, ""})
"""An empty path is no folder either; who reads it says so."""
_SUFFIXES = frozenset({".yaml", ".yml"})


def expand(paths: Sequence[str]) -> list[str]:
    """Every spec file that the paths mean, in their order, each once; raises `UsageError` where one means none.

    Hidden files are meant only where they are named.
    """
    found: dict[str, str] = {}
    for path in paths:
        try:
            for file in _files(path):
                found.setdefault(file if file in _NO_FILES else os.path.realpath(file), file)
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror or error}") from None
        except ValueError as error:
            raise UsageError(f"cannot read {path!r}: {error}") from None
    return list(found.values())


def _files(path: str) -> list[str]:
    if path in _NO_FILES:
        return [path]
    if Path(path).is_dir():
        return _inside(path)
    if glob.has_magic(path) and not Path(path).exists():
        return _matching(path)
    return [path]


def _inside(folder: str) -> list[str]:
    specs = (file for file in Path(folder).iterdir() if file.suffix in _SUFFIXES and not file.name.startswith("."))
    found = _sorted(map(str, specs))
    if not found:
        raise UsageError(f"the folder {folder} has no specs", hint="a spec there is called NAME.yaml or NAME.yml")
    return found


def _matching(pattern: str) -> list[str]:
    found = _sorted(glob.iglob(pattern, recursive=True))  # noqa: PTH207  # pathlib's matches what is hidden
    if not found:
        raise UsageError(f"no file matches {pattern}")
    return found


def _sorted(paths: Iterable[str]) -> list[str]:
    """Those that are no folders; a link that leads nowhere is kept, as a spec may be missed."""
    return sorted(path for path in paths if not Path(path).is_dir())
