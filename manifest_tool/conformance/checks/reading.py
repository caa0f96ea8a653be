"""What a reference shows of a registry without anything being written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifest_tool.conformance.check import Check, Failed, Group, Unsupported, Untried
from manifest_tool.conformance.checks import below, headers, listing, reference, referrers
from manifest_tool.conformance.hold import expect, header
from manifest_tool.conformance.images import Content
from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest

if TYPE_CHECKING:
    from manifest_tool.conformance.probe import Probe
    from manifest_tool.oci.manifest import Manifest
    from manifest_tool.registry.answers import Answer


async def _manifest(probe: Probe) -> str | None:
    manifest = await reference.get(probe, reference.which(probe))
    return f"{manifest.media_type}, {manifest.digest}"


async def _by_digest(probe: Probe) -> str | None:
    digest = (await reference.get(probe, reference.which(probe))).digest
    reference.parsed(expect(await probe.get_manifest(digest), 200), digest)
    return None


async def _head(probe: Probe) -> str | None:
    manifest = await reference.get(probe, reference.which(probe))
    for which in (reference.which(probe), manifest.digest):
        headers.is_head(await probe.get_manifest(which, "HEAD"))
    return None


async def _length(probe: Probe) -> str | None:
    manifest = await reference.get(probe, reference.which(probe))
    answer = await probe.get_manifest(manifest.digest, "HEAD")
    headers.is_head(answer)
    headers.is_length(answer, _content(manifest))
    return None


async def _digest_header(probe: Probe) -> str | None:
    for answer, content in await _answers(probe):
        headers.is_digest(answer, content)
    return None


async def _content_type(probe: Probe) -> str | None:
    for answer, content in await _answers(probe):
        header(answer, "Content-Type", content.media_type)
    return None


async def _answers(probe: Probe) -> list[tuple[Answer, Content]]:
    """The answers to GET, and to HEAD where it is one, with what they are about."""
    which = reference.which(probe)
    got = expect(await probe.get_manifest(which), 200)
    content = _content(reference.parsed(got))
    head = await probe.get_manifest(which, "HEAD")
    return [(got, content), *([(head, content)] if head.status == 200 else [])]


def _content(manifest: Manifest) -> Content:
    return Content(manifest.raw, manifest.media_type)


async def _accept(probe: Probe) -> str | None:
    which = reference.which(probe)
    manifest = await reference.get(probe, which)
    answer = expect(await probe.get_manifest(which, accept=manifest.media_type), 200)
    if answer.body != manifest.raw:
        raise Failed(f"GET gives something else to who accepts {manifest.media_type} alone")
    return None


async def _uncompressed(probe: Probe) -> str | None:
    path = probe.repository.manifest_path(reference.which(probe))
    asked = {"Accept": types.ACCEPT, "Accept-Encoding": "gzip"}
    headers.is_uncompressed(expect(await probe.ask("GET", path, headers=asked), 200))
    return None


async def _missing(probe: Probe) -> str | None:
    expect(await probe.get_manifest(Digest.of(probe.data())), 404)
    expect(await probe.get_manifest(probe.tag("missing")), 404)
    return None


async def _tags(probe: Probe) -> str | None:
    named = probe.site.reference
    found = await listing.every(probe)
    if named and named.tag and named.tag not in found:
        raise Failed(f"{named.tag} is not among the {len(found)} tags that are listed")
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
    manifest = await reference.get(probe, reference.which(probe))
    answer = await referrers.ask(probe, manifest.digest)
    header(answer, "Content-Type", types.OCI_INDEX)
    return f"{len(referrers.entries(answer))} referrers"


_AFTER, _AFTER_ALL = ("read-manifest",), ("read-children",)
CHECKS = Group(
    "reading",
    (
        Check("read-manifest", "the manifest is found", _manifest, needed=True),
        Check("read-digest", "the manifest is found by its digest too", _by_digest, needed=True, after=_AFTER),
        Check("read-head", "HEAD finds the manifest", _head, after=_AFTER),
        Check("read-digest-header", "Docker-Content-Digest is right", _digest_header, after=_AFTER),
        Check("read-length", "Content-Length is right", _length, after=("read-head",)),
        Check("read-content-type", "Content-Type is the manifest's media type", _content_type, after=_AFTER),
        Check("read-accept", "the manifest is sent to a client that accepts only its type", _accept, after=_AFTER),
        Check("read-uncompressed", "the manifest is sent without compression", _uncompressed, after=_AFTER),
        Check("read-children", "all images of the index are there", below.children, needed=True, after=_AFTER),
        Check("read-config", "a config is returned byte for byte", below.config, after=_AFTER_ALL),
        Check("read-blobs", "all configs and layers are there", below.blobs, after=_AFTER_ALL),
        Check("read-range", "a range of a blob can be fetched", below.part, after=_AFTER_ALL),
        Check("read-missing", "an unknown manifest is answered with 404", _missing, after=_AFTER),
        Check("read-tags", "the tag is listed", _tags, after=_AFTER),
        Check("read-tag-pages", "tags are listed in pages", _tag_pages, after=("read-tags",)),
        Check("read-referrers", "referrers are listed", _referrers, after=_AFTER),
    ),
)
