"""The operations of the distribution-spec, over any number of registries."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from yarl import URL

from manifest_tool.errors import InvalidContent, InvalidDigest, NotFound, RegistryError, Unreachable
from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.manifest import MAX_SIZE, Manifest
from manifest_tool.registry import answers, failures, links
from manifest_tool.registry.auth import NO_ACCESS, Access, Authenticator
from manifest_tool.registry.download import Download
from manifest_tool.registry.transport import Request, Transport

if TYPE_CHECKING:
    from manifest_tool.oci.descriptor import Descriptor
    from manifest_tool.oci.reference import Repository
    from manifest_tool.registry.answers import Answer
    from manifest_tool.registry.auth import Attempt

_DIGEST_HEADER = "Docker-Content-Digest"
_WRITTEN = frozenset({200, 201, 202, 204})
_HEAD_IS_NO_ANSWER = frozenset({400, 403, 405, 501})

Content = Callable[[], AbstractAsyncContextManager[AsyncIterator[bytes]]]
"""Opens the content of a blob, each time from its beginning."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload session that a registry has opened."""

    location: URL


@dataclass(frozen=True, slots=True)
class Client:
    """Speaks to registries for one run, whose whole ``access`` it asks for in as few tokens as it can."""

    transport: Transport
    authenticator: Authenticator
    access: Access = NO_ACCESS

    def expecting(self, access: Access) -> Client:
        """The same client for a run that will need this access."""
        return replace(self, access=access)

    async def get_manifest(self, repository: Repository, which: str | Digest, limit: int = MAX_SIZE) -> Manifest:
        """GET a manifest by tag or digest, of at most ``limit`` bytes, and verify them.

        Raises `NotFound`, `InvalidContent`.
        """
        request = self._request("GET", repository, repository.manifest_path(which))
        request = replace(request, headers={"Accept": types.ACCEPT}, limit=min(limit, MAX_SIZE))
        digest = which if isinstance(which, Digest) else None
        answer = await self._pull(repository, request, _name(repository, which), digest)
        return _manifest(answer, digest or _digest(answer), _name(repository, which))

    async def head_manifest(self, repository: Repository, which: str | Digest) -> Digest | None:
        """The digest under which a manifest is there, or none where it is not.

        Where a HEAD is no answer or has no digest, a GET decides.
        """
        request = self._request("HEAD", repository, repository.manifest_path(which))
        request = replace(request, headers={"Accept": types.ACCEPT})
        answer = await self._send(repository, Access.to(repository, "pull"), request)
        if answer.status == 404:
            return None
        if answer.status == 200 and (found := which if isinstance(which, Digest) else _digest(answer)):
            return found
        if answer.status == 200 or answer.status in _HEAD_IS_NO_ANSWER:
            try:
                return (await self.get_manifest(repository, which)).digest
            except NotFound:
                return None
        raise await self._error(f"pull {_name(repository, which)}", repository, answer)

    async def put_manifest(self, repository: Repository, which: str | Digest, raw: bytes, media_type: str) -> None:
        """PUT the bytes of a manifest under a tag or their digest."""
        name = _name(repository, which)
        request = self._request("PUT", repository, repository.manifest_path(which))
        request = replace(request, headers={"Content-Type": media_type}, body=raw, expected=_WRITTEN)
        answer = await self._send(repository, Access.to(repository, "pull", "push"), request)
        if answer.status not in _WRITTEN:
            raise await self._error(f"push {name}", repository, answer)
        stored = _digest(answer)
        if stored is None and answer.status != 201:
            # A proxy may answer 200 to anything.
            stored = await self._stored(repository, which)
            if stored is None:
                raise RegistryError(f"the registry did not store {name}", answers.exchange(answer))
        if stored is not None and not stored.matches(raw):
            raise InvalidContent(
                f"the registry stored {name} as {stored}, which is not what was sent", answers.exchange(answer)
            )

    async def _stored(self, repository: Repository, which: str | Digest) -> Digest | None:
        """What lies there after a write; a HEAD's 404 is not believed, as there are registries that know no HEAD."""
        if found := await self.head_manifest(repository, which):
            return found
        try:
            return (await self.get_manifest(repository, which)).digest
        except NotFound:
            return None

    async def has_blob(self, repository: Repository, digest: Digest) -> bool:
        """Whether a HEAD finds the blob; a registry that does not tell counts as no."""
        request = self._request("HEAD", repository, repository.blob_path(digest))
        return (await self._send(repository, Access.to(repository, "pull"), request)).status == 200

    async def read_blob(self, repository: Repository, descriptor: Descriptor) -> bytes:
        """GET a small blob, such as a config, and verify its bytes."""
        name = f"blob {descriptor.digest} of {repository}"
        if descriptor.size > MAX_SIZE:
            raise InvalidContent(f"{name} has {descriptor.size} bytes; as a config, at most {MAX_SIZE} are read")
        request = self._request("GET", repository, repository.blob_path(descriptor.digest))
        request = replace(request, limit=descriptor.size)
        return (await self._pull(repository, request, name, descriptor.digest)).body

    @asynccontextmanager
    async def get_blob(self, repository: Repository, descriptor: Descriptor) -> AsyncIterator[AsyncIterator[bytes]]:
        """GET a blob as a stream, which fails at its end where the bytes are not the descriptor's."""
        download = Download(descriptor, partial(self._part, repository, descriptor.digest), self.transport.pause)
        async with aclosing(download.chunks()) as chunks:
            yield chunks

    @asynccontextmanager
    async def _part(
        self, repository: Repository, digest: Digest, headers: Mapping[str, str]
    ) -> AsyncIterator[tuple[Answer, AsyncIterator[bytes]]]:
        request = self._request("GET", repository, repository.blob_path(digest))
        request = replace(request, headers=headers, expected=frozenset({200, 206, 416}))
        async with self._stream(repository, Access.to(repository, "pull"), request) as (answer, chunks):
            if answer.status not in request.expected:
                raise await self._error(f"pull blob {digest} of {repository}", repository, answer)
            yield answer, chunks

    async def _has_stored(self, repository: Repository, digest: Digest) -> bool:
        """Whether a blob lies there after a write; where no HEAD tells, a GET of its first byte does."""
        if await self.has_blob(repository, digest):
            return True
        request = self._request("GET", repository, repository.blob_path(digest))
        request = replace(request, headers={"Range": "bytes=0-0"}, expected=frozenset({200, 206, 416}))
        async with self._stream(repository, Access.to(repository, "pull"), request) as (answer, _):
            return answer.status in request.expected

    async def mount_blob(self, repository: Repository, digest: Digest, source: Repository) -> Upload | None:
        """Mount a blob from another repository of the registry.

        None when it is done, else the upload that the registry opened instead; raises `RegistryError` where it refuses.
        """
        query = {"mount": str(digest), "from": source.name}
        request = self._request("POST", repository, repository.uploads_path, query)
        access = Access.to(repository, "pull", "push") | Access.to(source, "pull")
        answer = await self._send(repository, access, replace(request, expected=frozenset({201, 202})))
        if answer.status == 201:
            return None
        if answer.status == 202:
            return _upload(answer)
        raise await self._error(f"mount blob {digest} of {source} in {repository}", repository, answer)

    async def put_blob(
        self, repository: Repository, descriptor: Descriptor, content: Content, upload: Upload | None = None
    ) -> None:
        """Upload a blob in one piece, first through an open upload if there is one, each time after by a new one."""
        failed = 0
        while True:
            body = _Body(content)
            try:
                return await self._put_blob(repository, descriptor, body, upload)
            except RegistryError as error:
                failed += 1
                # The source was tried again as often as that helps.
                if error is body.error or not failures.is_transient(error):
                    raise
                if not await self.transport.pause(failed, str(error), failures.retry_after(error)):
                    raise
            upload = None

    async def cancel(self, repository: Repository, upload: Upload) -> None:
        """Give up an upload that is not needed; a registry that knows no such request lets it expire."""
        request = Request("DELETE", upload.location, expected=_WRITTEN, repeatable=False)
        await self._send(repository, Access.to(repository, "pull", "push"), request)

    async def _put_blob(
        self, repository: Repository, descriptor: Descriptor, body: _Body, upload: Upload | None
    ) -> None:
        access = Access.to(repository, "pull", "push")
        if upload is None:
            start = self._request("POST", repository, repository.uploads_path)
            answer = await self._send(repository, access, replace(start, expected=frozenset({202}), repeatable=False))
            if answer.status != 202:
                raise await self._error(f"push to {repository}", repository, answer)
            upload = _upload(answer)
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(descriptor.size)}
        location = _with_digest(upload.location, descriptor.digest)
        request = Request("PUT", location, headers, body.open, expected=_WRITTEN, repeatable=False)
        try:
            answer = await self._send(repository, access, request)
        except Unreachable as error:
            raise body.error or error from None
        if answer.status not in _WRITTEN:
            raise body.error or await self._error(f"push blob {descriptor.digest} to {repository}", repository, answer)
        if answer.status != 201 and not await self._has_stored(repository, descriptor.digest):
            about = answers.exchange(answer)
            raise RegistryError(f"the registry did not store blob {descriptor.digest} of {repository}", about)

    async def _pull(self, repository: Repository, request: Request, name: str, digest: Digest | None) -> Answer:
        """GET something small whose bytes have the digest, or the one that the answer claims.

        Wrong bytes are asked for once more, since a cache on the way may have handed them out.
        """
        again = False
        while True:
            answer = await self._send(repository, Access.to(repository, "pull"), request)
            if answer.status != 200:
                raise await self._error(f"pull {name}", repository, answer)
            expected = digest or _digest(answer)
            if expected is None or expected.matches(answer.body):
                return answer
            if again:
                raise answers.changed(name, answer, expected)
            again = True

    def _request(
        self, method: str, repository: Repository, path: str, query: Mapping[str, str] | None = None
    ) -> Request:
        return Request(method, self.transport.url(repository.registry, path, query))

    async def _send(self, repository: Repository, need: Access, request: Request) -> Answer:
        """Send a request with what the registry wants to see; the last answer is given back whatever its status."""
        if not self._is_from(repository, request.url):
            return await self.transport.send(request)
        attempt = await self.authenticator.first(repository, need, self.access)
        while True:
            answer = await self.transport.send(request.adding(attempt.headers))
            better = await self._better(answer, attempt, repository, need)
            if better is None:
                return answer
            attempt = better

    @asynccontextmanager
    async def _stream(
        self, repository: Repository, need: Access, request: Request
    ) -> AsyncIterator[tuple[Answer, AsyncIterator[bytes]]]:
        attempt = await self.authenticator.first(repository, need, self.access)
        while True:
            async with self.transport.stream(request.adding(attempt.headers)) as (answer, chunks):
                better = await self._better(answer, attempt, repository, need)
                if better is None:
                    yield answer, chunks
                    return
            attempt = better

    async def _better(self, answer: Answer, last: Attempt, repository: Repository, need: Access) -> Attempt | None:
        """What to send after a 401 of the registry; one from where it redirected us to is not ours to answer."""
        if answer.status != 401 or not self._is_from(repository, answer.url):
            return None
        return await self.authenticator.next(answer, last, repository, need, self.access)

    def _is_from(self, repository: Repository, url: URL) -> bool:
        return links.same_origin(url, self.transport.url(repository.registry, "/"))

    async def _error(self, what: str, repository: Repository, answer: Answer) -> RegistryError:
        if answer.method == "HEAD":
            answer = await self._in_words(repository, answer)
        hint = await self.authenticator.advice(repository, answer) if answer.status in {401, 403, 404} else ""
        return answers.error(what, answer, hint=hint)

    async def _in_words(self, repository: Repository, answer: Answer) -> Answer:
        """The refusal of a HEAD with the words that one GET is refused with; a HEAD has none."""
        attempt = await self.authenticator.first(repository, Access.to(repository, "pull"), self.access)
        headers = attempt.headers if self._is_from(repository, answer.url) else {}
        request = Request("GET", answer.url, {"Accept": types.ACCEPT, **headers}, limit=MAX_SIZE, repeatable=False)
        try:
            told = await self.transport.send(request)
        except RegistryError:
            return answer
        return replace(answer, body=told.body) if told.status >= 400 else answer


class _Body:
    """The content of a blob as a request's body; keeps the error that reading it ended with."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self.error: RegistryError | None = None

    async def open(self) -> AsyncGenerator[bytes, None]:
        try:
            async with self._content() as chunks:
                async for chunk in chunks:
                    yield chunk
        except RegistryError as error:
            self.error = error
            raise


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


def _upload(answer: Answer) -> Upload:
    """Where to go on with an upload (distribution-spec § Pushing Blobs); its query is kept to the letter."""
    location = answer.headers.get("Location", "")
    if not location:
        raise RegistryError("the registry opened an upload without a Location", answers.exchange(answer))
    try:
        return Upload(links.follow(answer.url, location))
    except ValueError as error:
        raise RegistryError(f"the upload's Location {error}, and is not followed", answers.exchange(answer)) from None


def _with_digest(location: URL, digest: Digest) -> URL:
    return URL(f"{location}{'&' if location.raw_query_string else '?'}digest={digest}", encoded=True)


def _name(repository: Repository, which: str | Digest) -> str:
    return f"{repository}@{which}" if isinstance(which, Digest) else f"{repository}:{which}"
