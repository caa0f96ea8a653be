"""Referrers: as a registry lists them, and by the tag schema for those that list none (distribution-spec § Listing
Referrers)."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from manifest_tool.errors import InvalidContent
from manifest_tool.oci import media_type as types
from manifest_tool.oci.manifest import Manifest
from manifest_tool.registry import answers, links
from manifest_tool.registry.auth import Access

if TYPE_CHECKING:
    from manifest_tool.oci.descriptor import Descriptor
    from manifest_tool.oci.digest import Digest
    from manifest_tool.oci.reference import Repository
    from manifest_tool.registry.answers import Answer
    from manifest_tool.registry.sender import Sender
    from manifest_tool.registry.transport import Request

_LISTS_NONE = frozenset({400, 404, 405, 501})
_NEXT = re.compile(r"""<([^<>]*)>[^<,]*;\s*rel="?next\b""", re.IGNORECASE)
"""The next page, in a ``Link`` (RFC 8288)."""
_MAX_PAGES = 100


async def listed(sender: Sender, repository: Repository, subject: Digest) -> tuple[Descriptor, ...] | None:
    """What the registry lists, page after page, or none where it lists no referrers of anything."""
    what = f"list the referrers of {repository}@{subject}"
    request = sender.request("GET", repository, repository.referrers_path(subject))
    limit = sender.transport.options.manifest_limit
    request = replace(request, headers={"Accept": types.OCI_INDEX}, limit=limit, expected=_LISTS_NONE | {200})
    found: list[Descriptor] = []
    for page in range(_MAX_PAGES):
        answer = await sender.send(repository, Access.to(repository, "pull"), request)
        if not page and _is_none(answer):
            return None
        if answer.status != 200:
            raise await sender.error(what, repository, answer)
        found += _entries(what, answer)
        following = _NEXT.search(", ".join(answer.headers.getall("Link", [])))
        if following is None:
            return tuple(found)
        request = _following(what, request, answer, following[1])
    raise InvalidContent(f"cannot {what}, there are more than {_MAX_PAGES} pages")


def _is_none(answer: Answer) -> bool:
    """Whether this is no list; a page that says 200 is that of something else than a registry."""
    kind = types.essence(answer.headers.get("Content-Type", ""))
    return answer.status in _LISTS_NONE or (answer.status == 200 and kind != types.OCI_INDEX)


def _entries(what: str, answer: Answer) -> tuple[Descriptor, ...]:
    try:
        return Manifest.parse(answer.body, types.OCI_INDEX).manifests
    except ValueError as error:
        raise InvalidContent(f"cannot {what}, {error}", answers.exchange(replace(answer, body=b""))) from None


def _following(what: str, request: Request, answer: Answer, link: str) -> Request:
    try:
        return replace(request, url=links.follow(answer.url, link))
    except ValueError as error:
        about = answers.exchange(replace(answer, body=b""))
        raise InvalidContent(f"cannot {what}, the Link to the next page {error}", about) from None


def tag(subject: Digest) -> str:
    """The tag under which the referrers of a manifest are listed."""
    return f"{subject.algorithm[:32]}-{subject.hex[:64]}"


def entry(referrer: Manifest) -> dict[str, Any]:
    """What a list of referrers says of one."""
    kind = referrer.artifact_type or (referrer.config.media_type if referrer.config else "")
    fields = {
        "mediaType": referrer.media_type,
        "digest": str(referrer.digest),
        "size": referrer.size,
        "artifactType": kind,
        "annotations": dict(referrer.annotations),
    }
    return {name: value for name, value in fields.items() if value}


def listing(before: Manifest | None, referrer: Manifest) -> bytes | None:
    """The list with one more referrer, or none where it has it."""
    document = json.loads(before.raw) if before else {}
    if before and any(listed.digest == referrer.digest for listed in before.manifests):
        return None
    entries = [*(document.get("manifests") or ()), entry(referrer)]
    return json.dumps({**document, "schemaVersion": 2, "mediaType": types.OCI_INDEX, "manifests": entries}).encode()
