"""What was found before, believed while it is young, and else held against the digest that a HEAD gives."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from manifest_tool.oci.reference import Reference
from manifest_tool.query import support

if TYPE_CHECKING:
    from manifest_tool.query.support import Support
    from manifest_tool.registry.client import Client

MAX_AGE = 3600.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Key:
    """What was asked for, by whom, and how much what answered could be trusted."""

    reference: Reference
    """Normalised."""
    account: str = ""
    """Empty where nobody needs to prove who they are."""
    channel: str = ""
    """How the registry was spoken to, where it was not over TLS with a certificate that is trusted."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What was found under a reference, and when that was last known to be so."""

    support: Support
    checked: float
    """Seconds since 1970."""


class Cache(Protocol):
    """Keeps entries, or loses them; neither is an error."""

    def get(self, key: Key) -> Entry | None:
        """What was kept last."""

    def put(self, key: Key, entry: Entry) -> None:
        """Keep an entry."""


class Nothing:
    """A cache that keeps nothing."""

    def get(self, key: Key) -> Entry | None:  # noqa: ARG002  # as a cache is asked
        """Nothing."""
        return None

    def put(self, key: Key, entry: Entry) -> None:
        """Lose it."""


def normalised(reference: Reference) -> Reference:
    """The one spelling of all references that ask a registry for the same."""
    if reference.digest:
        return Reference(reference.repository, digest=reference.digest)
    return Reference(reference.repository, reference.tag or "latest")


class Lookup:
    """Looks into a cache first."""

    def __init__(self, cache: Cache, max_age: float = MAX_AGE, *, clock: Callable[[], float] = time.time) -> None:
        self._cache = cache
        self._max_age = max_age
        self._clock = clock

    def known(self, key: Key) -> Entry | None:
        """What needs no request: a digest never changes its meaning, and a tag is believed for a while.

        What an account saw is none of it: whether it still may see that, its registry alone knows.
        """
        found = None if key.account else self._cache.get(key)
        if found and (key.reference.digest or 0 <= self._clock() - found.checked < self._max_age):
            return found
        return None

    async def find(self, key: Key, client: Client) -> Entry:
        """What a registry says: where a HEAD gives the digest that is known, the platforms are those that are known."""
        return self.known(key) or await self._renewed(key, client) or await self._read(key, client)

    async def _renewed(self, key: Key, client: Client) -> Entry | None:
        found = self._cache.get(key)
        reference = key.reference
        if found is None or await client.head_manifest(reference.repository, reference.which) != found.support.digest:
            return None
        return self._kept(key, found.support)

    async def _read(self, key: Key, client: Client) -> Entry:
        return self._kept(key, await support.find(key.reference, client))

    def _kept(self, key: Key, found: Support) -> Entry:
        entry = Entry(found, self._clock())
        self._cache.put(key, entry)
        return entry
