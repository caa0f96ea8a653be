"""A spec file, or what stands for one, to a spec."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from manifest_tool.errors import ManifestToolError, SpecError, UsageError
from manifest_tool.events import Observer, ignore
from manifest_tool.spec import check, yaml
from manifest_tool.spec.files import STDIN

if TYPE_CHECKING:
    from manifest_tool.spec.document import Document
    from manifest_tool.spec.model import Spec


def load(path: str, *, strict: bool = False, observe: Observer = ignore) -> list[Spec | ManifestToolError]:
    """Read the specs in the file at ``path``, which may be a pipe, or ``-`` for standard input.

    Each document is a spec, or the error of one that is none; a file that cannot be read is one error.
    """
    try:
        data = _read(path)
    except UsageError as error:
        return [error]
    return parse(data, "<stdin>" if path == STDIN else path, strict=strict, observe=observe)


def parse(
    data: bytes, name: str, *, strict: bool = False, observe: Observer = ignore
) -> list[Spec | ManifestToolError]:
    """The same of the bytes of a file; ``name`` is what messages call it."""
    try:
        documents = yaml.read(data, name)
    except SpecError as error:
        return [error]
    return [_built(document, strict=strict, observe=observe) for document in documents]


def _built(document: Document, *, strict: bool, observe: Observer) -> Spec | SpecError:
    try:
        return check.build(document, strict=strict, observe=observe)
    except SpecError as error:
        return error


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
