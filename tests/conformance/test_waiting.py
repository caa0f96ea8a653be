"""Looking again, on a clock that only sleeping moves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from manifest_tool.conformance.site import Site
from manifest_tool.conformance.waiting import told, until
from manifest_tool.oci.reference import Registry, Repository
from manifest_tool.registry.client import Client
from manifest_tool.registry.credentials import Keychain
from manifest_tool.registry.transport import Options
from tests.registry.parts import Clock


async def _looked(answers: Iterator[bool], seconds: float) -> tuple[bool, float, list[float]]:
    clock = Clock()
    repository = Repository(Registry.parse("example.com"), "app")
    async with Client.opened(Options(), Keychain()) as client:
        where = Site(client.sender, repository, repository, patience=clock.retry())

        async def look() -> bool:
            return next(answers)

        found, waited = await until(where, look, bool, seconds)
    return found, waited, clock.pauses


async def test_what_is_there_takes_no_time() -> None:
    assert await _looked(iter([True]), 10) == (True, 0.0, [])


async def test_pauses_grow_up_to_two_seconds() -> None:
    found, waited, pauses = await _looked(iter([False] * 7 + [True]), 60)
    assert (found, pauses) == (True, [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0])
    assert waited == pytest.approx(7.1)


async def test_it_is_given_up_after_its_time_and_not_later() -> None:
    found, waited, pauses = await _looked(iter([False] * 100), 1)
    assert not found
    assert waited == pytest.approx(1.0)
    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.3])


def test_times_are_told_for_people() -> None:
    assert (told(0.0), told(0.84)) == ("at once", "after 0.8 s")
