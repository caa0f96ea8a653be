"""A place to try the program out: a registry of its own, the sample images in it, and the example specs beside it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from integration import samples

HOST = "localhost:5000"
"""The registry that the example specs and the README name."""
ROOT = Path(__file__).parents[1]
PROGRAM = Path(sys.executable).with_name("manifest-tool")
"""The console script of the environment that runs this."""

_PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Trial:
    """Where commands run, and the registry that stands for `HOST` there."""

    folder: Path
    host: str

    def here(self, text: str) -> str:
        """The text with this registry in place of `HOST`."""
        return text.replace(HOST, self.host)

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a shell command line there, with the program on the PATH."""
        environment = {
            **os.environ,
            "PATH": f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}",
            "DOCKER_CONFIG": str(self.folder),  # it holds none, so no account of this machine has a part in it
            "MANIFEST_TOOL_DRAFTS": str(self.folder / "drafts"),
            "XDG_CACHE_HOME": str(self.folder / ".cache"),
            "COLUMNS": "100",
        }
        return subprocess.run(
            ["/bin/sh", "-c", self.here(command)],
            capture_output=True,
            check=False,
            cwd=self.folder,
            env=environment,
            text=True,
            timeout=60,
        )


@contextmanager
def trial() -> Iterator[Trial]:
    """A fresh one, for as long as the context lasts; nothing of it stays behind."""
    with tempfile.TemporaryDirectory(prefix="manifest-tool-") as folder, registry() as host:
        samples.seed(host)
        specs = Path(folder, "specs")
        specs.mkdir()
        for path in (ROOT / "specs").glob("*.yaml"):
            (specs / path.name).write_text(path.read_text().replace(HOST, host))
        yield Trial(Path(folder), host)


@contextmanager
def registry(*options: str) -> Iterator[str]:
    """The embedded registry in a process of its own, on a free loopback port; gives its ``host:port``."""
    command = [str(PROGRAM), "registry", "serve", "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield _address(process)
    finally:
        process.terminate()
        try:
            process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _address(process: subprocess.Popen[str]) -> str:
    """What the registry says once it listens; it is killed where it says nothing for long."""
    overdue = threading.Timer(_PATIENCE, process.kill)
    overdue.start()
    try:
        line = process.stdout.readline() if process.stdout else ""
    finally:
        overdue.cancel()
    if not line.startswith("http://"):
        raise RuntimeError("the registry did not start")
    return line.strip().removeprefix("http://")
