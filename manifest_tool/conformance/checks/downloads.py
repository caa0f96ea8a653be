"""Blobs on their way down (distribution-spec § Pulling blobs)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifest_tool.conformance import blobs
from manifest_tool.conformance.check import Check, Failed, Group, Unsupported
from manifest_tool.conformance.probe import expect, header
from manifest_tool.errors import RegistryError

if TYPE_CHECKING:
    from manifest_tool.conformance.probe import Probe

_SIZE = 4096
_PARTS = {"500-1499": (500, 1500), "500-": (500, _SIZE), "-500": (_SIZE - 500, _SIZE), "4000-9000": (4000, _SIZE)}
"""What is asked for, and which part that is."""
_ANEW = "ranges are ignored, so a copy that breaks off is begun anew"


async def _head(probe: Probe) -> str | None:
    data = probe.data()
    digest = await probe.put_blob(data)
    answer = expect(await blobs.read(probe, digest, "HEAD"), 200)
    blobs.length(answer, len(data))
    if "Docker-Content-Digest" in answer.headers:
        header(answer, "Docker-Content-Digest", str(digest))
    return None


async def _range(probe: Probe) -> str | None:
    data = probe.data(_SIZE)
    digest = await probe.put_blob(data)
    await blobs.exact(probe, digest, data)
    for wanted, (first, end) in _PARTS.items():
        answer = await probe.get_blob(digest, headers={"Range": f"bytes={wanted}"})
        if answer.status == 200 and answer.body == data:
            raise Unsupported(f"GET of the bytes {wanted} was answered with 200 and the whole blob; {_ANEW}")
        expect(answer, 206, what=f"GET of the bytes {wanted}")
        header(answer, "Content-Range", f"bytes {first}-{end - 1}/{_SIZE}")
        if answer.body != data[first:end]:
            raise Failed(f"GET of the bytes {wanted} gives {len(answer.body)} other bytes")
    return None


async def _range_beyond(probe: Probe) -> str | None:
    data = probe.data(_SIZE)
    digest = await probe.put_blob(data)
    await blobs.exact(probe, digest, data)
    try:
        answer = await probe.get_blob(digest, headers={"Range": "bytes=5000-10000"})
    except RegistryError as error:
        raise Failed(f"GET of bytes beyond the end has no answer that can be read: {error}") from None
    if answer.status == 200 and answer.body == data:
        raise Unsupported(f"GET of bytes beyond the end was answered with 200 and the whole blob; {_ANEW}")
    expect(answer, 416, what="GET of bytes beyond the end")
    return None


_AFTER = ("blob-put",)

CHECKS = Group(
    "downloads",
    (
        Check("blob-head", "HEAD of a blob tells its size and digest", _head, after=_AFTER),
        Check("blob-range", "a part of a blob can be fetched", _range, after=_AFTER),
        Check("blob-range-beyond", "a part that is not there is refused", _range_beyond, after=_AFTER),
    ),
)
