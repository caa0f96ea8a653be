"""Blobs put into a registry and read back, for the checks of what becomes of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TYPE_CHECKING

from manifest_tool.conformance.check import Failed
from manifest_tool.conformance.hold import expect
from manifest_tool.conformance.waiting import found
from manifest_tool.oci.digest import Digest
from manifest_tool.registry import answers

if TYPE_CHECKING:
    from manifest_tool.conformance.probe import Probe
    from manifest_tool.registry.answers import Answer


async def read(probe: Probe, digest: Digest, method: str = "GET") -> Answer:
    """GET or HEAD what was put before; looked for again while it is not there."""
    return await found(probe.site, lambda: probe.get_blob(digest, method))


async def exact(probe: Probe, digest: Digest, data: bytes) -> Answer:
    """GET what was put, and hold it to its bytes; raises `Failed`."""
    answer = expect(await read(probe, digest), 200, what="GET of a blob that was stored")
    if answer.body != data:
        raise Failed(
            f"GET gives {len(answer.body)} bytes with the digest {Digest.of(answer.body, digest.algorithm)}, "
            f"where {len(data)} with {digest} were put"
        )
    return answer


async def absent(probe: Probe, digest: Digest, why: str) -> None:
    """Hold the registry to not having a blob; raises `Failed`."""
    answer = await probe.get_blob(digest, "HEAD")
    if answer.status < 400:
        raise Failed(f"HEAD of the blob was answered with {answer.status}, where 404 was expected: {why}")


def length(answer: Answer, wanted: int) -> None:
    """Hold an answer to its Content-Length; raises `Failed`."""
    found = answer.headers.get("Content-Length")
    if found != str(wanted):
        told = answers.plain(found)[:100] if found else "missing"
        raise Failed(f"Content-Length of {answer.method} is {told}, where {wanted} was expected")


def streamed(data: bytes) -> Callable[[], AsyncGenerator[bytes, None]]:
    """A body whose length is not told.

    It is one piece: aiohttp looks for no answer where it cannot send the next one.
    """

    async def chunks() -> AsyncGenerator[bytes, None]:
        yield data

    return chunks


def split(data: bytes, size: int) -> Sequence[tuple[int, bytes]]:
    """Parts of this size, each with its place; the last one has what is left."""
    return [(start, data[start : start + size]) for start in range(0, len(data), size)]
