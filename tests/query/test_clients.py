"""Clients one after the other: when another one is opened, and when the last one is closed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from manifest_tool.query.clients import Clients
from manifest_tool.registry.client import Client
from tests.registry import parts
from tests.registry.parts import Clock


class Doors:
    """Opens clients, and counts how many were opened and are open."""

    def __init__(self) -> None:
        self.opened = 0
        self.open = 0

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Client]:
        self.opened += 1
        self.open += 1
        async with parts.client() as client:
            yield client
        self.open -= 1


@pytest.fixture
def doors() -> Doors:
    return Doors()


async def test_one_is_lent_again_and_again(doors: Doors) -> None:
    clients = Clients(doors)
    async with clients.borrowed() as one, clients.borrowed() as other:
        assert one is other
    async with clients.borrowed() as again:
        assert one is again
    assert doors.opened == 1
    await clients.close()
    assert doors.open == 0


async def test_another_one_comes_when_its_time_is_over(doors: Doors) -> None:
    clock = Clock()
    clients = Clients(doors, seconds=10, clock=clock)
    async with clients.borrowed() as one:
        clock.now += 10
        async with clients.borrowed() as other:
            assert (one is other, doors.open) == (False, 2)
    assert doors.open == 1
    await clients.close()
    assert doors.open == 0


async def test_another_one_comes_when_it_was_lent_often_enough(doors: Doors) -> None:
    clients = Clients(doors, uses=2)
    for _ in range(4):
        async with clients.borrowed():
            assert doors.open == 1
    assert doors.opened == 2
    await clients.close()


async def test_closing_waits_for_who_uses_it(doors: Doors) -> None:
    clients = Clients(doors)
    async with clients.borrowed():
        await clients.close()
        assert doors.open == 1
    assert doors.open == 0
    await clients.close()
