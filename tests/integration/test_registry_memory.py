"""The memory that the registry's process takes, whatever is done to it."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks import memory
from manifest_tool.oci.digest import Digest
from tests.registry.test_tls import Authority, authority
from tests.server.ledger import ask

__all__ = ["authority"]

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system does not tell"),
]

MIB = 1024 * 1024
BOUND = 100
"""MiB; the process has some 40 when it starts."""


@dataclass(frozen=True)
class Served:
    """A registry in a process of its own."""

    host: str
    process: int

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.host, timeout=30)

    def peak(self) -> float:
        return memory.peak(self.process)


@contextmanager
def served(*options: str) -> Iterator[Served]:
    """Nothing may be said on stderr."""
    command = [sys.executable, "-m", "manifest_tool", "registry", "serve", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        try:
            yield Served(line.partition("://")[2], process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            errors = process.communicate(timeout=20)[1]
    assert (process.returncode, errors) == (0, "")


@pytest.fixture(params=["memory", "disk"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    with served(*(["--root", str(tmp_path / "registry")] if request.param == "disk" else [])) as running:
        yield running


def test_ten_thousand_uploads(registry: Served, tmp_path: Path) -> None:
    connection = registry.connect()
    before = registry.peak()
    opened = [ask(connection, "POST", f"/v2/a{number}/blobs/uploads/")[0] for number in range(10_000)]
    assert [opened.count(202), opened.count(429)] == [1_000, 9_000]
    sys.stdout.write(
        f"{before:.1f} MiB, and {registry.peak():.1f} MiB with a thousand uploads of ten that were asked for\n"
    )
    assert registry.peak() < BOUND
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} <= {"lock", "version"}
    connection.close()


def test_a_gibibyte_in_one_request(tmp_path: Path) -> None:
    with served("--root", str(tmp_path)) as registry:
        piece, count = os.urandom(MIB), 1024
        hasher = Digest.of(b"").hasher()
        for _ in range(count):
            hasher.update(piece)
        connection = registry.connect()
        target, body = f"/v2/a/blobs/uploads/?digest={hasher.digest()}", (piece for _ in range(count))
        assert ask(connection, "POST", target, body, Content_Length=str(count * MIB))[0] == 201
        connection.request("GET", f"/v2/a/blobs/{hasher.digest()}")
        response, again = connection.getresponse(), hasher.digest().hasher()
        while data := response.read(MIB):
            again.update(data)
        assert again.digest() == hasher.digest()
        sys.stdout.write(f"{registry.peak():.1f} MiB after a GiB came and went\n")
        assert registry.peak() < BOUND
        connection.close()


def test_what_memory_holds_is_bounded() -> None:
    with served("--max-size", "200M") as registry:
        connection, statuses = registry.connect(), []
        for _ in range(30):
            data = os.urandom(20 * MIB)
            statuses.append(ask(connection, "POST", f"/v2/a/blobs/uploads/?digest={Digest.of(data)}", data)[0])
            connection.close()
        assert set(statuses[:9]) == {201}
        assert set(statuses[10:]) == {413}
        sys.stdout.write(f"{registry.peak():.1f} MiB with 200 MiB of blobs\n")
        assert registry.peak() < 200 + 2 * BOUND


def test_many_large_bodies_at_once_and_answers_that_nobody_reads(tmp_path: Path) -> None:
    with served("--root", str(tmp_path)) as registry, ExitStack() as stack:
        connection, data = registry.connect(), os.urandom(4 * MIB)
        digest = Digest.of(data)
        assert ask(connection, "POST", f"/v2/a/blobs/uploads/?digest={digest}", data)[0] == 201
        asked = f"GET /v2/a/blobs/{digest} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 200
        body = b"PUT /v2/a/manifests/x HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n" + bytes(100_000)
        address, _, port = registry.host.partition(":")
        for number in range(100):
            one = stack.enter_context(socket.create_connection((address, int(port)), timeout=10))
            one.sendall(body if number % 2 else asked)
        assert ask(connection, "GET", "/v2/")[0] == 200
        sys.stdout.write(f"{registry.peak():.1f} MiB with a hundred connections that stall\n")
        assert registry.peak() < 2 * BOUND
        connection.close()


def stall(registry: Served, connections: ExitStack, sent: bytes) -> None:
    """Almost as many connections as there may be, that send this and nothing more."""
    address, _, port = registry.host.rpartition(":")
    for _ in range(900):
        one = connections.enter_context(socket.create_connection((address, int(port)), timeout=10))
        with suppress(ConnectionError):  # it may be cut while it sends
            one.sendall(sent)


@pytest.mark.parametrize("count", [7, 100])
def test_hundreds_of_heads_that_never_end(count: int) -> None:
    lines = "".join(f"A{number}: {'b' * 8_000}\r\n" for number in range(count))
    with served() as registry, ExitStack() as stack:
        stall(registry, stack, f"GET /v2/ HTTP/1.1\r\nHost: x\r\n{lines}".encode())
        sys.stdout.write(f"{registry.peak():.1f} MiB with 900 heads of {count} lines\n")
        assert registry.peak() < 2 * BOUND


def test_hundreds_that_never_speak_tls(authority: Authority) -> None:
    files = ("--tls-cert", str(authority.folder / "server.cert"), "--tls-key", str(authority.folder / "server.key"))
    with served(*files) as registry:
        for _ in range(2):
            with ExitStack() as stack:
                stall(registry, stack, b"\x16\x03\x01\x02\x00")
        sys.stdout.write(f"{registry.peak():.1f} MiB with 900 handshakes, and once more\n")
        assert registry.peak() < 5 * BOUND
