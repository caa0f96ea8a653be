"""The walk: spec → resolve → assemble → push."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from manifest_tool import index, pusher, resolver
from manifest_tool.concurrency import both
from manifest_tool.errors import ManifestToolError
from manifest_tool.events import Noticed, Observer, Published, ignore
from manifest_tool.registry.auth import Access
from manifest_tool.registry.client import Client
from manifest_tool.registry.credentials import Credential, Keychain, configured

if TYPE_CHECKING:
    from manifest_tool.index import Plan
    from manifest_tool.oci.kind import Kind
    from manifest_tool.oci.reference import Registry
    from manifest_tool.pusher import Receipt
    from manifest_tool.registry.transport import Options
    from manifest_tool.spec.model import Spec


_AT_ONCE = 7
"""Requests for one image that go out together: to mount its config and, it may well be, five layers, and to read it."""


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach registries, and as whom."""

    options: Options
    credential: Credential | None = None
    """From the command line; for the target's registry alone."""
    docker_cfg: str = ""
    """A file or folder, and the only one that is read; empty for where Docker and podman keep theirs."""


@asynccontextmanager
async def connected(
    connection: Connection, target: Registry | None, observe: Observer = ignore
) -> AsyncIterator[Client]:
    """A client for one run, and the registry that the account of the command line is one of."""
    configs = configured(connection.docker_cfg)
    keychain = Keychain(*configs, explicit=connection.credential, explicit_for=target, observe=observe)
    async with Client.opened(connection.options, keychain, observe) as client:
        yield client


async def plan(spec: Spec, kind: Kind, client: Client, *, ignore_missing: bool, observe: Observer = ignore) -> Plan:
    """What would be published; nothing is written."""
    index.check(spec, kind)
    client = client.expecting(resolver.access(spec))
    async with resolver.resolving(spec, client, ignore_missing=ignore_missing, observe=observe) as sources:
        made = index.assemble(spec, await sources.described(await sources.found()), kind)
    _tell(made, observe)
    return made


async def push(spec: Spec, kind: Kind, client: Client, *, ignore_missing: bool, observe: Observer = ignore) -> Receipt:
    """Publish the spec.

    The target's tags are looked at beside the sources, whose configs are read as each is found. Blobs are mounted
    beside that, but never before every source is known to be there.
    """
    index.check(spec, kind)
    client = client.expecting(Access.to(spec.repository, "pull", "push") | resolver.access(spec))
    client.sender.transport.expect(spec.repository.registry, _requests_at_once(spec))
    stage = pusher.Stage(spec.repository, client, observe)
    fates = pusher.Fates(spec.tags)
    try:
        async with resolver.resolving(spec, client, ignore_missing=ignore_missing, observe=observe) as sources:
            survey = pusher.survey(spec.repository, spec.tags, client, with_children=_crosses(spec))
            found, standing = await both(sources.found(), survey)
            described, staged = await both(sources.described(found), stage.run(found, standing))
        made = index.assemble(spec, described, kind)
        _tell(made, observe)
        receipt = await pusher.Push(made, staged, standing, fates, client, observe).run()
    except ManifestToolError:
        await stage.release()
        raise
    except asyncio.CancelledError:
        await stage.release()
        raise asyncio.CancelledError(str(fates)) from None
    observe(Published(spec.reference, receipt.written, Counter(blob.how for blob in receipt.blobs if blob.how)))
    return receipt


def _requests_at_once(spec: Spec) -> int:
    """How many requests may go to the target's registry together, before its images are known."""
    here = [
        entry.reference.repository
        for entry in spec.entries
        if entry.reference.repository.registry == spec.repository.registry
    ]
    mounts = sum(repository != spec.repository for repository in here) * _AT_ONCE
    return max(mounts, len(here)) + len(spec.tags)


def _crosses(spec: Spec) -> bool:
    """Whether something lies in another repository than the target's."""
    return any(entry.reference.repository != spec.repository for entry in spec.entries)


def _tell(made: Plan, observe: Observer) -> None:
    for notice in made.notices:
        observe(Noticed(notice))
