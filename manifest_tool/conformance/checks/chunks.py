"""Blobs on their way up in parts: streamed, in chunks in their order and out of it, given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifest_tool.conformance import blobs
from manifest_tool.conformance.check import Check, Failed, Unsupported
from manifest_tool.conformance.hold import expect, optional, stored, supported
from manifest_tool.conformance.record import words
from manifest_tool.oci.digest import Digest

if TYPE_CHECKING:
    from manifest_tool.conformance.probe import Probe
    from manifest_tool.conformance.session import Session
    from manifest_tool.registry.answers import Answer

_CHUNK, _LARGEST = 1024, 8 * 1024 * 1024
OUT_OF_ORDER = 416
"""What a chunk is refused with that is not the next one."""
_WHOLE = "manifest-tool sends a blob in one PUT, and needs no chunks"
ANEW = "an upload that breaks off is begun anew"
"""What a push does where the registry does not tell how far an upload is."""


async def _stream(probe: Probe) -> str | None:
    data = probe.data(4096)
    session, digest = await probe.begin(), Digest.of(data)
    answer = await session.send(blobs.streamed(data))
    optional(answer, 202, what="PATCH without a Content-Length", otherwise=_WHOLE)
    stored(await session.close(digest), "PUT after a streamed PATCH")
    await blobs.exact(probe, digest, data)
    return None


async def _chunked(probe: Probe) -> str | None:
    session = await probe.begin()
    data = probe.data(_size(session) * 2 + 100)
    for start, part in blobs.split(data, _size(session)):
        await _next(session, part, start)
    stored(await session.close(Digest.of(data)), "PUT after all chunks")
    await blobs.exact(probe, Digest.of(data), data)
    return _least(session)


async def _last_chunk(probe: Probe) -> str | None:
    session = await probe.begin()
    data, size = probe.data(_size(session) + 100), _size(session)
    await _next(session, data[:size], 0)
    answer = await session.close(Digest.of(data), data[size:], size)
    stored(answer, "PUT with the last chunk")
    await blobs.exact(probe, Digest.of(data), data)
    return None


async def _order(probe: Probe) -> str | None:
    session = await probe.begin()
    data, size = probe.data(_size(session) * 2), _size(session)
    await _next(session, data[:size], 0)
    answer = await session.chunk(data[size:], size + 1)
    await _refused(session, answer, "PATCH")
    await _next(session, data[size:], size)
    stored(await session.close(Digest.of(data)), "PUT after a chunk that was refused and sent again")
    await blobs.exact(probe, Digest.of(data), data)
    return None


async def _order_put(probe: Probe) -> str | None:
    session = await probe.begin()
    data, size = probe.data(_size(session) * 2), _size(session)
    await _next(session, data[:size], 0)
    answer = await session.close(Digest.of(data), data[size:], size + 1)
    await _refused(session, answer, "PUT")
    answer = await session.close(Digest.of(data), data[size:], size)
    stored(answer, "PUT of a last chunk that was refused and sent again")
    await blobs.exact(probe, Digest.of(data), data)
    return None


async def _refused(session: Session, answer: Answer, method: str) -> None:
    """Hold an answer to refusing a chunk that is not the next one, and the upload to going on."""
    if answer.status < 300:
        raise Failed(
            f"{method} of a chunk that leaves out a byte was taken ({answer.status}), where {OUT_OF_ORDER} was expected"
        )
    expect(answer, OUT_OF_ORDER, what=f"{method} of a chunk that leaves out a byte")
    expect(await session.status(), 204, what="GET of an upload after a chunk that was refused")


async def _status(probe: Probe) -> str | None:
    session = await probe.begin()
    data = probe.data(_size(session))
    supported(await session.send(data), 202, what="PATCH", otherwise=_WHOLE)
    answer = supported(await session.status(), 204, what="GET of an upload", otherwise=ANEW)
    _range(answer, len(data))
    if not answer.headers.get("Location"):
        raise Failed("GET of an upload is answered without a Location")
    return None


async def _cancel(probe: Probe) -> str | None:
    session = await probe.begin()
    optional(await session.cancel(), 204, 200, 202, what="DELETE of an upload", otherwise="it is left to expire")
    answer = await session.status()
    if not 400 <= answer.status < 500:
        raise Failed(f"GET of an upload that was given up was answered with {words(answer)}, where 404 was expected")
    return None


async def _next(session: Session, part: bytes, start: int) -> None:
    """Send the next chunk, and hold the answer to what it should say."""
    what = f"PATCH of the chunk {start}-{start + len(part) - 1}"
    answer = supported(await session.chunk(part, start), 202, what=what, otherwise=_WHOLE)
    if not answer.headers.get("Location"):
        raise Failed(f"{what} was answered without a Location")
    _range(answer, start + len(part))


def _range(answer: Answer, received: int) -> None:
    found = answer.headers.get("Range", "missing")
    if found != f"0-{received - 1}":
        raise Failed(f"Range of {answer.method} is {found[:100]!r}, where '0-{received - 1}' was expected")


def _size(session: Session) -> int:
    """The size of a chunk: as small as the registry takes them."""
    if session.least > _LARGEST:
        raise Unsupported(f"a chunk must have {session.least} bytes; no more than {_LARGEST} are tried")
    return max(session.least, _CHUNK)


def _least(session: Session) -> str | None:
    return f"a chunk must have {session.least} bytes" if session.least else None


_AFTER = ("blob-put",)

CHECKS = (
    Check("blob-stream", "a blob is uploaded by PATCH as a stream", _stream, after=_AFTER),
    Check("blob-chunked", "a blob is uploaded by PATCH in chunks", _chunked, after=_AFTER),
    Check("blob-last-chunk", "the closing PUT may bring the last chunk", _last_chunk, after=("blob-chunked",)),
    Check(
        "blob-order",
        "an out-of-order PATCH is refused, and the upload goes on",
        _order,
        after=("blob-chunked",),
    ),
    Check(
        "blob-order-put",
        "an out-of-order PUT is refused, and the upload goes on",
        _order_put,
        after=("blob-last-chunk",),
    ),
    Check("blob-status", "GET of an upload tells how much of it has arrived", _status, after=_AFTER),
    Check("blob-cancel", "an upload can be cancelled", _cancel, after=_AFTER),
)
