"""A blob on its way: where it breaks off it is asked for again from there, and its bytes are verified."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from manifest_tool.errors import InvalidContent, RegistryError, Unreachable
from manifest_tool.registry import answers, failures, redact

if TYPE_CHECKING:
    from manifest_tool.errors import Exchange
    from manifest_tool.oci.descriptor import Descriptor
    from manifest_tool.registry.answers import Answer

Open: TypeAlias = Callable[[Mapping[str, str]], AbstractAsyncContextManager[tuple["Answer", AsyncIterator[bytes]]]]
"""Asks for a blob with these headers, and gives an answer of 200, 206 or 416 with its bytes."""
Pause: TypeAlias = Callable[[int, str, Mapping[str, str]], Awaitable[bool]]


class Download:
    """Reads one blob, over as many requests as it takes; each that brings nothing counts as a failed try.

    It may be read again from any byte that was read before, and is verified as a whole all the same.
    """

    def __init__(self, descriptor: Descriptor, opening: Open, pause: Pause) -> None:
        self._descriptor = descriptor
        self._opening = opening
        self._pause = pause
        self._hasher = descriptor.digest.hasher()
        self._hashed = 0
        self._got = 0
        self._ranges = True
        """Whether a part may be asked for."""

    async def chunks(self, start: int = 0) -> AsyncGenerator[bytes, None]:
        """The bytes from so many on; fails at their end where the whole is not the descriptor's."""
        if start > self._hashed:
            raise ValueError("what lies before the start has not been read")
        self._got = start
        failed = 0
        while True:
            before = self._got
            try:
                async with aclosing(self._rest()) as rest:
                    async for chunk in rest:
                        yield chunk
            except RegistryError as error:
                failed = failed + 1 if self._got == before else 1
                asked = failures.retry_after(error)
                if not failures.is_transient(error) or not await self._pause(failed, str(error), asked):
                    raise
            else:
                return

    async def _rest(self) -> AsyncGenerator[bytes, None]:
        headers = {"Range": f"bytes={self._got}-"} if self._got and self._ranges else {}
        async with self._opening(headers) as (answer, chunks):
            # A part of what is encoded is no part of the blob.
            self._ranges = self._ranges and "Content-Encoding" not in answer.headers
            skipped = 0 if self._continues(answer) else self._got
            async for chunk in chunks:
                fresh = chunk[skipped:]
                skipped -= len(chunk) - len(fresh)
                if fresh:
                    self._take(fresh, answer)
                    yield fresh
        self._check(answer)

    def _continues(self, answer: Answer) -> bool:
        """Whether an answer begins where we are, and not at the beginning."""
        if answer.status == 200:
            return False
        start = answer.headers.get("Content-Range", "").strip().partition("-")[0]
        if answer.status == 206 and self._ranges and start == f"bytes {self._got}":
            return True
        self._ranges = False
        raise Unreachable(
            f"{redact.host(answer.url)} did not answer with the part that was asked for", _about(answer), transient=True
        )

    def _take(self, chunk: bytes, answer: Answer) -> None:
        self._got += len(chunk)
        if self._got > self._hashed:
            self._hasher.update(chunk[self._hashed - self._got :])
            self._hashed = self._got
        if self._got > self._descriptor.size:
            raise InvalidContent(
                f"blob {self._descriptor.digest} is longer than the {self._descriptor.size} bytes"
                " that its manifest says",
                _about(answer),
            )

    def _check(self, answer: Answer) -> None:
        expected, got = self._descriptor.digest, self._hasher.digest()
        if got != expected:
            raise answers.changed(f"the blob {expected}", answer, expected, got)


def _about(answer: Answer) -> Exchange:
    return answers.exchange(replace(answer, body=b""))
