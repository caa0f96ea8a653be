"""A spec file, or what stands for one, to a spec."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from manifest_tool.errors import UsageError
from manifest_tool.events import Observer, ignore
from manifest_tool.spec import check, yaml

if TYPE_CHECKING:
    from manifest_tool.spec.model import Spec

STDIN = "-"


def load(path: str, *, strict: bool = False, observe: Observer = ignore) -> Spec:
    """Read the spec at ``path``, which may be a pipe, or ``-`` for standard input.

    Raises `UsageError` where nothing can be read, and `SpecError` where what was read is no spec.
    """
    return parse(_read(path), "<stdin>" if path == STDIN else path, strict=strict, observe=observe)


def parse(data: bytes, name: str, *, strict: bool = False, observe: Observer = ignore) -> Spec:
    """Read the bytes of a spec; ``name`` is what messages call it."""
    return check.build(yaml.read(data, name), strict=strict, observe=observe)


def _read(path: str) -> bytes:
    if not path:
        raise UsageError("the path of the spec is empty", hint="name a file, or - for standard input")
    try:
        if path == STDIN:
            return _bounded(sys.stdin.buffer)
        with Path(path).open("rb") as file:
            return _bounded(file)
    except FileNotFoundError:
        raise UsageError(f"cannot read {path}: there is no such file") from None
    except IsADirectoryError:
        raise UsageError(f"cannot read {path}: it is a folder", hint="name the spec in it") from None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from None
    except ValueError as error:
        raise UsageError(f"cannot read {path!r}: {error}") from None


def _bounded(file: BinaryIO) -> bytes:
    """The content, or just so much more than is allowed that it shows."""
    return file.read(yaml.MAX_SIZE + 1)
