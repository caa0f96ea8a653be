"""The clients that people push and pull with, each with nothing of this machine's own."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests import harness

if TYPE_CHECKING:
    from manifest_tool.oci.platform import Platform


@dataclass(frozen=True, slots=True)
class Clients:
    """Programs that keep what they know in one folder; each gives what it prints, or skips where it is missing."""

    folder: Path

    def skopeo(self, *arguments: str) -> str:
        return self.run([harness.need("skopeo"), "--insecure-policy", *arguments])

    def podman(self, *arguments: str) -> str:
        settings = [*self._storage, "--cgroup-manager", "cgroupfs", "--events-backend", "file"]
        return self.run([harness.need("podman"), *settings, *arguments])

    def buildah(self, *arguments: str) -> str:
        return self.run([harness.need("buildah"), *self._storage, *arguments])

    def docker_manifest(self, *arguments: str) -> str:
        return self.run([harness.need("docker"), "manifest", *arguments])

    @property
    def _storage(self) -> list[str]:
        return ["--root", f"{self.folder}/root", "--runroot", f"{self.folder}/run", "--storage-driver", "vfs"]

    def run(self, command: list[str]) -> str:
        done = self.tried(command)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def tried(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """How a command ends."""
        environment = {
            **os.environ,
            "BUILDAH_ISOLATION": "chroot",
            "DOCKER_CONFIG": str(self.folder),
            "REGISTRY_AUTH_FILE": str(self.folder / "auth.json"),
            "XDG_RUNTIME_DIR": str(self.folder),
        }
        return subprocess.run(command, capture_output=True, env=environment, text=True, timeout=60)


@contextmanager
def clients() -> Iterator[Clients]:
    """Clients with a new folder."""
    with tempfile.TemporaryDirectory(prefix="clients-") as name:  # pytest's own are too long for podman
        folder = Path(name)
        (folder / "auth.json").write_text("{}")
        yield Clients(folder)


def overrides(platform: Platform) -> list[str]:
    """How skopeo is told to pretend to be of a platform."""
    return [f"--override-{option}={value}" for option, value in _named(platform)]


def wanted(platform: Platform) -> list[str]:
    """How podman and buildah are."""
    return [f"--{option}={value}" for option, value in _named(platform)]


def _named(platform: Platform) -> list[tuple[str, str]]:
    fields = (("os", platform.os), ("arch", platform.architecture), ("variant", platform.variant))
    return [(option, value) for option, value in fields if value]
