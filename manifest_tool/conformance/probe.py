"""How a check asks: requests of its own making, by our own transport and accounts, each kept with its answer."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from manifest_tool.concurrency import together
from manifest_tool.conformance import images, record, waiting
from manifest_tool.conformance.check import Limited
from manifest_tool.conformance.hold import expect, stored
from manifest_tool.conformance.session import Session
from manifest_tool.errors import RegistryError
from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.registry import answers
from manifest_tool.registry.auth import Access
from manifest_tool.registry.transport import Body, Request

if TYPE_CHECKING:
    from yarl import URL

    from manifest_tool.conformance.images import Content, Image
    from manifest_tool.conformance.result import Exchange
    from manifest_tool.conformance.site import Site
    from manifest_tool.oci.reference import Repository
    from manifest_tool.registry.answers import Answer

_LIMIT = 16 * 1024 * 1024
_ANY = frozenset(range(100, 600))
_TEMPORARY = frozenset({408, 425, 429, 502, 503, 504})
"""What is no answer to a check, but asked for again, as often as the options say."""
_LIMITED = 429
"""That of them which says nothing about what was asked; it is asked for again as often as a push would."""
_UNDONE = frozenset({429, 503})
"""Those of them after which also what may be sent once only is sent again."""
_PULL, _PUSH = ("pull",), ("pull", "push")
_RIGHTS = {"GET": _PULL, "HEAD": _PULL, "DELETE": ("pull", "push", "delete")}


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

    def image(self, platform: str = "linux/amd64") -> Image:
        """An image that is nowhere else, of a type that the registry takes."""
        kind = types.DOCKER_MANIFEST if types.OCI_MANIFEST in self.site.refused else types.OCI_MANIFEST
        return images.image(self.nonce(), platform, kind)

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
        need: Access | None = None,
        anonymous: bool = False,
    ) -> Answer:
        """The answer to a request for an API path, or for the URL that an answer gave, whatever its status.

        ``need`` are the rights that it takes, where that is not pull to read and push to write. Raises `RegistryError`
        where no answer comes.
        """
        repository = repository or self.repository
        url = self.site.sender.transport.url(repository.registry, where, query) if isinstance(where, str) else where
        # A chunk that may have been taken is not sent again.
        repeatable = method != "PATCH" and not callable(body)
        request = Request(method, url, headers or {}, body, limit=_LIMIT, expected=_ANY, repeatable=repeatable)
        rights = need or Access.to(repository, *_RIGHTS.get(method, _PUSH))
        work = self._persistently(repository, request, None if anonymous else rights)
        return await (work if method in {"GET", "HEAD"} else self.site.writes.finish(work))

    async def _persistently(self, repository: Repository, request: Request, need: Access | None) -> Answer:
        """The first answer that is one to a check, else the last; raises `Limited` where it is none at all."""
        failed, new = 0, self.site.ledger.asked(repository, request)
        again = _TEMPORARY if request.repeatable else _UNDONE
        while True:
            answer = await self._once(repository, request, need)
            self.site.ledger.answered(repository, request, answer, new)
            if answer.status not in again:
                return answer
            failed += 1
            about = answers.exchange(answer)
            if answer.status == _LIMITED:
                if not await waiting.pause(self.site, failed, str(about), answer.headers):
                    raise Limited(f"the registry limits how often it may be asked: {about}")
            elif not await self.site.sender.transport.pause(failed, str(about), answer.headers):
                return answer
            self.site.put_off[about.status, about.retry_after] += 1
            new = self.site.ledger.asked(repository, request)

    async def _once(self, repository: Repository, request: Request, need: Access | None) -> Answer:
        sender, started = self.site.sender, time.monotonic()
        try:
            if need is None:
                answer = await sender.transport.send(request)
            else:
                answer = await sender.send(repository, need, request)
        except RegistryError as error:
            self.exchanges.append(record.unanswered(request, error, time.monotonic() - started))
            raise
        self.exchanges.append(record.answered(request, answer, time.monotonic() - started))
        return answer

    async def begin(self, repository: Repository | None = None) -> Session:
        """Open an upload."""
        repository = repository or self.repository
        answer = await self.ask("POST", repository.uploads_path, repository=repository)
        return Session.of(self, expect(answer, 202), repository)

    async def put_blob(self, data: bytes, repository: Repository | None = None) -> Digest:
        """Upload a blob by POST and PUT."""
        session, digest = await self.begin(repository), Digest.of(data)
        stored(await session.close(digest, data))
        return digest

    async def get_blob(self, digest: Digest, method: str = "GET", headers: Mapping[str, str] | None = None) -> Answer:
        """GET or HEAD a blob; the answer, whatever its status."""
        return await self.ask(method, self.repository.blob_path(digest), headers=headers)

    async def put_manifest(
        self,
        content: Content,
        which: str | Digest = "",
        repository: Repository | None = None,
    ) -> Answer:
        """PUT a manifest under a tag, or else its digest; the answer, whatever its status."""
        repository = repository or self.repository
        headers = {"Content-Type": content.media_type}
        path = repository.manifest_path(which or content.digest)
        return await self.ask("PUT", path, repository=repository, headers=headers, body=content.raw)

    async def put_image(self, image: Image, which: str | Digest = "", repository: Repository | None = None) -> Digest:
        """Push an image whole; gives its digest."""
        await together(self.put_blob(blob.raw, repository) for blob in (image.config, image.layer))
        stored(await self.put_manifest(image.manifest, which, repository))
        return image.manifest.digest

    async def get_manifest(self, which: str | Digest, method: str = "GET", accept: str = types.ACCEPT) -> Answer:
        """GET or HEAD a manifest; the answer, whatever its status."""
        return await self.ask(method, self.repository.manifest_path(which), headers={"Accept": accept})
