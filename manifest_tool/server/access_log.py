"""The access log: a line a request, in the combined format of Apache and nginx, and behind it the seconds it took."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from aiohttp.abc import AbstractAccessLogger

from manifest_tool.errors import UsageError
from manifest_tool.server.authorization import ACCOUNT

if TYPE_CHECKING:
    from aiohttp import web

STDERR = "-"

_BODILESS = frozenset({204, 304})


@contextmanager
def opened(where: str, warn: Callable[[str], None]) -> Iterator[type[AbstractAccessLogger]]:
    """A log in a file, which is begun anew when it is moved away, or on stderr where it is called ``-``.

    Raises `UsageError`; what cannot be written later is told to ``warn``, once.
    """
    try:
        log = _Log(where, warn)
    except OSError as error:
        raise UsageError(f"cannot write the access log {where}: {error.strerror}") from None

    class Line(AbstractAccessLogger):
        def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
            log.write(line(request, response, time))

    try:
        yield Line
    finally:
        log.close()


def line(request: web.BaseRequest, response: web.StreamResponse, seconds: float) -> str:
    """What is told of a request.

    Queries stay out of it: there may be secrets in them. So does the referrer, which has a query too.
    """
    version = request.version
    told = f"{request.method} {request.rel_url.raw_path} HTTP/{version.major}.{version.minor}"
    agent = _safe(request.headers.get("User-Agent", "")) or "-"
    account = _safe(request.get(ACCOUNT, "")).replace(" ", "\\x20") or "-"
    now = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    return (
        f'{request.remote or "-"} - {account} [{now}] "{_safe(told)}" {response.status} '
        f'{_size(request, response) or "-"} "-" "{agent}" {seconds:.3f}'
    )


def _size(request: web.BaseRequest, response: web.StreamResponse) -> int:
    """Bytes of the body; 0 where it was not sent to its end."""
    if request.method == "HEAD" or response.status in _BODILESS or not response.body_length:
        return 0
    return response.content_length or 0


def _safe(text: str) -> str:
    """The text with nothing in it that could end its place, or act on a terminal."""
    return "".join(map(_character, text.encode("utf-8", "surrogateescape")))


def _character(byte: int) -> str:
    found = chr(byte)
    if found in {'"', "\\"}:
        return f"\\{found}"
    return found if 0x20 <= byte < 0x7F else f"\\x{byte:02x}"


class _Log:
    def __init__(self, where: str, warn: Callable[[str], None]) -> None:
        self._path = None if where == STDERR else Path(where)
        self._warn = warn
        self._is_told = False
        self._file = self._opened()

    def write(self, line: str) -> None:
        try:
            if self._is_moved():
                self._file.close()
                self._file = self._opened()
            self._file.write(f"{line}\n")
            self._file.flush()
        except (OSError, ValueError) as error:
            self._tell(getattr(error, "strerror", None) or str(error))

    def close(self) -> None:
        if self._path is not None:
            # What could not be written before cannot be written now.
            with suppress(OSError):
                self._file.close()

    def _opened(self) -> TextIO:
        return sys.stderr if self._path is None else self._path.open("a", encoding="ascii")

    def _is_moved(self) -> bool:
        if self._path is None:
            return False
        if self._file.closed:
            return True
        try:
            return not os.path.samestat(self._path.stat(), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            return True

    def _tell(self, reason: str) -> None:
        if not self._is_told:
            self._warn(f"warning: the access log cannot be written, and requests are answered all the same: {reason}")
        self._is_told = True
