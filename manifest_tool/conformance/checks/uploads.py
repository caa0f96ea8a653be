"""Blobs on their way up in one or two requests (distribution-spec § Pushing blobs)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yarl import URL

from manifest_tool.concurrency import together
from manifest_tool.conformance import blobs
from manifest_tool.conformance.check import Check, Failed, Group, Unsupported
from manifest_tool.conformance.checks import chunks, resumption
from manifest_tool.conformance.probe import expect, header, supported
from manifest_tool.conformance.record import words
from manifest_tool.conformance.session import Session
from manifest_tool.oci.digest import Digest
from manifest_tool.registry import links

if TYPE_CHECKING:
    from manifest_tool.conformance.probe import Probe
    from manifest_tool.registry.answers import Answer

_BYTES = {"Content-Type": "application/octet-stream"}
_MANY = 8
_INVALID = 400


async def _put(probe: Probe) -> str | None:
    data = probe.data()
    opened = expect(await probe.ask("POST", probe.repository.uploads_path), 202)
    session = Session.of(probe, opened, probe.repository)
    digest = Digest.of(data)
    expect(await session.close(digest, data), 201)
    await blobs.exact(probe, digest, data)
    location = opened.headers["Location"]
    kind = "absolute" if location.startswith(("http://", "https://")) else "relative"
    elsewhere = "" if links.same_origin(session.upload.location, opened.url) else ", and leads to another host"
    return f"the Location of an upload is {kind}{elsewhere}"


async def _location(probe: Probe) -> str | None:
    data = probe.data()
    session, digest = await probe.begin(), Digest.of(data)
    answer = expect(await session.close(digest, data), 201)
    if not answer.headers.get("Location"):
        raise Failed("the Location of the blob is missing in the answer 201")
    try:
        where = links.follow(answer.url, answer.headers["Location"])
    except ValueError as error:
        raise Failed(f"the Location of the blob {error}") from None
    found = expect(await probe.ask("GET", where), 200, what="GET of the Location that came with 201")
    if found.body != data:
        raise Failed("GET of the Location that came with 201 gives other bytes than those that were put")
    return None


async def _post(probe: Probe) -> str | None:
    data = probe.data()
    answer = await _posted(probe, data, Digest.of(data))
    if answer.status == 202:
        raise Unsupported("POST with the whole blob was answered with 202: the registry falls back to POST and PUT")
    supported(answer, 201, what="POST with the whole blob")
    await blobs.exact(probe, Digest.of(data), data)
    return None


async def _posted(probe: Probe, data: bytes, digest: Digest) -> Answer:
    query = {"digest": str(digest)}
    return await probe.ask("POST", probe.repository.uploads_path, query=query, headers=_BYTES, body=data)


async def _again(probe: Probe) -> str | None:
    data = probe.data()
    await probe.put_blob(data)
    await blobs.exact(probe, await probe.put_blob(data), data)
    return None


async def _wrong_put(probe: Probe) -> str | None:
    session, claimed = await probe.begin(), Digest.of(probe.data())
    return await _refused(probe, await session.close(claimed, probe.data()), claimed)


async def _wrong_stream(probe: Probe) -> str | None:
    session, claimed = await probe.begin(), Digest.of(probe.data())
    supported(await session.send(blobs.streamed(probe.data())), 202, what="PATCH with a stream")
    return await _refused(probe, await session.close(claimed), claimed)


async def _wrong_post(probe: Probe) -> str | None:
    claimed = Digest.of(probe.data())
    return await _refused(probe, await _posted(probe, probe.data(), claimed), claimed)


async def _refused(probe: Probe, answer: Answer, claimed: Digest) -> str | None:
    await blobs.absent(probe, claimed, "what was put has another digest")
    expect(answer, _INVALID, what="an upload with another digest than that of its bytes")
    return None


async def _malformed(probe: Probe) -> str | None:
    session, data = await probe.begin(), probe.data()
    url = URL(str(session.upload.closing(Digest.of(data))).replace("digest=sha256:", "digest=sha256:no"), encoded=True)
    answer = await session.close_at(url, data)
    expect(answer, _INVALID, what="PUT with a digest that is none")
    return None


async def _empty(probe: Probe) -> str | None:
    digest = Digest.of(b"")
    session = await probe.begin()
    supported(await session.close(digest), 201, what="PUT of an empty blob")
    head = expect(await blobs.read(probe, digest, "HEAD"), 200, what="HEAD of an empty blob")
    blobs.length(head, 0)
    await blobs.exact(probe, digest, b"")
    return None


async def _sha512(probe: Probe) -> str | None:
    data = probe.data()
    session, digest = await probe.begin(), Digest.of(data, "sha512")
    answer = await session.close(digest, data)
    if 400 <= answer.status < 500:
        raise Unsupported(f"PUT of a blob by its sha512 was answered with {words(answer)}")
    expect(answer, 201, what="PUT of a blob by its sha512")
    found = await blobs.read(probe, digest)
    if found.status != 200:
        raise Failed(f"PUT by sha512 was answered with 201, but GET by it with {words(found)}")
    if found.body != data:
        raise Failed("GET by sha512 gives other bytes than those that were put")
    for one in (answer, found):
        if "Docker-Content-Digest" in one.headers:
            header(one, "Docker-Content-Digest", str(digest))
    return None


async def _parallel(probe: Probe) -> str | None:
    data = [probe.data() for _ in range(_MANY)]
    digests = await together(map(probe.put_blob, data))
    await together(blobs.exact(probe, *pair) for pair in zip(digests, data, strict=True))
    return None


_AFTER = ("blob-put",)

CHECKS = Group(
    "uploads",
    (
        Check("blob-put", "a blob is uploaded by POST and PUT", _put, needed=True, after=("ping",)),
        Check("blob-location", "what is stored says where it is (Location)", _location, after=_AFTER),
        Check("blob-post", "a blob is uploaded by POST alone", _post, after=_AFTER),
        Check("blob-again", "the same blob can be uploaded twice", _again, needed=True, after=_AFTER),
        Check("blob-parallel", f"{_MANY} blobs are uploaded at once", _parallel, needed=True, after=_AFTER),
        Check("blob-empty", "an empty blob is stored", _empty, after=_AFTER),
        Check("blob-sha512", "a blob is stored by its sha512", _sha512, after=_AFTER),
        *chunks.CHECKS,
        Check("blob-wrong-put", "PUT of bytes with another digest is refused", _wrong_put, after=_AFTER),
        Check("blob-wrong-stream", "a stream with another digest is refused", _wrong_stream, after=("blob-stream",)),
        Check("blob-wrong-post", "POST of bytes with another digest is refused", _wrong_post, after=("blob-post",)),
        Check("blob-malformed-digest", "a digest that is none is refused", _malformed, after=_AFTER),
        *resumption.CHECKS,
    ),
)
