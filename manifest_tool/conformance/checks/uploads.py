"""Blobs on their way up in one or two requests (distribution-spec § Pushing blobs)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yarl import URL

from manifest_tool.concurrency import together
from manifest_tool.conformance import blobs
from manifest_tool.conformance.check import Check, Failed, Group, Unsupported
from manifest_tool.conformance.checks import chunks, resumption
from manifest_tool.conformance.checks.content import DIGEST
from manifest_tool.conformance.hold import expect, header, optional, refused, stored, supported
from manifest_tool.conformance.record import words
from manifest_tool.conformance.session import Session
from manifest_tool.conformance.waiting import found
from manifest_tool.oci.digest import Digest
from manifest_tool.registry import links
from manifest_tool.registry.upload import WRITTEN

if TYPE_CHECKING:
    from manifest_tool.conformance.probe import Probe
    from manifest_tool.registry.answers import Answer

_BYTES = {"Content-Type": "application/octet-stream"}
_MANY = 8
_CREATED = 201


async def _put(probe: Probe) -> str | None:
    data = probe.data()
    opened = expect(await probe.ask("POST", probe.repository.uploads_path), 202)
    session = Session.of(probe, opened, probe.repository)
    digest = Digest.of(data)
    answer = stored(await session.close(digest, data))
    if answer.status != _CREATED and not await _is_there(probe, digest):
        raise Failed(f"PUT was answered with {answer.status}, but the blob is not there")
    await blobs.exact(probe, digest, data)
    location = opened.headers["Location"]
    kind = "absolute" if location.startswith(("http://", "https://")) else "relative"
    elsewhere = "" if links.same_origin(session.upload.location, opened.url) else " and leads to another host"
    odd = "" if answer.status == _CREATED else f"PUT was answered with {answer.status} instead of {_CREATED}; "
    return f"{odd}the Location of an upload is {kind}{elsewhere}"


async def _is_there(probe: Probe, digest: Digest) -> bool:
    """Whether a blob is found at once, as a push looks for it after any answer but 201."""
    return (await probe.get_blob(digest, "HEAD")).status == 200 or (await probe.get_blob(digest)).status == 200


async def _location(probe: Probe) -> str | None:
    data = probe.data()
    session, digest = await probe.begin(), Digest.of(data)
    answer = expect(await session.close(digest, data), _CREATED)
    if not answer.headers.get("Location"):
        raise Failed("the Location of the blob is missing in the answer 201")
    try:
        where = links.follow(answer.url, answer.headers["Location"])
    except ValueError as error:
        raise Failed(f"the Location of the blob {error}") from None
    got = await found(probe.site, lambda: probe.ask("GET", where))
    if expect(got, 200, what="GET of the Location that came with 201").body != data:
        raise Failed("GET of the Location that came with 201 gives other bytes than those that were put")
    return None


async def _post(probe: Probe) -> str | None:
    data = probe.data()
    answer = await _posted(probe, data, Digest.of(data))
    if answer.status == 202:
        raise Unsupported("POST with the whole blob was answered with 202: the registry falls back to POST and PUT")
    optional(answer, _CREATED, what="POST with the whole blob")
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
    expect(await session.send(blobs.streamed(probe.data())), 202, what="PATCH with a stream")
    return await _refused(probe, await session.close(claimed), claimed)


async def _wrong_post(probe: Probe) -> str | None:
    claimed = Digest.of(probe.data())
    return await _refused(probe, await _posted(probe, probe.data(), claimed), claimed)


async def _refused(probe: Probe, answer: Answer, claimed: Digest) -> str | None:
    await blobs.absent(probe, claimed, "what was put has another digest")
    return refused(answer, "an upload with another digest than that of its bytes")


async def _malformed(probe: Probe) -> str | None:
    session, data = await probe.begin(), probe.data()
    url = URL(str(session.upload.closing(Digest.of(data))).replace("digest=sha256:", "digest=sha256:no"), encoded=True)
    return refused(await session.close_at(url, data), "an upload with a malformed digest")


async def _empty(probe: Probe) -> str | None:
    digest = Digest.of(b"")
    session = await probe.begin()
    supported(await session.close(digest), *WRITTEN, what="PUT of an empty blob")
    await blobs.exact(probe, digest, b"")
    head = await blobs.read(probe, digest, "HEAD")
    if head.status == 200:
        blobs.length(head, 0)
    return None


async def _sha512(probe: Probe) -> str | None:
    data = probe.data()
    session, digest = await probe.begin(), Digest.of(data, "sha512")
    answer = await session.close(digest, data)
    optional(answer, *WRITTEN, what="PUT of a blob by its sha512")
    got = await blobs.read(probe, digest)
    if got.status != 200:
        raise Failed(f"PUT by sha512 was answered with {answer.status}, but GET by it with {words(got)}")
    if got.body != data:
        raise Failed("GET by sha512 gives other bytes than those that were put")
    for one in (answer, got):
        if DIGEST in one.headers:
            header(one, DIGEST, str(digest))
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
        Check("blob-put", "a blob is uploaded by POST and PUT", _put, needed=True),
        Check(
            "blob-location", "a finished upload is answered with 201 and the blob's Location", _location, after=_AFTER
        ),
        Check("blob-post", "a blob is uploaded by a single POST", _post, after=_AFTER),
        Check("blob-again", "a blob that is there can be uploaded again", _again, after=_AFTER),
        Check("blob-parallel", f"{_MANY} blobs are uploaded in parallel", _parallel, needed=True, after=_AFTER),
        Check("blob-empty", "an empty blob is stored", _empty, after=_AFTER),
        Check("blob-sha512", "a blob is stored under its sha512 digest", _sha512, after=_AFTER),
        *chunks.CHECKS,
        Check("blob-wrong-put", "a blob with the wrong digest is refused (POST and PUT)", _wrong_put, after=_AFTER),
        Check(
            "blob-wrong-stream",
            "a blob with the wrong digest is refused (PATCH)",
            _wrong_stream,
            after=("blob-stream",),
        ),
        Check(
            "blob-wrong-post",
            "a blob with the wrong digest is refused (single POST)",
            _wrong_post,
            after=("blob-post",),
        ),
        Check("blob-malformed-digest", "a blob with a malformed digest is refused", _malformed, after=_AFTER),
        *resumption.CHECKS,
    ),
)
