"""What is served to whom: the types that a client accepts, and how it says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from multidict import CIMultiDict

from manifest_tool.conformance import images, manifests
from manifest_tool.conformance.check import Check, Failed, Question, Unsupported
from manifest_tool.conformance.checks.content import DIGEST
from manifest_tool.conformance.record import words
from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest

if TYPE_CHECKING:
    from manifest_tool.conformance.images import Content
    from manifest_tool.conformance.probe import Probe
    from manifest_tool.registry.answers import Answer

_INDEXES = (types.OCI_INDEX, types.DOCKER_LIST)
_IMAGES = (types.OCI_MANIFEST, types.DOCKER_MANIFEST)
_IMAGE_OF = {types.OCI_INDEX: types.OCI_MANIFEST, types.DOCKER_LIST: types.DOCKER_MANIFEST}
_NOT_FOR_YOU = frozenset({404, 406})


async def _index(probe: Probe, tag: str, media_type: str = types.OCI_INDEX) -> Content:
    child = images.image(probe.nonce(), media_type=_IMAGE_OF[media_type])
    await manifests.push(probe, child)
    index = images.index([child.descriptor()], media_type)
    await manifests.put(probe, index, tag, "an index")
    await manifests.exact(probe, tag, index)
    return index


async def _own(probe: Probe) -> str | None:
    tag = probe.tag("accept-own")
    index = await _index(probe, tag)
    answer = await manifests.read(probe, tag, headers={"Accept": index.media_type})
    manifests.same(answer, index, "GET with the index's own type accepted")
    return None


async def _indexes(probe: Probe) -> str | None:
    tag = probe.tag("accept-indexes")
    index = await _index(probe, tag)
    answer = await manifests.read(probe, tag, headers={"Accept": ", ".join(_INDEXES)})
    manifests.same(answer, index, "GET with the types of indexes accepted")
    return None


async def _lines(probe: Probe) -> str | None:
    tag = probe.tag("accept-lines")
    index = await _index(probe, tag)
    # The one that counts stands first, where whoever sees but the last line misses it.
    lines = CIMultiDict([("Accept", name) for name in (*_INDEXES, *_IMAGES)])
    answer = await manifests.read(probe, tag, headers=lines)
    manifests.same(answer, index, "GET with one line of Accept for each type")
    return None


async def _any(probe: Probe) -> str | None:
    tag = probe.tag("accept-any")
    index = await _index(probe, tag)
    answer = await probe.ask("GET", probe.repository.manifest_path(tag), headers={"Accept": "*/*"})
    if answer.status in _NOT_FOR_YOU:
        raise Unsupported(f"to whoever accepts */*, as curl does, it is answered with {words(answer)}")
    return _told(answer, index)


def _image(media_type: str, name: str) -> Question:
    async def ask(probe: Probe) -> str | None:
        tag = probe.tag(name)
        index = await _index(probe, tag, media_type)
        headers = {"Accept": ", ".join(_IMAGES)}
        answer = await probe.ask("GET", probe.repository.manifest_path(tag), headers=headers)
        return words(answer) if answer.status in _NOT_FOR_YOU else _told(answer, index)

    return ask


def _told(answer: Answer, index: Content) -> str:
    """What whoever did not name the type of an index was given; raises `Failed` where it is nothing of use."""
    if answer.status == 200 and answer.body == index.raw:
        return "the index all the same"
    if answer.status != 200:
        raise Failed(f"GET was answered with {words(answer)}, where 200 or 404 was expected")
    content_type, digest = types.essence(answer.headers.get("Content-Type", "")), Digest.of(answer.body)
    if answer.headers.get(DIGEST, str(digest)) != str(digest):
        raise Failed(f"GET gives {content_type} with the digest {digest}, and calls it {answer.headers[DIGEST]}")
    if content_type not in _IMAGES:
        raise Failed(f"GET gives {content_type}, which was neither pushed nor asked for")
    return f"one of its images, {digest}"


_OCI, _DOCKER = ("index-oci",), ("list-docker",)
CHECKS = (
    Check("accept-own", "an index is sent to a client that accepts only its type", _own, after=_OCI),
    Check("accept-indexes", "an index is sent to a client that accepts only indexes", _indexes, after=_OCI),
    Check("accept-lines", "Accept may consist of several header lines", _lines, after=_OCI),
    Check("accept-any", "an index is sent to a client that accepts */*", _any, after=_OCI),
    Check(
        "accept-images",
        "a client that accepts only images is not misled by an OCI index",
        _image(types.OCI_INDEX, "accept-images"),
        after=_OCI,
    ),
    Check(
        "accept-images-docker",
        "a client that accepts only images is not misled by a Docker list",
        _image(types.DOCKER_LIST, "accept-images-docker"),
        after=_DOCKER,
    ),
)
