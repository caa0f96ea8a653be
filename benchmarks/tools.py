"""The programs that are measured, and the commands by which each does the same job.

Here registries speak plain HTTP. Those of docker and podman that ask for TLS first do so each time, which costs them a
connection that they would not make elsewhere.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from benchmarks import seeds, tokens

if TYPE_CHECKING:
    from benchmarks.bounds import Scenario

Command: TypeAlias = Sequence[str]

OURS = "ours"
FLOOR = "floor"
LAUNCH = (sys.executable, "-m", "manifest_tool")
BARE = (sys.executable, "-m", "benchmarks.floor")


@dataclass(frozen=True, slots=True)
class Job:
    """One push or inspection, in words that each tool turns into its own."""

    scenario: Scenario
    host: str
    target: str
    """Repository and tag."""
    sources: tuple[str, ...]
    """The same of each source; none for an inspection."""
    folder: Path
    """A place for this run's files; ``config.json`` lies there."""

    @property
    def reference(self) -> str:
        return f"{self.host}/{self.target}"

    @property
    def references(self) -> tuple[str, ...]:
        """The sources, each with its host."""
        return tuple(f"{self.host}/{name}" for name in self.sources)

    @property
    def spec(self) -> str:
        """The path of a spec of this job."""
        path = self.folder / "spec.yaml"
        path.write_text(seeds.spec(self.host, self.target, self.sources))
        return str(path)


@dataclass(frozen=True, slots=True)
class Tool:
    """A program, and how it does a job: commands that run one after the other."""

    name: str
    commands: Callable[[Job], tuple[Command, ...]]
    scenarios: frozenset[Scenario] = frozenset({"same", "across", "unchanged", "inspect"})
    once: bool = False
    """Do it once where others repeat: it takes many times as long."""


def environment(folder: Path, host: str, *, account: bool) -> dict[str, str]:
    """An environment with one account and no settings of this machine; writes ``config.json`` into the folder."""
    secret = base64.b64encode(f"{tokens.ACCOUNT}:{tokens.SECRET}".encode()).decode()
    config = folder / "config.json"
    config.write_text(json.dumps({"auths": {host: {"auth": secret}} if account else {}}))
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "PYTHONPATH", "LANG", "VIRTUAL_ENV"}}
    home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "TMPDIR": str(folder)}
    return {**kept, **home, "DOCKER_CONFIG": str(folder), "REGISTRY_AUTH_FILE": str(config)}


def found(*, peers: bool) -> tuple[Tool, ...]:
    """Ours, the floor, and what else is on the PATH."""
    own = (Tool(OURS, _ours), Tool(FLOOR, _floor))
    return own + (tuple(_peers()) if peers else ())


def _ours(job: Job) -> tuple[Command, ...]:
    if job.scenario == "inspect":
        return ((*LAUNCH, "inspect", job.reference),)
    return ((*LAUNCH, "push", "from-spec", job.spec),)


def _floor(job: Job) -> tuple[Command, ...]:
    return ((*BARE, job.scenario, job.host, job.target, *job.sources),)


def _peers() -> list[Tool]:
    go = _go_manifest_tool()
    known = {
        "crane": Tool("crane", _crane),
        "regctl": Tool("regctl", _regctl),
        "docker": Tool("docker manifest", _docker),
        "docker-buildx": Tool("buildx imagetools", _buildx),
        "podman": Tool("podman manifest", _podman, frozenset({"same", "across", "unchanged"})),
        "skopeo": Tool("skopeo --raw", _skopeo, frozenset({"inspect"})),
    }
    usable = [tool for program, tool in known.items() if _program(program)]
    return [
        replace(tool, once=True) for tool in (*([Tool("Go manifest-tool", partial(_go, go))] if go else []), *usable)
    ]


def _program(name: str) -> str:
    """The path of a program; plugins of docker lie in folders of their own."""
    folders = [Path(path, "docker/cli-plugins") for path in ("/usr/libexec", "/usr/lib", "/usr/local/lib")]
    plugins = [str(folder) for folder in (Path.home() / ".docker/cli-plugins", *folders)]
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(plugins)) or ""


def _go_manifest_tool() -> str:
    """The first ``manifest-tool`` of the PATH that is not this program."""
    own = _version(LAUNCH)
    for folder in os.get_exec_path():
        path = shutil.which("manifest-tool", path=folder)
        if path and _version((path,)) not in {own, ""}:
            return path
    return ""


def _version(launch: Command) -> str:
    try:
        done = subprocess.run([*launch, "--version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _go(program: str, job: Job) -> tuple[Command, ...]:
    launch = (program, "--plain-http", "--docker-cfg", str(job.folder))
    if job.scenario == "inspect":
        return ((*launch, "inspect", job.reference),)
    return ((*launch, "push", "from-spec", job.spec),)


def _crane(job: Job) -> tuple[Command, ...]:
    if job.scenario == "inspect":
        return (("crane", "index", "list", job.reference),)
    sources = [word for reference in job.references for word in ("-m", reference)]
    return (("crane", "--insecure", "index", "append", "--docker-empty-base", *sources, "-t", job.reference),)


def _regctl(job: Job) -> tuple[Command, ...]:
    launch = ("regctl", "--host", f"reg={job.host},tls=disabled")
    if job.scenario == "inspect":
        return ((*launch, "manifest", "get", job.reference),)
    sources = [word for reference in job.references for word in ("--ref", reference)]
    return ((*launch, "index", "create", job.reference, *sources),)


def _docker(job: Job) -> tuple[Command, ...]:
    launch = ("docker", "manifest")
    if job.scenario == "inspect":
        return ((*launch, "inspect", "--insecure", job.reference),)
    create = (*launch, "create", "--insecure", job.reference, *job.references)
    return (create, (*launch, "push", "--insecure", "--purge", job.reference))


def _buildx(job: Job) -> tuple[Command, ...]:
    launch = (_program("docker-buildx"), "imagetools")
    if job.scenario == "inspect":
        return ((*launch, "inspect", job.reference),)
    return ((*launch, "create", "-t", job.reference, *job.references),)


def _podman(job: Job) -> tuple[Command, ...]:
    folders = ("--root", str(job.folder / "root"), "--runroot", str(job.folder / "run"))
    launch = ("podman", "--storage-driver", "vfs", *folders, "manifest")
    adds = [(*launch, "add", "--tls-verify=false", "list", f"docker://{reference}") for reference in job.references]
    push = (*launch, "push", "--all", "--rm", "--tls-verify=false", "list", f"docker://{job.reference}")
    return ((*launch, "create", "list"), *adds, push)


def _skopeo(job: Job) -> tuple[Command, ...]:
    return (("skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{job.reference}"),)
