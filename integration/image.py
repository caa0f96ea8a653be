"""The project's container image, built and run with buildah and podman: no engine runs on the machine for it.

Needs root. Everything lies in a storage of its own; of the machine, the certificates that pip trusts are used, and the
network.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integration.trial import ROOT

BASE = "docker.io/library/python:3.12-slim"
"""What the Dockerfile is built on where nothing else is asked for."""
CACHE = ROOT / ".cache" / "image"

_SECONDS = 600
_NOT_COPIED = (".*", "*.egg-info", "__pycache__", "build", "dist")


class Unavailable(Exception):
    """The image cannot be built or run here."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """A storage for images, and the programs that work on it."""

    folder: Path
    buildah_program: str
    podman_program: str

    @classmethod
    def open(cls, folder: Path) -> Workshop:
        """In a folder with a short name, for podman; raises `Unavailable`."""
        if os.geteuid() != 0:
            raise Unavailable("building the image needs root")
        buildah, podman = shutil.which("buildah"), shutil.which("podman")
        if buildah is None or podman is None:
            raise Unavailable(f"{'podman' if buildah else 'buildah'} is not installed")
        (folder / "auth.json").write_text("{}")
        return cls(folder, buildah, podman)

    @property
    def _storage(self) -> list[str]:
        return ["--root", f"{self.folder}/root", "--runroot", f"{self.folder}/run", "--storage-driver", "vfs"]

    def _call(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "BUILDAH_ISOLATION": "chroot",
            "REGISTRY_AUTH_FILE": f"{self.folder}/auth.json",
            "XDG_RUNTIME_DIR": str(self.folder),
        }
        return subprocess.run(command, capture_output=True, check=False, env=environment, text=True, timeout=_SECONDS)

    def buildah(self, *arguments: str) -> str:
        """What buildah prints; raises `RuntimeError` with its words where it fails."""
        done = self._call([self.buildah_program, *self._storage, *arguments])
        if done.returncode:
            raise RuntimeError(f"buildah {arguments[0]}: {done.stdout[-1000:]}{done.stderr[-3000:]}")
        return done.stdout.strip()

    def podman(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """How podman ended. runc is preferred, for crun refuses to run where control groups are of both kinds."""
        runtime = ["--runtime", "runc"] if shutil.which("runc") else []
        settings = ["--cgroup-manager", "cgroupfs", "--events-backend", "file", *runtime]
        return self._call([self.podman_program, *self._storage, *settings, *arguments])

    def run(self, image: str, *arguments: str, options: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """Run an image that cannot write to its own file system, and sees the network as the machine does."""
        limits = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"]  # podman's own need a right to raise them
        return self.podman("run", "--rm", "--network=host", "--read-only", *limits, *options, image, *arguments)

    def base(self) -> str:
        """The base image: what ``IMAGE_BASE`` names, else the usual one, else one made here; raises `Unavailable`."""
        name = os.environ.get("IMAGE_BASE", BASE)
        try:
            self.buildah("pull", "--quiet", name)
        except RuntimeError as failure:
            if name != BASE:
                raise Unavailable(f"{name} cannot be pulled") from failure
            return self.buildah("pull", "--quiet", f"oci-archive:{made_base()}")
        return name

    def build(self, context: Path, base: str, *, time: int, options: Sequence[str] = ()) -> str:
        """Build the Dockerfile of a folder with nothing from a cache, every time in it being `time`; gives the id."""
        arguments = ["--quiet", "--no-cache", "--timestamp", str(time), "--build-arg", f"BASE={base}"]
        arguments += ["--build-arg", f"SOURCE_DATE_EPOCH={time}", *self._trust(), *options]
        return self.buildah("build", *arguments, str(context)).splitlines()[-1]

    def _trust(self) -> list[str]:
        """Let pip in the build trust what it trusts here, where a proxy has an authority of its own."""
        bundle = os.environ.get("PIP_CERT")
        if not bundle:
            return []
        settings = self.folder / "pip.conf"
        settings.write_text(f"[global]\ncert = {bundle}\n")
        return ["--volume", f"{bundle}:{bundle}:ro", "--volume", f"{settings}:/etc/pip.conf:ro"]

    def config(self, image: str) -> Mapping[str, Any]:
        """The image's config, as the OCI image-spec has it."""
        found: Mapping[str, Any] = json.loads(self.buildah("inspect", "--type", "image", image))["OCIv1"]
        return found

    def size(self, image: str) -> int:
        """How many bytes the files of an image take."""
        done = self.podman("image", "inspect", "--format", "{{.Size}}", image)
        return int(done.stdout)


def made_base() -> Path:
    """The archive of a base image that is made here once and kept; raises `Unavailable`."""
    archive = CACHE / "python.tar"
    if not archive.exists():
        if shutil.which("debootstrap") is None:
            raise Unavailable(f"{BASE} cannot be pulled, and debootstrap is not installed")
        CACHE.mkdir(parents=True, exist_ok=True)
        script = str(ROOT / "integration" / "make-python-base.sh")
        done = subprocess.run([script, str(archive)], capture_output=True, check=False, text=True, timeout=_SECONDS)
        if done.returncode:
            raise Unavailable(f"no base image can be made: {done.stderr[-500:]}")
    return archive


def clone(folder: Path) -> Path:
    """A copy of the checkout as it stands, without what was made in it."""
    return Path(shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*_NOT_COPIED)))
