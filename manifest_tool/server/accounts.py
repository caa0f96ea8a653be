"""The accounts of a registry: their hashes, which a file may hold, and whether a password is that of one."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import secrets
import stat
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, TypeAlias

import bcrypt

from manifest_tool.errors import UsageError
from manifest_tool.server import htpasswd
from manifest_tool.server.refusals import Reason, Refusal

if TYPE_CHECKING:
    from pathlib import Path

Hashes: TypeAlias = Callable[[], Mapping[str, bytes]]
"""The bcrypt hash of each account as it is now."""

_MOST_WAITING = 512
_MOST_WAITING_OF_ONE = 64
"""Passwords that wait to be verified; of all clients, and of one."""
_FRESH = 2.0
"""Seconds for which a change may be followed by one that leaves the times of a file as they are."""
_AS_BEFORE = "the accounts stay as they were"
_CHEAP = 4
"""Rounds for passwords that stand in a test."""


def fixed(passwords: Mapping[str, str]) -> Hashes:
    """Accounts beside a test, by name with their passwords; raises `InvalidAccount`."""
    hashes = {}
    for name, password in passwords.items():
        htpasswd.check(name, password)
        hashes[name] = bcrypt.hashpw(password.encode(), bcrypt.gensalt(_CHEAP))
    return lambda: hashes


class HtpasswdFile:
    """The accounts in an htpasswd file, which is read again when it has changed."""

    def __init__(self, path: Path, warn: Callable[[str], None]) -> None:
        """Read the file; raises `UsageError`. What is wrong with it later is told to ``warn``.

        Then the accounts stay as they were. A file that is empty later has no mistake: the last of them was taken out.
        """
        self._path = path
        self._warn = warn
        self._told = ""
        self._is_pipe = False
        self._seen: tuple[int, ...] = ()
        self._read_at = 0.0
        try:
            self._data = self._read()
        except OSError as error:
            raise UsageError(
                f"cannot read the accounts in {path}: {error.strerror}", hint=htpasswd.command(path)
            ) from None
        self._hashes = htpasswd.parse(self._data, path)
        if not self._hashes:
            raise UsageError(f"there are no accounts in {path}", hint=htpasswd.command(path))

    def __call__(self) -> Mapping[str, bytes]:
        """The hash of each account as it is now."""
        try:
            if self._is_changed():
                data = self._read()
                if data != self._data:
                    self._data = data
                    self._hashes = htpasswd.parse(data, self._path)
                    self._tell("" if self._hashes else f"nobody is let in: there are no accounts in {self._path}")
        except OSError as error:
            self._tell(f"{_AS_BEFORE}: cannot read the accounts in {self._path}: {error.strerror}")
        except UsageError as error:
            self._tell(f"{_AS_BEFORE}: {error}")
        return self._hashes

    def _tell(self, problem: str) -> None:
        if problem and problem != self._told:
            self._warn(f"warning: {problem}")
        self._told = problem

    def _is_changed(self) -> bool:
        """Raises `OSError`, and `UsageError` where there is another thing than a file now."""
        if self._is_pipe:
            return False  # what came through it is not there a second time
        now = self._path.stat()
        if not stat.S_ISREG(now.st_mode):
            raise UsageError(f"{self._path} is no regular file")
        return self._read_at - now.st_mtime < _FRESH or _signature(now) != self._seen

    def _read(self) -> bytes:
        with self._path.open("rb") as file:
            found = os.fstat(file.fileno())
            self._is_pipe = not stat.S_ISREG(found.st_mode)
            self._seen, self._read_at = _signature(found), time.time()
            return file.read(htpasswd.MAX_BYTES + 1)


def _signature(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


class Verifier:
    """Verifies passwords on threads, of which it takes few; what was right once is right without them."""

    def __init__(self, hashes: Hashes) -> None:
        self._hashes = hashes
        self._key = secrets.token_bytes(32)
        self._right: dict[str, bytes] = {}
        """What marks the password that was right for an account, and nothing else."""
        self._waiting: Counter[str] = Counter()
        self._flights: dict[bytes, asyncio.Task[bool]] = {}
        self._slots = asyncio.Semaphore(max(1, (os.cpu_count() or 1) // 2))

    async def is_right(self, name: str, password: str, client: str) -> bool:
        """Whether there is this account with this password; takes as long where there is none.

        Raises `Refusal` where too many wait already, from that client's address or altogether.
        """
        hashes = self._hashes()
        hashed, secret = hashes.get(name, b""), password.encode("utf-8", "surrogateescape")[: htpasswd.MOST]
        mark = self._mark(name, hashed, secret)
        if hmac.compare_digest(self._right.get(name, b""), mark):
            return True
        flight = self._flights.get(mark)
        if flight is None:
            network = _network(client)
            self._admit(network)
            work = self._verify(secret, hashed or _decoy(hashes), network)
            flight = self._flights[mark] = asyncio.ensure_future(work)
            flight.add_done_callback(lambda _: self._flights.pop(mark, None))
        if not await asyncio.shield(flight) or not hashed:
            return False
        self._right[name] = mark
        return True

    def _mark(self, *parts: str | bytes) -> bytes:
        data = [part if isinstance(part, bytes) else part.encode("utf-8", "surrogateescape") for part in parts]
        told = b"".join(len(part).to_bytes(4) + part for part in data)
        return hmac.digest(self._key, told, hashlib.sha256)

    def _admit(self, network: str) -> None:
        if self._waiting.total() >= _MOST_WAITING or self._waiting[network] >= _MOST_WAITING_OF_ONE:
            reason = Reason("TOOMANYREQUESTS", "too many passwords wait to be verified")
            raise Refusal(429, reason, headers={"Retry-After": "1"})
        self._waiting[network] += 1

    async def _verify(self, secret: bytes, hashed: bytes, network: str) -> bool:
        try:
            async with self._slots:
                return await asyncio.to_thread(bcrypt.checkpw, secret, hashed)
        finally:
            self._waiting[network] -= 1
            if not self._waiting[network]:
                del self._waiting[network]


def _network(client: str) -> str:
    """What addresses of one client have in common: of IPv6, whoever has one has 2**64."""
    with suppress(ValueError):
        address = IPv6Address(client)
        return client if address.ipv4_mapped else address.packed[:8].hex()
    return client


def _decoy(hashes: Mapping[str, bytes]) -> bytes:
    """A hash of nothing, which takes as long as the slowest of the others."""
    rounds = max((hashed[4:6] for hashed in hashes.values()), default=b"10")
    return b"$2b$" + rounds + b"$" + b"." * 53
