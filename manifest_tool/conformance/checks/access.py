"""How a registry wants to be asked: the root of the API, challenges, tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifest_tool.conformance.check import Check, Group
from manifest_tool.conformance.probe import expect

if TYPE_CHECKING:
    from manifest_tool.conformance.probe import Probe


async def _ping(probe: Probe) -> str | None:
    expect(await probe.ask("GET", "/v2/"), 200)
    return None


CHECKS = Group("access", (Check("ping", "the root of the API says that this is a registry", _ping, needed=True),))
