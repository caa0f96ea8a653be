"""From a name on the command line to a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifest_tool.conformance import catalogue
from manifest_tool.conformance.probe import Site
from manifest_tool.conformance.run import Tell, run
from manifest_tool.errors import UsageError
from manifest_tool.oci.reference import Reference, Repository

if TYPE_CHECKING:
    from manifest_tool.conformance.result import Report
    from manifest_tool.registry.client import Client

_NAMES = ("manifest-tool-test", "manifest-tool-test-2")
"""The repositories below the namespace; there are registries in which they have to be made first."""


def repositories(text: str) -> tuple[Repository, Repository]:
    """The two repositories of ``HOST[:PORT]/NAMESPACE``; raises `InvalidReference`, `UsageError`."""
    reference = Reference.parse(f"{text.rstrip('/')}/{_NAMES[0]}")
    if reference.tag or reference.digest:
        raise UsageError(f"{text} is no namespace: it has a tag or a digest")
    main = reference.repository
    return main, Repository(main.registry, main.name.removesuffix(_NAMES[0]) + _NAMES[1])


async def write(text: str, client: Client, tell: Tell, *, keep: bool = False) -> Report:
    """Test what a registry does with what is put into a namespace."""
    main, other = repositories(text)
    return await run(catalogue.WRITING, Site(client.sender, main, other), tell, keep=keep)


async def read(reference: Reference, client: Client, tell: Tell) -> Report:
    """Test what can be tested on an image that is there, and write nothing."""
    repository = reference.repository
    site = Site(client.sender, repository, repository, reference=reference)
    return await run(catalogue.READING, site, tell)
