"""What the tests of this folder are put together from: processes, and the moments at which they are stopped."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from aiohttp import web
from aiohttp.typedefs import Handler

from manifest_tool.server.serve import Running
from tests import seeds
from tests.test_pusher import complete, crossing

PLATFORMS = ("linux/amd64", "linux/arm64", "linux/s390x")
TAGS = ("1", "b", "c")
PATIENCE = 30.0


class Moment:
    """An action that comes to one request, tells so, and never answers it: neither done, or done all the same."""

    def __init__(self, *, done: bool = False) -> None:
        self.reached = threading.Event()
        self._done = done

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._done:
            await handler(request)
        self.reached.set()
        await asyncio.sleep(2 * PATIENCE)
        raise AssertionError("nobody waits this long")


@contextmanager
def pushing(
    *arguments: Path | str, jobs: int = 8, output: str = "text", stdout: int | BinaryIO = subprocess.PIPE
) -> Iterator[subprocess.Popen[bytes]]:
    """``push from-spec`` in a process of its own, which does not outlive the context."""
    options = [f"--jobs={jobs}", f"--format={output}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "manifest_tool", "push", "from-spec", *options, *map(str, arguments)],
        stdout=stdout,
        stderr=subprocess.PIPE,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def write_spec(registry: Running, folder: Path) -> Path:
    """A spec over three images of three repositories, for three tags of a fourth one."""
    path = folder / "spec.yaml"
    path.write_text(seeds.spec(registry.host, "app:1", *crossing(registry, *PLATFORMS), tags=TAGS[1:]))
    return path


def every_tag_is_complete(registry: Running, repository: str = "app") -> None:
    """Assert that everything below every tag of a repository is in it."""
    for tag in registry.tags(repository):
        complete(registry, repository, tag)
