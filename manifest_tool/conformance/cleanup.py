"""Taking out of a registry what a run has put there: tags, manifests from the top down, blobs, open uploads."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, TypeAlias

from manifest_tool.concurrency import both, outcomes, together
from manifest_tool.errors import RegistryError
from manifest_tool.oci import media_type as types
from manifest_tool.registry import answers
from manifest_tool.registry.auth import Access
from manifest_tool.registry.transport import Request

if TYPE_CHECKING:
    from yarl import URL

    from manifest_tool.conformance.site import Site
    from manifest_tool.oci.digest import Digest
    from manifest_tool.oci.reference import Repository
    from manifest_tool.registry.answers import Answer

_Place: TypeAlias = "tuple[Repository, URL]"

_AT_ONCE = 16
_PART = 0.25
"""Of the time there is, what one request may take, and what is still being written."""
_GONE = frozenset({200, 202, 204, 404})
_NEVER = frozenset({405, 501})
_MISSING = 404
_LOOK = "look"
"""What is asked for is no removal."""
_FINAL = frozenset(range(100, 600)) - {429, 502, 503, 504}


@dataclass(frozen=True, slots=True)
class Left:
    """What is still in the registry."""

    references: tuple[str, ...] = ()
    """Tags and manifests."""
    blobs: int = 0
    uploads: int = 0

    def __str__(self) -> str:
        """What has no name, for people; empty where there is nothing of it."""
        counts = ((self.blobs, "blob"), (self.uploads, "open upload"))
        return " and ".join(f"{count} {noun}{'s' * (count > 1)}" for count, noun in counts if count)


def kept(site: Site) -> Left:
    """What is in the registry, as far as the ledger knows."""
    notes = site.ledger.notes
    tags = (f"{repository}:{tag}" for repository, tag in notes.tags)
    manifests = (f"{repository}@{digest}" for repository, digest in notes.manifests)
    return Left((*tags, *manifests), len(notes.blobs), len(site.ledger.uploads))


async def remove(site: Site, seconds: float, *, keep: bool = False) -> Left:
    """Remove everything in the ledger, and give what did not go in this time.

    With ``keep``, only what nobody can look at: the open uploads.
    """
    try:
        async with asyncio.timeout(seconds):
            await site.writes.settle(seconds * _PART)
            sweep = _Sweep(site, seconds * _PART)
            await (sweep.uploads() if keep else sweep.everything())
    except TimeoutError:
        pass
    return kept(site)


@dataclass(slots=True)
class _Sweep:
    site: Site
    patience: float
    """Seconds for each request."""
    turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    never: set[str] = field(default_factory=set)
    """Kinds of which the registry deletes none, or in no time."""
    silent: set[str] = field(default_factory=set)
    """Kinds of which one got no answer; the others are left for another try."""
    put_off: bool = False
    """Whether something may go at another try."""

    async def everything(self) -> None:
        """Remove all of it, in several tries where something is put off and something else goes."""
        while True:
            before = kept(self.site)
            self.silent.clear()
            self.put_off = False
            await both(self.uploads(), self._content())
            if not self.put_off or kept(self.site) == before:
                return

    async def uploads(self) -> None:
        await self._delete("upload", self.site.ledger.uploads)

    async def _content(self) -> None:
        notes = self.site.ledger.notes
        # There are registries that delete no manifest that has a tag, and others that delete no tag.
        await self._delete("tag", [self._manifest(*tag) for tag in notes.tags])
        tags = dict(notes.tags)
        await self._manifests()
        there = await together(self._is_there(*tag) for tag in tags)
        # A tag ends with its manifest, but not everywhere.
        notes.tags.clear()
        notes.tags.update({tag: tags[tag] for tag, is_there in zip(tags, there, strict=True) if is_there})
        manifests = tuple(notes.manifests)
        there = await together(self._is_there(*content) for content in manifests)
        for content, is_there in zip(manifests, there, strict=True):
            if not is_there:
                del notes.manifests[content]
        await self._delete("blob", [self._blob(*content) for content in notes.blobs])

    async def _manifests(self) -> None:
        """What lists others goes before these."""
        manifests = self.site.ledger.notes.manifests
        order: TopologicalSorter[tuple[Repository, Digest]] = TopologicalSorter()
        for (repository, digest), listed in manifests.items():
            order.add((repository, digest))
            for below in {(repository, other) for other in listed - {digest}} & manifests.keys():
                order.add(below, (repository, digest))
        order.prepare()
        while order.is_active():
            ready = order.get_ready()
            await self._delete("manifest", [self._manifest(*content) for content in ready])
            order.done(*ready)

    async def _delete(self, kind: str, places: Iterable[_Place]) -> None:
        await outcomes(self._one(kind, *place) for place in tuple(places))

    async def _one(self, kind: str, repository: Repository, url: URL) -> None:
        async with self.turn:
            if kind in self.never | self.silent:
                return
            try:
                answer = await self._ask(Request("DELETE", url), repository, "pull", "push", "delete")
            except TimeoutError:
                self.never.add(kind)
                return
        if answer is None:
            self.put_off = True
            self.silent.add(kind)
        elif answer.status in _GONE:
            self.site.ledger.deleted(repository, url)
        elif answer.status in _NEVER or "UNSUPPORTED" in answers.exchange(answer).codes:
            self.never.add(kind)
        elif answer.status not in _FINAL:
            self.put_off = True

    async def _is_there(self, repository: Repository, which: str | Digest) -> bool:
        """Whether a tag or a manifest may still be there after all that was done."""
        _, url = self._manifest(repository, which)
        async with self.turn:
            if _LOOK in self.silent:
                return True
            with suppress(TimeoutError):
                answer = await self._ask(Request("HEAD", url, {"Accept": types.ACCEPT}), repository, "pull")
                if answer:
                    self.put_off |= answer.status not in _FINAL
                    return answer.status != _MISSING
        self.silent.add(_LOOK)
        return True

    async def _ask(self, request: Request, repository: Repository, *rights: str) -> Answer | None:
        """The answer, if one comes; raises `TimeoutError`."""
        need, request = Access.to(repository, *rights), replace(request, expected=_FINAL)
        async with asyncio.timeout(self.patience):
            with suppress(RegistryError):
                return await self.site.sender.send(repository, need, request)
        return None

    def _manifest(self, repository: Repository, which: str | Digest) -> _Place:
        return repository, self.site.sender.transport.url(repository.registry, repository.manifest_path(which))

    def _blob(self, repository: Repository, digest: Digest) -> _Place:
        return repository, self.site.sender.transport.url(repository.registry, repository.blob_path(digest))
