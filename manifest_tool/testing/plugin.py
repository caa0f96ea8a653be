"""The fixtures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack

import pytest

from manifest_tool.testing.registries import Registry, StartRegistry, registry

_OPEN: Callable[..., AbstractContextManager[Registry]] = registry


@pytest.fixture
def oci_registry(start_oci_registry: StartRegistry) -> Registry:
    """An empty OCI registry in memory, on a free loopback port."""
    return start_oci_registry()


@pytest.fixture
def start_oci_registry(request: pytest.FixtureRequest) -> Iterator[StartRegistry]:
    """Starts registries with other options, each of which runs until the test ends.

    A test that fails shows what each was asked for.
    """
    started: list[Registry] = []
    with ExitStack() as running:

        def start(*arguments: object, **options: object) -> Registry:
            started.append(running.enter_context(_OPEN(*arguments, **options)))
            return started[-1]

        yield start
    for one in started:
        if len(one.log):
            request.node.add_report_section("teardown", f"requests to {one.host}", str(one.log))
