"""A blob on its way up: what breaks off goes on from what the registry has (distribution-spec § Pushing Blobs)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from yarl import URL

from manifest_tool.errors import RegistryError
from manifest_tool.registry import answers, failures, links
from manifest_tool.registry.auth import Access
from manifest_tool.registry.transport import Request

if TYPE_CHECKING:
    from manifest_tool.oci.descriptor import Descriptor
    from manifest_tool.oci.digest import Digest
    from manifest_tool.oci.reference import Repository
    from manifest_tool.registry.answers import Answer
    from manifest_tool.registry.sender import Sender

WRITTEN = frozenset({200, 201, 202, 204})
"""What registries answer to a write that they have done."""
_TOLD = frozenset({200, 202, 204})
_ANY = frozenset(range(100, 600))
_RECEIVED = re.compile(r"(?:bytes=)?0-([0-9]{1,18})")
_CANCEL_SECONDS = 0.4

Content = Callable[[int], AsyncGenerator[bytes, None]]
"""Opens the content of a blob, from so many bytes on."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload session that a registry has opened."""

    location: URL

    @classmethod
    def of(cls, answer: Answer) -> Upload:
        """Where to go on with an upload; its query is kept to the letter."""
        location = answer.headers.get("Location", "")
        about = answers.exchange(answer)
        if not location:
            raise RegistryError("the registry opened an upload without a Location", about)
        try:
            return cls(links.follow(answer.url, location))
        except ValueError as error:
            raise RegistryError(f"the upload's Location {error}, and is not followed", about) from None

    def closing(self, digest: Digest) -> URL:
        """Where the last bytes go."""
        mark = "&" if self.location.raw_query_string else "?"
        return URL(f"{self.location}{mark}digest={digest}", encoded=True)


async def cancel(sender: Sender, repository: Repository, upload: Upload) -> None:
    """Give up an upload; where the registry does not do so soon, it is left to expire."""
    request = Request("DELETE", upload.location, expected=WRITTEN, repeatable=False)
    with suppress(TimeoutError, RegistryError):
        async with asyncio.timeout(_CANCEL_SECONDS):
            await sender.send(repository, Access.to(repository, "pull", "push"), request)


async def has_blob(sender: Sender, repository: Repository, digest: Digest) -> bool:
    """Whether a HEAD finds the blob."""
    request = sender.request("HEAD", repository, repository.blob_path(digest))
    return (await sender.send(repository, Access.to(repository, "pull"), request)).status == 200


class Delivery:
    """Brings one blob into a repository, over as many requests and sessions as it takes.

    Each try after which the registry has no more of it than before counts as a failed one.
    """

    def __init__(self, sender: Sender, repository: Repository, descriptor: Descriptor, content: Content) -> None:
        self._sender = sender
        self._repository = repository
        self._descriptor = descriptor
        self._body = _Body(content)
        self._access = Access.to(repository, "pull", "push")
        self._upload: Upload | None = None
        self._received = 0
        """Bytes that the registry has of the open upload."""

    async def run(self, upload: Upload | None = None) -> None:
        """Send it, at first by the upload that is open already; no upload is left open."""
        self._upload = upload
        try:
            await self._persistently()
        except BaseException:
            await self._give_up()
            raise

    async def _persistently(self) -> None:
        failed = furthest = 0
        while True:
            try:
                return await self._send()
            except RegistryError as error:
                # The source was tried again as often as that helps.
                if error is self._body.error or not failures.is_transient(error):
                    raise
                failed += 1
                if not await self._sender.transport.pause(failed, str(error), failures.retry_after(error)):
                    raise
            if self._upload and not await self._goes_on(self._upload):
                await self._give_up()
                if self._body.is_spent and await self._is_there():
                    return None
            if self._received > furthest:
                failed, furthest = 0, self._received

    async def _is_there(self) -> bool:
        """Whether the registry has the blob; where no HEAD tells, a GET of its first byte does."""
        digest = self._descriptor.digest
        if await has_blob(self._sender, self._repository, digest):
            return True
        access = Access.to(self._repository, "pull")
        get = self._sender.request("GET", self._repository, self._repository.blob_path(digest))
        get = replace(get, headers={"Range": "bytes=0-0"}, expected=frozenset({200, 206, 416}))
        async with self._sender.stream(self._repository, access, get) as (answer, _):
            return answer.status in get.expected

    async def _send(self) -> None:
        """Send what the registry does not have yet, and let it make the blob."""
        upload = self._upload = self._upload or await self._begun()
        descriptor, first = self._descriptor, self._received
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(descriptor.size - first)}
        if 0 < first < descriptor.size:
            headers["Content-Range"] = f"{first}-{descriptor.size - 1}"
        location = upload.closing(descriptor.digest)
        body = b"" if 0 < first == descriptor.size else self._body.at(first)
        request = Request("PUT", location, headers, body, expected=WRITTEN, repeatable=False)
        try:
            answer = await self._sender.send(self._repository, self._access, request)
        except RegistryError as error:
            raise self._body.error or error from None
        if answer.status not in WRITTEN:
            what = f"push blob {descriptor.digest} to {self._repository}"
            raise self._body.error or await self._sender.error(what, self._repository, answer)
        if answer.status != 201 and not await self._is_there():
            about = answers.exchange(answer)
            raise RegistryError(f"the registry did not store blob {descriptor.digest} of {self._repository}", about)

    async def _begun(self) -> Upload:
        request = self._sender.request("POST", self._repository, self._repository.uploads_path)
        request = replace(request, expected=frozenset({202}), repeatable=False)
        answer = await self._sender.send(self._repository, self._access, request)
        if answer.status != 202:
            raise await self._sender.error(f"push to {self._repository}", self._repository, answer)
        return Upload.of(answer)

    async def _goes_on(self, upload: Upload) -> bool:
        """Whether the upload can be gone on with, and from where; there are registries that end one that breaks off.

        What broke off the upload may last, so where no answer comes, it is asked again.
        """
        request = Request("GET", upload.location, expected=_ANY)
        try:
            answer = await self._sender.send(self._repository, self._access, request)
            if answer.status == 404:
                self._upload = None
            matched = _RECEIVED.fullmatch(answer.headers.get("Range", "").strip())
            # Of an upload of nothing it is said as well that it has the bytes 0 to 0.
            if answer.status not in _TOLD or not matched or not 0 < int(matched[1]) < self._body.sent:
                return False
            self._upload = Upload.of(answer) if "Location" in answer.headers else upload
        except RegistryError:
            return False
        self._received = int(matched[1]) + 1
        return True

    async def _give_up(self) -> None:
        upload, self._upload, self._received = self._upload, None, 0
        if upload:
            await cancel(self._sender, self._repository, upload)


class _Body:
    """The content of a blob as a request's body; keeps the error that reading it ended with."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self.error: RegistryError | None = None
        self.sent = 0
        """Bytes from its beginning that were sent at least once."""
        self.is_spent = False
        """Whether all of it was, and is what it should be."""

    def at(self, start: int) -> Callable[[], AsyncGenerator[bytes, None]]:
        """The body from so many bytes on."""
        return lambda: self._open(start)

    async def _open(self, start: int) -> AsyncGenerator[bytes, None]:
        try:
            async with aclosing(self._content(start)) as chunks:
                async for chunk in chunks:
                    start += len(chunk)
                    self.sent = max(self.sent, start)
                    yield chunk
        except RegistryError as error:
            self.error = error
            raise
        self.is_spent = True
