"""Paths as they are given to spec files: a folder is the specs in it, a pattern what it matches."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from manifest_tool.errors import UsageError

STDIN = "-"
_SUFFIXES = frozenset({".yaml", ".yml"})


def expand(paths: Sequence[str]) -> list[str]:
    """Every spec file that the paths mean, in their order, each once; raises `UsageError` where one means none."""
    return list(dict.fromkeys(file for path in paths for file in _files(path)))


def _files(path: str) -> list[str]:
    try:
        if path != STDIN and Path(path).is_dir():
            return _inside(path)
        if path and glob.has_magic(path) and not Path(path).exists():
            return _matching(path)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from None
    except ValueError as error:
        raise UsageError(f"cannot read {path!r}: {error}") from None
    return [path]


def _inside(folder: str) -> list[str]:
    found = sorted(str(file) for file in Path(folder).iterdir() if file.suffix in _SUFFIXES and file.is_file())
    if not found:
        raise UsageError(f"the folder {folder} has no specs", hint="a spec there is called NAME.yaml or NAME.yml")
    return found


def _matching(pattern: str) -> list[str]:
    path = Path(pattern)
    found = sorted(str(file) for file in Path(path.anchor).glob(str(path.relative_to(path.anchor))) if file.is_file())
    if not found:
        raise UsageError(f"no file matches {pattern}")
    return found
