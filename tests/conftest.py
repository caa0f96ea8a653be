"""Fixtures: registries that really run, and the program."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from manifest_tool.server.serve import Running, serving
from tests import harness


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep credentials, proxies and terminals of whoever runs the tests out of them."""
    for name in list(os.environ):
        if name.startswith("REGISTRY_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path_factory.mktemp("docker-config")))
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def embedded() -> Iterator[Running]:
    """The embedded registry on a free loopback port."""
    with serving() as running:
        yield running


@pytest.fixture
def docker_registry(tmp_path: Path) -> Iterator[str]:
    """Debian's docker-registry, empty, on a free loopback port; gives its ``host:port``."""
    program = harness.need("docker-registry")
    with harness.docker_registry(program, tmp_path / "docker-registry") as host:
        yield host


@pytest.fixture(params=["embedded", pytest.param("docker-registry", marks=pytest.mark.docker_registry)])
def any_registry(request: pytest.FixtureRequest) -> str:
    """The ``host:port`` of each registry in turn."""
    if request.param == "embedded":
        running: Running = request.getfixturevalue("embedded")
        return running.host
    host: str = request.getfixturevalue("docker_registry")
    return host
