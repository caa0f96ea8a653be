"""Before a run: what would make every check fail in the same way is one error, and not forty failures."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import TYPE_CHECKING

from manifest_tool.conformance.check import Limited
from manifest_tool.conformance.probe import Probe
from manifest_tool.errors import RegistryError, Unauthorized, Unreachable
from manifest_tool.registry import answers
from manifest_tool.registry.upload import Upload, cancel

if TYPE_CHECKING:
    from manifest_tool.conformance.site import Site
    from manifest_tool.oci.reference import Reference
    from manifest_tool.registry.answers import Answer

_DENIED = frozenset({401, 403})
_SECONDS = 30.0
"""In which somebody has to answer at all."""


async def reach(site: Site) -> None:
    """Ask for the root of the API, which only shows that somebody answers, and for the right that the run stands on.

    Raises `Unreachable` and `Unauthorized`, and `RegistryError` where something has to be made first, or is not there.
    Whatever else is wrong is for the checks to tell.
    """
    probe = Probe(site)
    try:
        async with asyncio.timeout(_SECONDS):
            await _told(probe.ask("GET", "/v2/"), Unreachable)
    except TimeoutError:
        raise Unreachable(f"{site.repository.registry} did not answer within {_SECONDS:.0f} s") from None
    if site.reference:
        await _read(probe, site.reference)
    else:
        await _write(probe)


async def _read(probe: Probe, reference: Reference) -> None:
    answer = await _told(probe.get_manifest(reference.which), Unauthorized)
    if answer and answer.status in {*_DENIED, 404}:
        raise await probe.site.sender.error(f"pull {reference}", reference.repository, answer)


async def _write(probe: Probe) -> None:
    site, repository = probe.site, probe.repository
    answer = await _told(probe.ask("POST", repository.uploads_path), Unauthorized)
    if answer and answer.status == 202:
        with suppress(RegistryError):
            await cancel(site.sender, repository, Upload.of(answer))
    elif answer and answer.status in _DENIED:
        raise await site.sender.error(f"push to {repository}", repository, answer)
    elif answer and answer.status == 404 and "NAME_UNKNOWN" in answers.exchange(answer).codes:
        hint = f"here, repositories have to be made first; make {repository} and {site.other}"
        raise answers.error(f"push to {repository}", answer, hint=hint)


async def _told(asking: Awaitable[Answer], *fatal: type[RegistryError]) -> Answer | None:
    """The answer, if there is one; raises what is fatal."""
    try:
        return await asking
    except fatal:
        raise
    except (RegistryError, Limited):
        return None
