"""The uploads that are open."""

from __future__ import annotations

import hashlib
import re
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from manifest_tool.oci.digest import Digest, Hasher
    from manifest_tool.server.limits import Limits

_ID = re.compile(r"[0-9a-f]{48}")
_MARK = 16
"""How many digits of an id tell the repository; so a file that is named by it needs to tell no more."""


class TooMany(Exception):
    """There are as many uploads as there may be; there may be room for one more after so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Superseded(Exception):
    """Somebody else went on with the upload, or it is over."""


class Session(ABC):
    """The upload of one blob, which is digested as it comes; requests may go on with it one at a time."""

    def __init__(self, identity: str, hasher: Hasher | None, size: int = 0) -> None:
        self.id = identity
        self.size = size
        """How many bytes were received so far."""
        self.touched = time.monotonic()
        self._hasher = hasher
        """None where the bytes must be read again, since an earlier process received some."""
        self._lock = threading.Lock()
        self._turn = 0
        self._over = False

    def expect(self, hasher: Hasher) -> None:
        """Digest with this what comes; of use only while nothing has come."""
        with self._lock:
            if not self.size:
                self._hasher = hasher

    def take_over(self) -> int:
        """A turn to write; whoever had one before has lost it, such as a request whose client is gone."""
        with self._lock:
            self._turn += 1
            return self._turn

    def write(self, data: bytes, turn: int | None = None) -> None:
        """Add to what was received; raises `Superseded`, or `Full` of `manifest_tool.server.room`."""
        with self._lock:
            self._check(turn)
            self._append(data)
            if self._hasher is not None:
                self._hasher.update(data)
            self.size += len(data)
            self.touched = time.monotonic()

    def end(self, turn: int | None = None) -> None:
        """Let nobody write any more."""
        with self._lock:
            self._check(turn)
            self._over = True

    def matches(self, digest: Digest) -> bool:
        """Whether what was received is what the digest names."""
        with self._lock:
            found = self._hasher.digest() if self._hasher is not None else None
            if found is None or found.algorithm != digest.algorithm:
                hasher = digest.hasher()
                for piece in self._pieces():
                    hasher.update(piece)
                found = hasher.digest()
            return found == digest

    @abstractmethod
    def drop(self) -> None:
        """Give up what was received."""

    @abstractmethod
    def _append(self, data: bytes) -> None: ...

    @abstractmethod
    def _pieces(self) -> Iterator[bytes]: ...

    def _check(self, turn: int | None) -> None:
        if self._over or (turn is not None and turn != self._turn):
            raise Superseded


AnySession = TypeVar("AnySession", bound=Session)


class Sessions(Generic[AnySession]):
    """The open uploads; safe to use from several threads."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._open: dict[str, AnySession] = {}

    def open(self, repository: str, make: Callable[[str], AnySession]) -> AnySession:
        """Begin one; raises `TooMany`."""
        if len(self._open) >= self._limits.uploads:
            self._expire(self._limits.crowded)
        session = make(f"{uuid.uuid4().hex}{_mark(repository)}")
        with self._lock:
            if len(self._open) >= self._limits.uploads:
                raise TooMany(self._limits.crowded)
            self._open[session.id] = session
        return session

    def restore(self, session: AnySession) -> None:
        """Take back one that an earlier process began."""
        self._open[session.id] = session

    def find(self, repository: str, identity: str) -> AnySession | None:
        """The upload; that it is asked for keeps it alive."""
        session = self._open.get(identity) if identity.endswith(_mark(repository)) else None
        if session is not None:
            session.touched = time.monotonic()
        return session

    def close(self, repository: str, identity: str, turn: int | None = None) -> AnySession | None:
        """End one, and forget it; raises `Superseded`."""
        session = self.find(repository, identity)
        if session is not None:
            session.end(turn)
            with self._lock:
                self._open.pop(identity, None)
        return session

    def expire(self) -> None:
        """Give up those that nobody goes on with."""
        self._expire(self._limits.unattended)

    def _expire(self, age: float) -> None:
        oldest = time.monotonic() - age
        with self._lock:
            found = [session for session in self._open.values() if session.touched < oldest]
            for session in found:
                del self._open[session.id]
        for session in found:
            with suppress(Superseded):
                session.end()
                session.drop()


def is_id(text: str) -> bool:
    """Whether this may be the id of an upload, and so a file of that name one."""
    return _ID.fullmatch(text) is not None


def _mark(repository: str) -> str:
    return hashlib.sha256(repository.encode()).hexdigest()[:_MARK]
