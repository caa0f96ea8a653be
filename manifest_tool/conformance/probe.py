"""How a check asks: requests of its own making, by our own transport and accounts, each kept with its answer."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from manifest_tool.conformance import record
from manifest_tool.conformance.check import Failed
from manifest_tool.conformance.ledger import Ledger
from manifest_tool.errors import RegistryError
from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.registry.auth import Access
from manifest_tool.registry.transport import Body, Request
from manifest_tool.registry.upload import Upload

if TYPE_CHECKING:
    from yarl import URL

    from manifest_tool.conformance.images import Content, Image
    from manifest_tool.conformance.result import Exchange
    from manifest_tool.oci.reference import Reference, Repository
    from manifest_tool.registry.answers import Answer
    from manifest_tool.registry.sender import Sender

_LIMIT = 16 * 1024 * 1024
_TEMPORARY = frozenset({408, 425, 429, 502, 503, 504})
_FINAL = frozenset(range(100, 600)) - _TEMPORARY
"""What is an answer to a check; the others are asked for again, as often as the options say."""
_PULL, _PUSH = ("pull",), ("pull", "push")
_RIGHTS = {"GET": _PULL, "HEAD": _PULL, "DELETE": ("pull", "push", "delete")}
WRITTEN = frozenset({200, 201, 202, 204})


@dataclass(frozen=True, slots=True)
class Site:
    """A registry that is tested, and what a run shares."""

    sender: Sender
    repository: Repository
    """Where everything is put."""
    other: Repository
    """A second one, to mount from."""
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    """In every tag, and in all content: no two runs are in each other's way."""
    ledger: Ledger = field(default_factory=Ledger)
    reference: Reference | None = None
    """What is read where nothing is to be written."""


@dataclass(slots=True)
class Probe:
    """What one check asks with."""

    site: Site
    exchanges: list[Exchange] = field(default_factory=list)

    @property
    def repository(self) -> Repository:
        return self.site.repository

    def nonce(self) -> str:
        """A text that is nowhere else."""
        return f"{self.site.run}-{secrets.token_hex(8)}"

    def data(self, size: int = 2048) -> bytes:
        """So many bytes that are nowhere else."""
        return secrets.token_bytes(size)

    def tag(self, name: str) -> str:
        """A tag of this run."""
        return f"mt-{self.site.run}-{name}"

    async def ask(
        self,
        method: str,
        where: str | URL,
        *,
        repository: Repository | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | Body | None = None,
        anonymous: bool = False,
    ) -> Answer:
        """The answer to a request for an API path, or for the URL that an answer gave, whatever its status.

        Raises `RegistryError` where none comes.
        """
        repository = repository or self.repository
        url = self.site.sender.transport.url(repository.registry, where, query) if isinstance(where, str) else where
        request = Request(method, url, headers or {}, body, limit=_LIMIT, expected=_FINAL)
        if callable(body):
            request = replace(request, repeatable=False)
        started = time.monotonic()
        try:
            if anonymous:
                answer = await self.site.sender.transport.send(request)
            else:
                need = Access.to(repository, *_RIGHTS.get(method, _PUSH))
                answer = await self.site.sender.send(repository, need, request)
        except RegistryError as error:
            self.exchanges.append(record.unanswered(request, error, time.monotonic() - started))
            raise
        self.exchanges.append(record.answered(request, answer, time.monotonic() - started))
        return answer

    async def begin(self, repository: Repository | None = None) -> Upload:
        """Open an upload."""
        repository = repository or self.repository
        answer = expect(await self.ask("POST", repository.uploads_path, repository=repository), 202)
        return self.opened(answer, repository)

    def opened(self, answer: Answer, repository: Repository | None = None) -> Upload:
        """The upload that an answer gives, which ends with the run at the latest."""
        upload = Upload.of(answer)
        self.site.ledger.uploads[repository or self.repository, upload.location] = None
        return upload

    def stored(self, digest: Digest, repository: Repository | None = None) -> None:
        """Note that a blob is there now."""
        self.site.ledger.blobs[repository or self.repository, digest] = None

    async def put_blob(self, data: bytes, repository: Repository | None = None, algorithm: str = "sha256") -> Digest:
        """Upload a blob by POST and PUT."""
        repository, digest = repository or self.repository, Digest.of(data, algorithm)
        upload = await self.begin(repository)
        headers = {"Content-Type": "application/octet-stream"}
        answer = await self.ask("PUT", upload.closing(digest), repository=repository, headers=headers, body=data)
        expect(answer, 201)
        self.stored(digest, repository)
        return digest

    async def put_manifest(
        self,
        content: Content,
        which: str | Digest = "",
        repository: Repository | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        """PUT a manifest under a tag, or else its digest; the answer, whatever its status."""
        repository, which = repository or self.repository, which or content.digest
        headers = {"Content-Type": content.media_type}
        path = repository.manifest_path(which)
        answer = await self.ask("PUT", path, repository=repository, query=query, headers=headers, body=content.raw)
        if answer.status in WRITTEN:
            digest = which if isinstance(which, Digest) else content.digest
            self.site.ledger.manifests[repository, digest] = None
            if isinstance(which, str):
                self.site.ledger.tags[repository, which] = None
        return answer

    async def put_image(self, image: Image, which: str | Digest = "", repository: Repository | None = None) -> Digest:
        """Push an image whole; gives its digest."""
        for blob in (image.config, image.layer):
            await self.put_blob(blob.raw, repository)
        expect(await self.put_manifest(image.manifest, which, repository), 201)
        return image.manifest.digest

    async def get_manifest(self, which: str | Digest, method: str = "GET", accept: str = types.ACCEPT) -> Answer:
        """GET or HEAD a manifest; the answer, whatever its status."""
        return await self.ask(method, self.repository.manifest_path(which), headers={"Accept": accept})


def expect(answer: Answer, *statuses: int) -> Answer:
    """The answer, if it has one of these statuses; raises `Failed`."""
    if answer.status not in statuses:
        wanted = " or ".join(map(str, statuses))
        raise Failed(f"{answer.method} was answered with {answer.status}, where {wanted} was expected")
    return answer


def header(answer: Answer, name: str, wanted: str) -> None:
    """Hold an answer to a header; raises `Failed`."""
    found = answer.headers.get(name)
    if found != wanted:
        raise Failed(f"{name} is {found!r}, where {wanted!r} was expected" if found else f"{name} is missing")
