"""Requests to registries, each with what its registry wants to see of who we are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from manifest_tool.errors import RegistryError
from manifest_tool.oci import media_type as types
from manifest_tool.registry import answers
from manifest_tool.registry.auth import NO_ACCESS, Access, Authenticator
from manifest_tool.registry.transport import Request, Transport

if TYPE_CHECKING:
    from manifest_tool.oci.reference import Repository
    from manifest_tool.registry.answers import Answer
    from manifest_tool.registry.auth import Attempt


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends requests for one run, whose whole ``access`` it asks for in as few tokens as it can."""

    transport: Transport
    authenticator: Authenticator
    access: Access = NO_ACCESS

    def request(
        self, method: str, repository: Repository, path: str, query: Mapping[str, str] | None = None
    ) -> Request:
        """A request for an API path of the repository's registry."""
        return Request(method, self.transport.url(repository.registry, path, query))

    async def send(self, repository: Repository, need: Access, request: Request) -> Answer:
        """Send a request; the last answer is given back whatever its status."""
        if not self.transport.is_at(request.url, repository.registry):
            return await self.transport.send(request)
        attempt = await self._first(repository, need)
        while True:
            answer = await self.transport.send(request.adding(attempt.headers))
            better = await self._better(answer, attempt, repository, need)
            if better is None:
                return answer
            attempt = better

    @asynccontextmanager
    async def stream(
        self, repository: Repository, need: Access, request: Request
    ) -> AsyncIterator[tuple[Answer, AsyncIterator[bytes]]]:
        """The same with the body still on the wire; nothing is tried again but after a 401."""
        attempt = await self._first(repository, need)
        while True:
            async with self.transport.stream(request.adding(attempt.headers)) as (answer, chunks):
                better = await self._better(answer, attempt, repository, need)
                if better is None:
                    yield answer, chunks
                    return
            attempt = better

    async def error(self, what: str, repository: Repository, answer: Answer) -> RegistryError:
        """The error that an answer stands for; ``what`` says what was asked."""
        if answer.method == "HEAD":
            answer = await self._in_words(repository, answer)
        hint = await self.authenticator.advice(repository, answer) if answer.status in {401, 403, 404} else ""
        return answers.error(what, answer, hint=hint)

    async def _better(self, answer: Answer, last: Attempt, repository: Repository, need: Access) -> Attempt | None:
        """What to send after a 401 of the registry; one from where it redirected us to is not ours to answer."""
        if answer.status != 401 or not self.transport.is_at(answer.url, repository.registry):
            return None
        with _final():
            return await self.authenticator.next(answer, last, repository, need, self.access)

    async def _first(self, repository: Repository, need: Access) -> Attempt:
        with _final():
            return await self.authenticator.first(repository, need, self.access)

    async def _in_words(self, repository: Repository, answer: Answer) -> Answer:
        """The refusal of a HEAD with the words that one GET is refused with; a HEAD has none."""
        attempt = await self._first(repository, Access.to(repository, "pull"))
        headers = attempt.headers if self.transport.is_at(answer.url, repository.registry) else {}
        # What comes where it is not refused after all is of no interest.
        asked = Request("GET", answer.url, {"Accept": types.ACCEPT, **headers}, expected=frozenset(), repeatable=False)
        try:
            told = await self.transport.send(asked)
        except RegistryError:
            return answer
        return replace(answer, body=told.body) if told.status >= 400 else answer


@contextmanager
def _final() -> Iterator[None]:
    """What a token endpoint was asked for was tried as often as that helps."""
    try:
        yield
    except RegistryError as error:
        error.final = True
        raise
