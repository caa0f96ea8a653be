"""A report that is written to a file at the end of a run, and can be: that is seen before the run begins."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from manifest_tool.errors import OutputError, UsageError


@dataclass(frozen=True, slots=True)
class ReportFile:
    """Where a report goes; what is no regular file, such as a pipe, is written to, and not replaced."""

    path: Path

    @classmethod
    def at(cls, path: Path, option: str) -> Self:
        """The file that an option names, after a try; raises `UsageError` where it cannot be written."""
        found = cls(path)
        try:
            if path.is_dir():
                raise IsADirectoryError(0, "Is a directory")
            if found._special:
                os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
            else:
                _beside(path.resolve(), b"").unlink()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise UsageError(f"{option}: cannot write {path}: {reason}") from None
        return found

    def write(self, text: str) -> None:
        """Write all of it, or leave what was there before; raises `OutputError`."""
        data = text.encode(errors="replace")
        try:
            if self._special:
                with self.path.open("ab") as file:
                    file.write(data)
            else:
                _replace(self.path.resolve(), data)
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror or error}") from None

    @property
    def _special(self) -> bool:
        # /dev/stdout may well lead to a regular file, which others write to as well.
        return self.path.exists() and (not self.path.is_file() or self.path.is_relative_to("/dev"))


def _replace(path: Path, data: bytes) -> None:
    made = _beside(path, data)
    try:
        made.replace(path)
    except OSError:
        made.unlink(missing_ok=True)
        raise


def _beside(path: Path, data: bytes) -> Path:
    """A new file with the usual permissions: whoever collects reports need not be who makes them."""
    made = path.with_name(f".manifest-tool-{secrets.token_hex(8)}")
    try:
        with made.open("xb") as file:
            file.write(data)
    except OSError:
        with suppress(OSError):
            made.unlink()
        raise
    return made
