"""The operations of the distribution-spec, over any number of registries."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Self

from manifest_tool.concurrency import Flights
from manifest_tool.errors import InvalidContent, InvalidDigest, NotFound, RegistryError
from manifest_tool.events import Noticed, Observer, ignore
from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.manifest import MAX_SIZE, Manifest
from manifest_tool.registry import answers, referrers
from manifest_tool.registry.auth import Access, Authenticator
from manifest_tool.registry.download import Download
from manifest_tool.registry.memory import Memory
from manifest_tool.registry.sender import Sender
from manifest_tool.registry.transport import Transport
from manifest_tool.registry.upload import WRITTEN, Delivery, Upload, cancel, has_blob

if TYPE_CHECKING:
    from manifest_tool.oci.descriptor import Descriptor
    from manifest_tool.oci.reference import Repository
    from manifest_tool.registry.answers import Answer
    from manifest_tool.registry.credentials import Keychain
    from manifest_tool.registry.transport import Options, Request
    from manifest_tool.registry.upload import Content

_DIGEST_HEADER = "Docker-Content-Digest"
_HEAD_IS_NO_ANSWER = frozenset({400, 403, 405, 501})
_REMEMBERED = 32 * 1024 * 1024
_LOOKS = 3
"""How often is looked for what was written, before it is taken for lost."""


@dataclass(frozen=True, slots=True)
class Client:
    """The operations of one run."""

    sender: Sender
    _reading: Flights[tuple[Repository, str | Digest, int], Manifest] = field(default_factory=Flights, repr=False)
    _configs: Flights[tuple[Repository, Digest], bytes] = field(default_factory=Flights, repr=False)
    _memory: Memory[Manifest | bytes] = field(default_factory=lambda: Memory(_REMEMBERED), repr=False)
    _listing: defaultdict[tuple[Repository, str], asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock), repr=False
    )
    """For each list of referrers, as what is added to it at once would be lost."""

    @classmethod
    @asynccontextmanager
    async def opened(cls, options: Options, keychain: Keychain, observe: Observer = ignore) -> AsyncIterator[Self]:
        """A client with the accounts of a keychain, for as long as the context lasts."""
        async with Transport(options, observe=observe) as transport:
            yield cls(Sender(transport, Authenticator(transport, keychain)))

    def expecting(self, access: Access) -> Client:
        """The same client for a run that will need this access."""
        return replace(self, sender=replace(self.sender, access=access))

    async def get_manifest(self, repository: Repository, which: str | Digest, limit: int | None = None) -> Manifest:
        """GET a manifest by tag or digest, of at most ``limit`` bytes, and verify them.

        Where it is being read already, that is waited for. Raises `NotFound`, `InvalidContent`.
        """
        most = self.sender.transport.options.manifest_limit
        limit = most if limit is None else min(limit, most)
        return await self._reading.join((repository, which, limit), lambda: self._manifest(repository, which, limit))

    async def resolve(self, repository: Repository, which: str | Digest, limit: int | None = None) -> Manifest:
        """The same, read once in a run: a tag goes on to mean what it meant when it was first resolved."""
        found = self._memory.get((repository, which))
        if isinstance(found, Manifest):
            return found
        manifest = await self.get_manifest(repository, which, limit)
        for name in {which, manifest.digest}:
            self._memory.put((repository, name), manifest, manifest.size)
        return manifest

    async def _manifest(self, repository: Repository, which: str | Digest, limit: int) -> Manifest:
        request = self.sender.request("GET", repository, repository.manifest_path(which))
        request = replace(request, headers={"Accept": types.ACCEPT}, limit=limit)
        digest = which if isinstance(which, Digest) else None
        answer = await self._pull(repository, request, _name(repository, which), digest)
        return _manifest(answer, digest or _digest(answer), _name(repository, which))

    async def head_manifest(self, repository: Repository, which: str | Digest) -> Digest | None:
        """The digest under which a manifest is there, or none where it is not.

        Where a HEAD is no answer or has no digest, a GET decides.
        """
        request = self.sender.request("HEAD", repository, repository.manifest_path(which))
        request = replace(request, headers={"Accept": types.ACCEPT})
        answer = await self.sender.send(repository, Access.to(repository, "pull"), request)
        if answer.status == 404:
            return None
        if answer.status == 200 and (found := which if isinstance(which, Digest) else _digest(answer)):
            return found
        if answer.status == 200 or answer.status in _HEAD_IS_NO_ANSWER:
            try:
                return (await self.get_manifest(repository, which)).digest
            except NotFound:
                return None
        raise await self.sender.error(f"pull {_name(repository, which)}", repository, answer)

    async def put_manifest(self, repository: Repository, which: str | Digest, raw: bytes, media_type: str) -> bool:
        """PUT the bytes of a manifest under a tag or their digest; whether the registry lists it for its subject."""
        name = _name(repository, which)
        if len(raw) > MAX_SIZE:
            self.sender.transport.observe(
                Noticed(f"{name} has {len(raw)} bytes; there are registries that take no more than {MAX_SIZE}")
            )
        request = self.sender.request("PUT", repository, repository.manifest_path(which))
        request = replace(request, headers={"Content-Type": media_type}, body=raw, expected=WRITTEN)
        try:
            answer = await self.sender.send(repository, Access.to(repository, "pull", "push"), request)
        finally:
            # Without an answer, too, it may mean something else now.
            self._memory.forget((repository, which))
        if answer.status not in WRITTEN:
            raise await self.sender.error(f"push {name}", repository, answer)
        stored = _digest(answer)
        if stored is None and answer.status != 201:
            # A proxy may answer 200 to anything.
            stored = await self._stored(repository, which, f"nobody said that {name} is stored")
            if stored is None:
                raise RegistryError(f"the registry did not store {name}", answers.exchange(answer))
        if stored is not None and not stored.matches(raw):
            raise InvalidContent(
                f"the registry stored {name} as {stored}, which is not what was sent", answers.exchange(answer)
            )
        return "OCI-Subject" in answer.headers

    async def add_referrer(self, repository: Repository, referrer: Manifest) -> None:
        """List a manifest among the referrers of its subject, at a registry that does not do so by itself."""
        if referrer.subject is None:
            return
        tag = referrers.tag(referrer.subject.digest)
        async with self._listing[repository, tag]:
            try:
                before = await self.get_manifest(repository, tag)
            except NotFound:
                before = None
            if raw := referrers.listing(before, referrer):
                await self.put_manifest(repository, tag, raw, types.OCI_INDEX)

    async def list_referrers(self, repository: Repository, subject: Digest) -> tuple[Descriptor, ...]:
        """What says that it is about a manifest, by the registry's list or else by the tag that stands for one."""
        found = await referrers.listed(self.sender, repository, subject)
        if found is not None:
            return found
        try:
            return (await self.get_manifest(repository, referrers.tag(subject))).manifests
        except NotFound:
            return ()

    async def _stored(self, repository: Repository, which: str | Digest, reason: str) -> Digest | None:
        """What lies there after a write; looked for some times, as what is read from may lag behind.

        A HEAD's 404 is not believed, as there are registries that know no HEAD.
        """
        for look in range(1, _LOOKS + 1):
            if found := await self.head_manifest(repository, which):
                return found
            with suppress(NotFound):
                return (await self.get_manifest(repository, which)).digest
            if look == _LOOKS or not await self.sender.transport.pause(look, reason):
                break
        return None

    async def has_blob(self, repository: Repository, digest: Digest) -> bool:
        """Whether a HEAD finds the blob; a registry that does not tell counts as no."""
        return await has_blob(self.sender, repository, digest)

    async def read_blob(self, repository: Repository, descriptor: Descriptor) -> bytes:
        """GET a small blob, such as a config, once in a run, and verify its bytes."""
        name = f"blob {descriptor.digest} of {repository}"
        most = self.sender.transport.options.manifest_limit
        if descriptor.size > most:
            raise InvalidContent(f"{name} has {descriptor.size} bytes; as a config, at most {most} are read")
        key = repository, descriptor.digest
        found = self._memory.get(key)
        if isinstance(found, bytes):
            return found
        return await self._configs.join(key, lambda: self._blob(repository, descriptor, name))

    async def _blob(self, repository: Repository, descriptor: Descriptor, name: str) -> bytes:
        request = self.sender.request("GET", repository, repository.blob_path(descriptor.digest))
        request = replace(request, limit=descriptor.size)
        raw = (await self._pull(repository, request, name, descriptor.digest)).body
        self._memory.put((repository, descriptor.digest), raw, len(raw))
        return raw

    def get_blob(self, repository: Repository, descriptor: Descriptor) -> Download:
        """GET a blob as a stream, as often as it takes."""
        return Download(descriptor, partial(self._part, repository, descriptor.digest), self.sender.transport.pause)

    @asynccontextmanager
    async def _part(
        self, repository: Repository, digest: Digest, headers: Mapping[str, str]
    ) -> AsyncIterator[tuple[Answer, AsyncIterator[bytes]]]:
        request = self.sender.request("GET", repository, repository.blob_path(digest))
        request = replace(request, headers=headers, expected=frozenset({200, 206, 416}))
        async with self.sender.stream(repository, Access.to(repository, "pull"), request) as (answer, chunks):
            if answer.status not in request.expected:
                raise await self.sender.error(f"pull blob {digest} of {repository}", repository, answer)
            yield answer, chunks

    async def mount_blob(self, repository: Repository, digest: Digest, source: Repository) -> Upload | None:
        """Mount a blob from another repository of the registry.

        None when it is done, else the upload that the registry opened instead; raises `RegistryError` where it refuses.
        """
        query = {"mount": str(digest), "from": source.name}
        request = self.sender.request("POST", repository, repository.uploads_path, query)
        access = Access.to(repository, "pull", "push") | Access.to(source, "pull")
        answer = await self.sender.send(repository, access, replace(request, expected=frozenset({201, 202})))
        if answer.status == 201:
            return None
        if answer.status == 202:
            return Upload.of(answer)
        raise await self.sender.error(f"mount blob {digest} of {source} in {repository}", repository, answer)

    async def put_blob(
        self, repository: Repository, descriptor: Descriptor, content: Content, upload: Upload | None = None
    ) -> None:
        """Upload a blob, first through an open upload if there is one; what breaks off is gone on with."""
        await Delivery(self.sender, repository, descriptor, content).run(upload)

    async def cancel(self, repository: Repository, upload: Upload) -> None:
        """Give up an upload that is not needed; a registry that knows no such request lets it expire."""
        await cancel(self.sender, repository, upload)

    async def _pull(self, repository: Repository, request: Request, name: str, digest: Digest | None) -> Answer:
        """GET something small whose bytes have the digest, or the one that the answer claims.

        Wrong bytes are asked for once more, since a cache on the way may have handed them out.
        """
        again = False
        while True:
            answer = await self.sender.send(repository, Access.to(repository, "pull"), request)
            if answer.status != 200:
                raise await self.sender.error(f"pull {name}", repository, answer)
            expected = digest or _digest(answer)
            if expected is None or expected.matches(answer.body):
                return answer
            if again:
                raise answers.changed(name, answer, expected)
            again = True


def _manifest(answer: Answer, expected: Digest | None, name: str) -> Manifest:
    try:
        return Manifest.parse(answer.body, answer.headers.get("Content-Type", ""), expected)
    except ValueError as error:
        about = answers.exchange(replace(answer, body=b""))
        raise InvalidContent(f"{name} is not a manifest that can be used: {error}", about) from None


def _digest(answer: Answer) -> Digest | None:
    """What the registry says the digest is."""
    text = answer.headers.get(_DIGEST_HEADER, "").strip()
    try:
        return Digest.parse(text) if text else None
    except InvalidDigest as error:
        about = answers.exchange(replace(answer, body=b""))
        raise InvalidContent(f"the registry's {_DIGEST_HEADER} is wrong, {error}", about) from None


def _name(repository: Repository, which: str | Digest) -> str:
    return f"{repository}@{which}" if isinstance(which, Digest) else f"{repository}:{which}"
