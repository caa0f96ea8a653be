"""Uploads that break off, and whether they can be gone on with."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable
from contextlib import suppress
from typing import TYPE_CHECKING

from manifest_tool.conformance import blobs
from manifest_tool.conformance.check import Check, Failed, Unsupported
from manifest_tool.conformance.checks.chunks import ANEW, OUT_OF_ORDER
from manifest_tool.conformance.hold import stored
from manifest_tool.conformance.record import words
from manifest_tool.errors import RegistryError
from manifest_tool.oci.digest import Digest

if TYPE_CHECKING:
    from manifest_tool.conformance.probe import Probe
    from manifest_tool.conformance.session import Session
    from manifest_tool.registry.answers import Answer
    from manifest_tool.registry.transport import Body

_HALF = 256 * 1024
_TRAVEL = 0.2
"""Seconds in which the first half of a body that breaks off is to arrive."""
_LOOKS = 5
_RECEIVED = re.compile(r"(?:bytes=)?0-([1-9][0-9]{0,17})")


async def _resume(probe: Probe) -> str | None:
    """As manifest-tool sends a blob: all of it with the closing PUT."""
    data = probe.data(2 * _HALF)
    session, digest = await probe.begin(), Digest.of(data)
    await _broken_off(session.close(digest, _half(data), headers=_whole(data)))
    return await _rest(session, digest, data)


async def _resume_patch(probe: Probe) -> str | None:
    """As docker sends a layer: in one PATCH."""
    data = probe.data(2 * _HALF)
    session, digest = await probe.begin(), Digest.of(data)
    await _broken_off(session.send(_half(data), _whole(data)))
    return await _rest(session, digest, data)


def _half(data: bytes) -> Body:
    async def chunks() -> AsyncGenerator[bytes, None]:
        yield data[:_HALF]
        await asyncio.sleep(_TRAVEL)
        raise RegistryError("the body was broken off on purpose")

    return chunks


def _whole(data: bytes) -> dict[str, str]:
    return {"Content-Length": str(len(data))}


async def _broken_off(sending: Awaitable[Answer]) -> None:
    with suppress(RegistryError):
        await sending


async def _rest(session: Session, digest: Digest, data: bytes) -> str | None:
    """Go on from where the registry says that an upload is."""
    probe = session.probe
    for look in range(_LOOKS):
        # What was on its way may still arrive.
        await probe.site.patience.sleep(look * _TRAVEL)
        answer = await session.status()
        if answer.status not in {200, 202, 204}:
            raise Unsupported(f"GET of an upload that broke off was answered with {words(answer)}; {ANEW}")
        start = _received(answer)
        if start > _HALF:
            raise Failed(f"after {_HALF} bytes, the registry says that it has {answer.headers['Range']!r}")
        if not start:
            continue
        answer = await session.close(digest, data[start:], start)
        if answer.status != OUT_OF_ORDER:
            stored(answer, f"PUT of the rest from {start} on")
            await blobs.exact(probe, digest, data)
            return f"{start} of {_HALF} bytes were kept"
    raise Unsupported(f"of an upload that broke off after {_HALF} bytes, nothing is kept; {ANEW}")


def _received(answer: Answer) -> int:
    """How many bytes an upload has; none also for the range 0-0, which is said of an empty one as well."""
    matched = _RECEIVED.fullmatch(answer.headers.get("Range", ""))
    return int(matched[1]) + 1 if matched else 0


_AFTER = ("blob-put",)

CHECKS = (
    Check("blob-resume", "an interrupted PUT can be resumed", _resume, after=_AFTER),
    Check("blob-resume-patch", "an interrupted PATCH can be resumed", _resume_patch, after=_AFTER),
)
