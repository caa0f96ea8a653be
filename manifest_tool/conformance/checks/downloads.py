"""Blobs on their way down (distribution-spec § Pulling blobs)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifest_tool.conformance import blobs
from manifest_tool.conformance.check import Check, Failed, Group, Unsupported
from manifest_tool.conformance.checks.content import DIGEST
from manifest_tool.conformance.hold import expect, header
from manifest_tool.errors import RegistryError
from manifest_tool.oci.digest import Digest

if TYPE_CHECKING:
    from manifest_tool.conformance.probe import Probe
    from manifest_tool.registry.answers import Answer

_SIZE = 4096
_PARTS = {"500-1499": (500, 1500), "500-": (500, _SIZE), "-500": (_SIZE - 500, _SIZE), "4000-9000": (4000, _SIZE)}
"""What is asked for, and which part that is."""
_ANEW = "ranges are ignored, so a copy that breaks off is begun anew"


async def _head(probe: Probe) -> str | None:
    unknown = await probe.get_blob(Digest.of(probe.data()), "HEAD")
    if unknown.status == 200:
        raise Failed("HEAD of a blob that is nowhere was answered with 200: nothing would be uploaded")
    digest = await probe.put_blob(probe.data())
    answer = await blobs.read(probe, digest, "HEAD")
    if answer.status != 200:
        raise Unsupported(f"HEAD of a blob that was stored was answered with {answer.status}")
    return None


async def _headers(probe: Probe) -> str | None:
    data = probe.data()
    digest = await probe.put_blob(data)
    await blobs.exact(probe, digest, data)
    for method in ("GET", "HEAD"):
        answer = await probe.get_blob(digest, method)
        if answer.status == 200:
            blobs.length(answer, len(data))
            _digest(answer, data)
    return None


def _digest(answer: Answer, data: bytes) -> None:
    """Hold the digest that an answer tells, if it does, to be that of a blob; raises `Failed`."""
    text = answer.headers.get(DIGEST, "")
    if text and text not in {str(Digest.of(data, algorithm)) for algorithm in ("sha256", "sha512")}:
        raise Failed(f"{DIGEST} of {answer.method} is {text!r}, where {Digest.of(data)} was expected")


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
        Check("blob-head", "HEAD tells whether a blob exists", _head, after=_AFTER),
        Check("blob-headers", "Content-Length and Docker-Content-Digest of a blob are right", _headers, after=_AFTER),
        Check("blob-range", "a range of a blob can be fetched", _range, after=_AFTER),
        Check("blob-range-beyond", "a range beyond the end of a blob is refused with 416", _range_beyond, after=_AFTER),
    ),
)
