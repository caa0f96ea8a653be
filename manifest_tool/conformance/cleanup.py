"""Taking out of a registry what a run has put there: tags, manifests from the top down, blobs, open uploads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifest_tool.concurrency import outcomes
from manifest_tool.errors import RegistryError
from manifest_tool.registry.auth import Access
from manifest_tool.registry.transport import Request

if TYPE_CHECKING:
    from yarl import URL

    from manifest_tool.conformance.probe import Site
    from manifest_tool.oci.reference import Repository

_GONE = frozenset({200, 202, 204, 404})
_FINAL = frozenset(range(100, 600)) - {429, 502, 503, 504}


async def remove(site: Site) -> tuple[str, ...]:
    """Remove everything in the ledger; the references of tags and manifests that the registry did not let go."""
    ledger = site.ledger
    tags = {f"{repository}:{tag}": (repository, repository.manifest_path(tag)) for repository, tag in ledger.tags}
    manifests = {
        f"{repository}@{digest}": (repository, repository.manifest_path(digest))
        for repository, digest in reversed(ledger.manifests)
    }
    blobs = ((repository, repository.blob_path(digest)) for repository, digest in ledger.blobs)
    left = [name for name, where in tags.items() if not await _delete(site, *where)]
    # What lists others was put after them, and is taken away before them.
    left += [name for name, where in manifests.items() if not await _delete(site, *where)]
    await outcomes(_delete(site, *where) for where in blobs)
    await outcomes(_delete(site, repository, location) for repository, location in ledger.uploads)
    gone = {name.rpartition("@")[0] for name in manifests.keys() - set(left)}
    # A registry that deletes no tag has none any more once its manifest is gone.
    return tuple(name for name in left if "@" in name or name.rpartition(":")[0] not in gone)


def kept(site: Site) -> tuple[str, ...]:
    """The references that stay in the registry."""
    tags = (f"{repository}:{tag}" for repository, tag in site.ledger.tags)
    return (*tags, *(f"{repository}@{digest}" for repository, digest in site.ledger.manifests))


async def _delete(site: Site, repository: Repository, where: str | URL) -> bool:
    sender = site.sender
    url = sender.transport.url(repository.registry, where) if isinstance(where, str) else where
    request = Request("DELETE", url, expected=_FINAL)
    try:
        answer = await sender.send(repository, Access.to(repository, "pull", "push", "delete"), request)
    except RegistryError:
        return False
    return answer.status in _GONE
