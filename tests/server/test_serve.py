"""A registry beside a test: ready when entered, gone when left."""

from __future__ import annotations

import asyncio
import gc
import http.client
import logging
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import aiohttp
import pytest

from manifest_tool.errors import UsageError
from manifest_tool.oci.media_type import OCI_INDEX
from manifest_tool.server.actions import Delay
from manifest_tool.server.memory import MemoryStore
from manifest_tool.server.serve import serving
from tests.server.conftest import Client


def test_gone_when_left() -> None:
    threads = threading.active_count()
    with serving() as registry:
        assert registry.host.startswith("127.0.0.1:")
        client = Client(registry.host)
        assert client("GET", "/v2/").status == 200
    assert threading.active_count() == threads
    with pytest.raises(ConnectionRefusedError):
        Client(registry.host)
    client.close()


def test_left_at_once_though_a_request_waits() -> None:
    with serving() as registry:
        registry.faults.add(Delay(60))
        host, _, port = registry.host.partition(":")
        waiting = socket.create_connection((host, int(port)))
        waiting.sendall(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.05)
        started = time.monotonic()
    assert time.monotonic() - started < 2
    waiting.close()


def test_left_by_an_error() -> None:
    with pytest.raises(KeyError), serving() as registry:
        raise KeyError
    with pytest.raises(ConnectionRefusedError):
        Client(registry.host)


def test_several_at_once_share_a_store() -> None:
    store = MemoryStore()
    with serving(store) as one, serving(store) as two:
        digest = one.put_blob("a", b"data")
        assert two.blob("a", digest) == b"data"
        assert one.host != two.host


def test_a_taken_port() -> None:
    with serving() as registry:
        port = int(registry.host.partition(":")[2])
        with pytest.raises(UsageError, match=rf"cannot listen on 127\.0\.0\.1:{port}: .*in use"), serving(port=port):
            pass


def test_ipv6() -> None:
    with serving(host="::1") as registry:
        assert registry.host.startswith("[::1]:")
        client = Client(registry.host)
        assert client("GET", "/v2/").status == 200
        client.close()


async def test_from_a_loop() -> None:
    with serving() as registry:
        registry.latency = 0.05
        async with aiohttp.ClientSession(f"http://{registry.host}") as session:
            answers = await asyncio.gather(*(session.get("/v2/") for _ in range(5)))
            assert [await answer.json() for answer in answers] == [{}] * 5
        assert len(registry.log) == 5
        assert registry.log.rounds() == 1


def test_seeded() -> None:
    with serving() as registry:
        digest = registry.put_manifest("a", b"{}", OCI_INDEX, "tag")
        assert registry.put_manifest("a", b"{}", OCI_INDEX) == digest
        assert registry.tags("a") == {"tag": digest}
        assert registry.manifest("a", "tag") == registry.manifest("a", digest) == (OCI_INDEX, b"{}")
        assert registry.manifest("a", str(digest)) == (OCI_INDEX, b"{}")
        assert registry.manifest("a", "other") is None
        assert registry.blob("a", digest) is None
        assert registry.log.writes() == []


def test_tls(tmp_path: Path) -> None:
    files = ["-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "certificate")]
    made = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "1"]
    try:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *made, *files], check=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    with serving(tls=server) as registry:
        trusting = ssl.create_default_context(cafile=str(tmp_path / "certificate"))
        connection = http.client.HTTPSConnection(registry.host, context=trusting, timeout=10)
        connection.request("GET", "/v2/")
        assert connection.getresponse().read() == b"{}"
    connection.close()


def test_plain_http_asked_with_tls_answers_in_http() -> None:
    with serving() as registry:
        host, _, port = registry.host.partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200))
            assert connection.recv(5) == b"HTTP/"


@pytest.mark.parametrize(("error", "told"), [(ConnectionResetError(), False), (OSError(), True)])
def test_a_client_that_goes_away_is_no_error_of_the_server(
    caplog: pytest.LogCaptureFixture, error: Exception, told: bool
) -> None:
    logging.getLogger("manifest_tool.server.listening").error("Error handling request", exc_info=error)
    assert bool(caplog.records) is told


def test_no_connection_that_is_just_being_accepted_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    lost: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: lost.append(unraisable.exc_value))
    for count in range(1, 11):
        with serving() as registry:
            host, _, port = registry.host.rpartition(":")
            clients = [socket.create_connection((host, int(port))) for _ in range(count)]
        for client in clients:
            client.close()
        gc.collect()
    assert not lost
