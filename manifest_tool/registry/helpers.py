"""Credential helpers: the protocol of ``docker-credential-<name>``, of which ``get``, ``store`` and ``erase``."""

from __future__ import annotations

import asyncio
import json
import os
from asyncio.subprocess import PIPE, Process, SubprocessStreamProtocol
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from manifest_tool.errors import CredentialsError
from manifest_tool.registry.answers import plain

_MAX_OUTPUT = 128 * 1024
_SECONDS = 30.0
_NOT_FOUND = "credentials not found"


@dataclass(frozen=True, slots=True)
class Kept:
    """What a helper keeps for a server."""

    username: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a helper ended; what it printed may be the secret."""

    status: int
    output: str = field(repr=False)
    complaint: str = field(repr=False)

    @property
    def found_nothing(self) -> bool:
        return bool(self.status) and (_NOT_FOUND in self.output or _NOT_FOUND in self.complaint)


def program(helper: str) -> str:
    """The program that a helper's name stands for."""
    return f"docker-credential-{helper}"


async def get(helper: str, server: str) -> Kept | None:
    """What a helper keeps for a server, or none; raises `CredentialsError`."""
    ended = await _run(helper, "get", server)
    if ended.found_nothing:
        return None
    _check(helper, ended, shown=ended.complaint if ended.output.startswith("{") else ended.output or ended.complaint)
    return _kept(helper, ended.output)


async def store(helper: str, server: str, kept: Kept) -> None:
    """Have a helper keep something for a server in place of what it kept before; raises `CredentialsError`."""
    words = json.dumps({"ServerURL": server, "Username": kept.username, "Secret": kept.secret})
    ended = await _run(helper, "store", words)
    shown = ended.output or ended.complaint
    # It was told the secret, and may repeat it, as it is or as JSON writes it.
    for secret in (kept.secret, json.dumps(kept.secret)[1:-1]):
        shown = shown.replace(secret, "…")
    _check(helper, ended, shown)


async def erase(helper: str, server: str) -> None:
    """Have a helper forget what it keeps for a server; raises `CredentialsError`."""
    ended = await _run(helper, "erase", server)
    if not ended.found_nothing:
        _check(helper, ended, shown=ended.output or ended.complaint)


def _check(helper: str, ended: _Ended, shown: str) -> None:
    if ended.status:
        words = plain(shown)[:200] or f"it ended with {ended.status}"
        raise CredentialsError(f"the credential helper {program(helper)} failed: {words}")


async def _run(helper: str, verb: str, words: str) -> _Ended:
    try:
        async with _started(helper, verb) as process, asyncio.timeout(_SECONDS):
            output, complaint = await _converse(process, words)
            return _Ended(await process.wait(), output, complaint)
    except TimeoutError:
        raise CredentialsError(f"the credential helper {program(helper)} did not answer in {_SECONDS:g} s") from None


@asynccontextmanager
async def _started(helper: str, verb: str) -> AsyncIterator[Process]:
    """A helper that runs; it is killed and reaped at the end, and what it has started itself is not waited for."""
    if "/" in helper or os.sep in helper:
        raise CredentialsError(f"{helper!r} is no name of a credential helper")
    loop = asyncio.get_running_loop()
    try:
        transport, protocol = await loop.subprocess_exec(
            lambda: SubprocessStreamProtocol(limit=_MAX_OUTPUT, loop=loop),
            program(helper),
            verb,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CredentialsError(f"the credential helper {program(helper)} cannot be run: {reason}") from None
    process = Process(transport, protocol, loop)
    try:
        yield process
    finally:
        # Closes the pipes too, which a process that the helper has started may hold open.
        transport.close()
        await process.wait()


async def _converse(process: Process, words: str) -> tuple[str, str]:
    """What a helper prints and complains when it is told something; more than the limits is cut off."""
    stdin, stdout, stderr = process.stdin, process.stdout, process.stderr
    if stdin is None or stdout is None or stderr is None:
        raise RuntimeError("the helper was started without pipes")
    stdin.write(words.encode())
    stdin.close()
    with suppress(ConnectionError):  # a helper may end without reading
        await stdin.wait_closed()
    output, complaint = await asyncio.gather(_read(stdout), _read(stderr))
    return output.decode(errors="replace").strip(), complaint.decode(errors="replace").strip()


async def _read(stream: asyncio.StreamReader) -> bytes:
    """All of a stream, of which no more than the limit is kept."""
    kept = bytearray()
    while chunk := await stream.read(_MAX_OUTPUT):
        kept += chunk[: _MAX_OUTPUT - len(kept)]
    return bytes(kept)


def _kept(helper: str, text: str) -> Kept | None:
    try:
        data = json.loads(text)
        username, secret = data["Username"], data["Secret"]
        if not isinstance(username, str) or not isinstance(secret, str):
            raise TypeError
    except (ValueError, KeyError, TypeError, RecursionError):
        message = f"the credential helper {program(helper)} did not answer with a Username and a Secret"
        raise CredentialsError(message) from None
    return Kept(username, secret) if secret else None
