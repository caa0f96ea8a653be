"""What tests run: other programs, the command line, and raw HTTP that is none of our client's."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from manifest_tool.oci import media_type as types

SHARED = Path(__file__).parents[2] / "shared"
"""Recorded runs and real specs; they lie beside a checkout."""

_CONFIG = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {root}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"{http}}}
validation: {{manifests: {{urls: {{allow: ["^https?://"]}}}}}}
{more}
"""


def need(program: str) -> str:
    """The path of a program; skips the test where it is missing, and fails it in CI for docker-registry."""
    found = shutil.which(program)
    if found is None and program == "docker-registry" and os.environ.get("CI") == "true":
        pytest.fail(f"{program} is not installed, and CI=true")
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def docker_registry(program: str, root: Path, *, http: str = "", more: str = "") -> Iterator[str]:
    """Run docker-registry on a free loopback port until the context ends."""
    root.mkdir(parents=True)
    port = free_port()
    config = root / "config.yml"
    config.write_text(_CONFIG.format(root=root / "data", port=port, http=http, more=more))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
    with (root / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", str(config)], stdout=log, stderr=log, env=environment)
    try:
        _wait_for(port, process, root / "log")
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"docker-registry did not start: {log.read_text()[-2000:]}")


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command line ended."""

    code: int
    stdout: str
    stderr: str


def program(arguments: Sequence[str], *, stdin: str | None = None, env: Mapping[str, str] | None = None) -> Ran:
    """Run the command line in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "manifest_tool", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **(env or {})},
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def request(
    host: str, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> tuple[int, Mapping[str, str], bytes]:
    """One HTTP request by the standard library."""
    connection = http.client.HTTPConnection(host, timeout=30)
    try:
        connection.request(method, target, body, dict(headers or {}))
        response = connection.getresponse()
        return response.status, dict(response.headers), response.read()
    finally:
        connection.close()


def put_blob(host: str, repository: str, data: bytes, digest: str) -> None:
    _, headers, _ = request(host, "POST", f"/v2/{repository}/blobs/uploads/", headers={"Content-Length": "0"})
    location = headers["Location"]
    target = location[location.index("/v2/") :]
    target += ("&" if "?" in target else "?") + f"digest={digest}"
    status, _, answer = request(host, "PUT", target, data, {"Content-Type": "application/octet-stream"})
    assert status == 201, answer


def put_manifest(host: str, repository: str, which: str, raw: bytes, media_type: str) -> None:
    target = f"/v2/{repository}/manifests/{which}"
    status, _, answer = request(host, "PUT", target, raw, {"Content-Type": media_type})
    assert status == 201, answer


def get_manifest(host: str, repository: str, which: str) -> tuple[str, bytes] | None:
    """The media type and the bytes of a manifest, or none where there is none."""
    target = f"/v2/{repository}/manifests/{which}"
    status, headers, body = request(host, "GET", target, headers={"Accept": types.ACCEPT})
    return (headers["Content-Type"], body) if status == 200 else None
