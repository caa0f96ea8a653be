"""Fixtures: registries that really run, and the program."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from manifest_tool.cli import app
from manifest_tool.testing import Registry
from tests import harness

pytest_plugins = ["manifest_tool.testing"]

# Properties are judged by what they find, not by how fast this machine is just now.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# A shell that runs the tests in the background has them, and so the programs that they start, ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep credentials, proxies and terminals of whoever runs the tests out of them."""
    for name in list(os.environ):
        if name.startswith(("REGISTRY_", "MANIFEST_TOOL_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name in ("DOCKER_AUTH_CONFIG", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("DOCKER_CONFIG", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path_factory.mktemp("config")))
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def embedded(oci_registry: Registry) -> Registry:
    """The embedded registry on a free loopback port."""
    return oci_registry


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
        running: Registry = request.getfixturevalue("embedded")
        return running.host
    host: str = request.getfixturevalue("docker_registry")
    return host


class Program:
    """The command line, run in this process; what it prints is taken from the file descriptors."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self._folder = folder
        self._capture = capture

    def __call__(self, *arguments: str) -> harness.Ran:
        self._capture.readouterr()
        code = app.run(["--retries", "0", *arguments])
        stdout, stderr = self._capture.readouterr()
        assert "Traceback" not in stderr
        return harness.Ran(code, stdout, stderr)

    def push(self, spec: str, *options: str) -> harness.Ran:
        """``push from-spec`` of a spec's text."""
        path = self._folder / "spec.yaml"
        path.write_text(spec)
        return self("push", "from-spec", *options, str(path))


@pytest.fixture
def program(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Program:
    """The command line."""
    return Program(tmp_path, capfd)
