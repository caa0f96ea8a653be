"""One check, tried by itself on a registry that really runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from manifest_tool.conformance import catalogue
from manifest_tool.conformance.check import Group
from manifest_tool.conformance.result import Report, Result
from manifest_tool.conformance.run import run
from manifest_tool.conformance.site import Site
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.reference import Registry, Repository
from manifest_tool.registry.client import Client
from manifest_tool.registry.credentials import Keychain
from manifest_tool.registry.transport import Options
from manifest_tool.server.memory import MemoryStore
from manifest_tool.server.serve import Running
from tests.registry.parts import Clock

NAME, OTHER = "acme/manifest-tool-test", "acme/manifest-tool-test-2"
COMMON = {Digest.of(data, algorithm) for data in (b"", b"{}") for algorithm in ("sha256", "sha512")}
_CHECKS = {check.id: check for group in catalogue.WRITING for check in group.checks}


@asynccontextmanager
async def site(host: str, keychain: Keychain | None = None, attempts: int = 2) -> AsyncIterator[Site]:
    """A registry to test, on a clock on which no pause takes any time."""
    options = Options(retry=Clock().retry(attempts))
    async with Client.opened(options, keychain or Keychain()) as client:
        registry = Registry.parse(host)
        yield Site(client.sender, Repository(registry, NAME), Repository(registry, OTHER), patience=options.retry)


async def report(where: Site, *ids: str, keep: bool = False) -> Report:
    """A run of these checks, without those that they stand on."""
    group = Group("some", tuple(replace(_CHECKS[name], after=()) for name in ids))
    return await run([group], where, lambda _: None, keep=keep)


async def tried(host: str, name: str, keychain: Keychain | None = None) -> Result:
    """What becomes of one check."""
    async with site(host, keychain) as where:
        (result,) = (await report(where, name)).results
    return result


def is_empty(running: Running) -> bool:
    """Whether nothing is in a registry but what other images have too."""
    store = running.store
    assert isinstance(store, MemoryStore)
    content = [
        repository for repository in store.repositories() if store.tags(repository) or store.manifests(repository)
    ]
    return not content and not store._sessions._open and set(store._bytes) <= COMMON
