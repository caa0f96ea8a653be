"""The registries that are measured, started on loopback, each behind the slow line."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from benchmarks import tokens

if TYPE_CHECKING:
    from benchmarks.network import Network

Kind: TypeAlias = Literal["embedded", "docker-registry"]
Auth: TypeAlias = Literal["none", "token"]

_PATIENCE = 20.0
_CONFIG = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {root}}}, cache: {{blobdescriptor: inmemory}}}}
http: {{addr: "127.0.0.1:{port}"}}
{auth}
"""
_TOKENS = "auth: {{token: {{realm: {realm}, service: {service}, issuer: {issuer}, rootcertbundle: {certificate}}}}}"


@dataclass(frozen=True, slots=True)
class Site:
    """One registry, by its two doors."""

    kind: Kind
    auth: Auth
    host: str
    """What is measured: behind the line, and behind the tokens where these are asked for."""
    direct: str
    """The same content without either, for putting images there."""


def why_not(kind: Kind, auth: Auth) -> str:
    """What is missing here for such a registry; empty where nothing is."""
    needed = [*(["docker-registry"] if kind == "docker-registry" else []), *(["openssl"] if auth == "token" else [])]
    missing = [program for program in needed if shutil.which(program) is None]
    return f"{' and '.join(missing)} not installed" if missing else ""


@dataclass(frozen=True, slots=True)
class Server:
    """A registry without a line before it."""

    host: str
    process: int


@contextmanager
def site(kind: Kind, auth: Auth, lines: Network, folder: Path) -> Iterator[Site]:
    """Start one, for as long as the context lasts; it keeps its files in the folder."""
    with ExitStack() as stack:
        guard = stack.enter_context(_guard(lines, folder)) if auth == "token" else None
        if kind == "embedded":
            direct = guard.open if guard else stack.enter_context(embedded()).host
            served = guard.guarded if guard else direct
        else:
            direct = stack.enter_context(docker_registry(folder)).host
            served = stack.enter_context(docker_registry(folder, guard.settings)).host if guard else direct
        yield Site(kind, auth, lines.open(served), direct)


@dataclass(frozen=True, slots=True)
class _Guard:
    """A token server, and the embedded registry with and without its check."""

    open: str
    guarded: str
    settings: str
    """How docker-registry is told of it."""


@contextmanager
def _guard(lines: Network, folder: Path) -> Iterator[_Guard]:
    certificate = tokens.make_key(folder)
    port = free_port()
    realm = f"http://{lines.open(f'127.0.0.1:{port}')}/token"
    with _announced("benchmarks.tokens", str(folder), realm, str(port)) as (line, _):
        found = json.loads(line)
        names = {"realm": realm, "service": tokens.SERVICE, "issuer": tokens.ISSUER, "certificate": certificate}
        yield _Guard(found["open"], found["guarded"], _TOKENS.format(**names))


@contextmanager
def embedded(*options: str) -> Iterator[Server]:
    """Ours, in a process of its own."""
    with _announced("manifest_tool", "registry", "serve", "--port", "0", *options) as (line, process):
        yield Server(line.removeprefix("http://"), process)


@contextmanager
def _announced(module: str, *arguments: str) -> Iterator[tuple[str, int]]:
    """Run a module that says where it listens, in one line; that line, and the process."""
    command = [sys.executable, "-m", module, *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline().strip() if process.stdout else ""
        if not line:
            raise RuntimeError(f"{module} did not start")
        yield line, process.pid
    finally:
        process.terminate()
        process.communicate()


@contextmanager
def docker_registry(folder: Path, auth: str = "") -> Iterator[Server]:
    """Debian's, one more process over the same files."""
    port = free_port()
    config = folder / f"{port}.yml"
    config.write_text(_CONFIG.format(root=folder / "data", port=port, auth=auth))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
    with (folder / f"{port}.log").open("wb") as log:
        command = ["docker-registry", "serve", str(config)]
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        _wait_for(port, process)
        yield Server(f"127.0.0.1:{port}", process.pid)
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("docker-registry did not start")


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
