"""What a reference shows of a registry without anything being written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifest_tool.concurrency import together
from manifest_tool.conformance.check import Check, Failed, Group, Unsupported, Untried
from manifest_tool.conformance.checks import headers, listing, referrers
from manifest_tool.conformance.checks.content import DIGEST
from manifest_tool.conformance.images import Content
from manifest_tool.conformance.probe import expect, header
from manifest_tool.conformance.record import words
from manifest_tool.errors import InvalidContent
from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.manifest import Manifest

if TYPE_CHECKING:
    from manifest_tool.conformance.probe import Probe
    from manifest_tool.oci.descriptor import Descriptor
    from manifest_tool.registry.answers import Answer


def _which(probe: Probe) -> str | Digest:
    reference = probe.site.reference
    if reference is None:
        raise Untried("there is no reference to read")
    return reference.which


def _parsed(answer: Answer, digest: Digest | None = None) -> Manifest:
    if digest and not digest.matches(answer.body):
        raise Failed(f"GET by the digest {digest} gives what has the digest {Digest.of(answer.body, digest.algorithm)}")
    try:
        return Manifest.parse(answer.body, answer.headers.get("Content-Type", ""), digest)
    except ValueError as error:
        raise Failed(f"GET gives no manifest that can be used: {error}") from None


async def _get(probe: Probe, which: str | Digest) -> Manifest:
    """A manifest, asked for once in a run."""
    read = probe.site.read
    if which not in read:
        answer = expect(await probe.get_manifest(which), 200)
        read[which] = _parsed(answer, which if isinstance(which, Digest) else None)
    return read[which]


async def _manifest(probe: Probe) -> str | None:
    manifest = await _get(probe, _which(probe))
    return f"{manifest.media_type}, {manifest.digest}"


async def _by_digest(probe: Probe) -> str | None:
    digest = (await _get(probe, _which(probe))).digest
    _parsed(expect(await probe.get_manifest(digest), 200), digest)
    return None


async def _head(probe: Probe) -> str | None:
    manifest = await _get(probe, _which(probe))
    for which in (_which(probe), manifest.digest):
        answer = await probe.get_manifest(which, "HEAD")
        headers.is_head(answer)
        headers.is_length(answer, _content(manifest))
    return None


async def _digest_header(probe: Probe) -> str | None:
    for answer, content in await _answers(probe):
        wanted = answer.headers.get(DIGEST, "")
        known = Digest.of(content.raw, "sha512") if wanted.startswith("sha512:") else content.digest
        if not wanted:
            raise Unsupported(f"{DIGEST} is missing from the answer to {answer.method}")
        header(answer, DIGEST, str(known))
    return None


async def _content_type(probe: Probe) -> str | None:
    for answer, content in await _answers(probe):
        header(answer, "Content-Type", content.media_type)
    return None


async def _answers(probe: Probe) -> list[tuple[Answer, Content]]:
    """The answers to GET, and to HEAD where it is one, with what they are about."""
    which = _which(probe)
    got = expect(await probe.get_manifest(which), 200)
    content = _content(_parsed(got))
    head = await probe.get_manifest(which, "HEAD")
    return [(got, content), *([(head, content)] if head.status == 200 else [])]


def _content(manifest: Manifest) -> Content:
    return Content(manifest.raw, manifest.media_type)


async def _accept(probe: Probe) -> str | None:
    which = _which(probe)
    manifest = await _get(probe, which)
    answer = expect(await probe.get_manifest(which, accept=manifest.media_type), 200)
    if answer.body != manifest.raw:
        raise Failed(f"GET gives something else to who accepts {manifest.media_type} alone")
    return None


async def _uncompressed(probe: Probe) -> str | None:
    path = probe.repository.manifest_path(_which(probe))
    asked = {"Accept": types.ACCEPT, "Accept-Encoding": "gzip"}
    headers.is_uncompressed(expect(await probe.ask("GET", path, headers=asked), 200))
    return None


async def _children(probe: Probe) -> str | None:
    manifest = await _get(probe, _which(probe))
    if not manifest.is_index:
        return "the reference is an image, and lists none"
    children = {child.digest: child for child in manifest.manifests}.values()
    found = await together(probe.get_manifest(child.digest) for child in children)
    for child, answer in zip(children, found, strict=True):
        if answer.status != 200:
            raise Failed(f"{child.digest}, which the index lists, was answered with {words(answer)}")
        if len(answer.body) != child.size:
            raise Failed(f"{child.digest} has {len(answer.body)} bytes, where the index says {child.size}")
        probe.site.read[child.digest] = _parsed(answer, child.digest)
    return f"{len(found)} of {len(found)} are there"


async def _images(probe: Probe) -> list[Manifest]:
    """The image, or those that an index lists; not those of the indexes in it."""
    manifest = await _get(probe, _which(probe))
    if not manifest.is_index:
        return [manifest]
    found = await together(_get(probe, child.digest) for child in manifest.manifests)
    return [image for image in found if not image.is_index]


async def _blobs(probe: Probe) -> str | None:
    blobs = {blob.digest: blob for image in await _images(probe) for blob in image.blobs}
    if not blobs:
        raise Untried("the reference lists no image")
    await together(_blob(probe, blob) for blob in blobs.values())
    return f"{len(blobs)} of {len(blobs)} are there"


async def _blob(probe: Probe, blob: Descriptor) -> None:
    answer = await probe.get_blob(blob.digest, "HEAD")
    if answer.status != 200:
        raise Failed(f"HEAD of {blob.digest}, which an image needs, was answered with {answer.status}")
    if answer.headers.get("Content-Length", str(blob.size)) != str(blob.size):
        length = answer.headers["Content-Length"]
        raise Failed(f"HEAD of {blob.digest} tells a length of {length}, where the image says {blob.size}")


async def _config(probe: Probe) -> str | None:
    configs = [image.config for image in await _images(probe) if image.config]
    if not configs:
        raise Untried("the reference lists no image")
    answer = expect(await probe.get_blob(configs[0].digest), 200)
    if not configs[0].digest.matches(answer.body):
        raise Failed(f"GET of the config {configs[0].digest} gives {len(answer.body)} bytes of something else")
    return None


async def _range(probe: Probe) -> str | None:
    """Ask for one byte of the smallest blob that has more than one."""
    blobs = sorted((blob.size, blob.digest) for image in await _images(probe) for blob in image.blobs if blob.size > 1)
    if not blobs:
        raise Untried("there is no blob of more than a byte")
    size, digest = blobs[0]
    try:
        answer = await probe.get_blob(digest, headers={"Range": "bytes=1-1"})
    except InvalidContent:
        raise Unsupported("GET of one byte of a blob is answered with all of it") from None
    if answer.status == 200:
        raise Unsupported("GET of one byte of a blob is answered with all of it")
    expect(answer, 206)
    header(answer, "Content-Range", f"bytes 1-1/{size}")
    if len(answer.body) != 1:
        raise Failed(f"GET of one byte of a blob gives {len(answer.body)} bytes")
    return None


async def _missing(probe: Probe) -> str | None:
    expect(await probe.get_manifest(Digest.of(probe.data())), 404)
    expect(await probe.get_manifest(probe.tag("missing")), 404)
    return None


async def _tags(probe: Probe) -> str | None:
    reference = probe.site.reference
    found = await listing.every(probe)
    if reference and reference.tag and reference.tag not in found:
        raise Failed(f"{reference.tag} is not among the {len(found)} tags that are listed")
    return f"{len(found)} tags"


async def _tag_pages(probe: Probe) -> str | None:
    first = await listing.page(probe, {"n": "1"})
    found = listing.names(first)
    if len(found) > 1:
        raise Failed(f"n=1 is answered with {len(found)} tags")
    if not found:
        raise Untried("there are no tags")
    behind = listing.names(await listing.page(probe, {"n": "1", "last": found[0]}))
    if behind == found:
        raise Failed(f"n=1 and last={found[0]} are answered with the same tag again")
    if behind and listing.following(first) is None:
        raise Unsupported("a page that is not the last one has no Link to the next")
    return None


async def _referrers(probe: Probe) -> str | None:
    manifest = await _get(probe, _which(probe))
    answer = await referrers.ask(probe, manifest.digest)
    header(answer, "Content-Type", types.OCI_INDEX)
    return f"{len(referrers.entries(answer))} referrers"


_AFTER, _AFTER_ALL = ("read-manifest",), ("read-children",)
CHECKS = Group(
    "reading",
    (
        Check("read-manifest", "the reference leads to a manifest", _manifest, needed=True, after=("ping",)),
        Check("read-digest", "the manifest comes back by its digest", _by_digest, needed=True, after=_AFTER),
        Check("read-head", "HEAD finds the manifest, and tells its length", _head, after=_AFTER),
        Check("read-digest-header", "the digest of the manifest is told", _digest_header, after=_AFTER),
        Check("read-content-type", "the manifest is served as the type that it has", _content_type, after=_AFTER),
        Check("read-accept", "the manifest is found by who accepts its own type alone", _accept, after=_AFTER),
        Check("read-uncompressed", "the manifest is not compressed on its way", _uncompressed, after=_AFTER),
        Check("read-children", "all that the index lists is there", _children, needed=True, after=_AFTER),
        Check("read-config", "a config comes back byte for byte", _config, after=_AFTER_ALL),
        Check("read-blobs", "the configs and layers are there", _blobs, after=_AFTER_ALL),
        Check("read-range", "a part of a blob is served", _range, after=_AFTER_ALL),
        Check("read-missing", "what is not there is answered with 404", _missing, after=_AFTER),
        Check("read-tags", "the tag of the reference is listed", _tags, after=_AFTER),
        Check("read-tag-pages", "tags are listed in pages", _tag_pages, after=("read-tags",)),
        Check("read-referrers", "referrers are listed", _referrers, after=_AFTER),
    ),
)
