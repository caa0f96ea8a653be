"""The certificate that a registry shows, and files that are none."""

from __future__ import annotations

import gc
import http.client
import socket
import ssl
import subprocess
from asyncio.sslproto import SSLProtocol
from contextlib import ExitStack
from pathlib import Path

import pytest

from manifest_tool.errors import UsageError
from manifest_tool.registry.tls import Trust
from manifest_tool.server import tls
from manifest_tool.server.auth import Auth
from manifest_tool.server.limits import Limits
from manifest_tool.server.serve import serving
from tests.conftest import Program
from tests.registry.test_tls import Authority, authority
from tests.server.test_access_log import until
from tests.server.test_command import started
from tests.server.test_hostile import connected

__all__ = ["authority"]


def test_our_own_client_over_tls(authority: Authority, program: Program) -> None:
    context = tls.context(authority.folder / "server.cert", authority.folder / "server.key")
    with serving(tls=context, accounts={"me": "hunter2"}, auth=Auth.TOKEN) as running:
        assert running.url == f"https://{running.host}"
        ca = ("--ca-file", str(authority.folder / "ca.crt"))
        ran = program(*ca, "login", running.host, "-u", "me", "-p", "hunter2")
        assert (ran.code, ran.stdout) == (0, "Login Succeeded\n"), ran.stderr
        assert program(*ca, "inspect", f"{running.host}/a:1").code == 3
        assert program("inspect", f"{running.host}/a:1").code == 5
    realms = [request for request in running.log if request.path == "/token"]
    assert realms, "the challenge names a token endpoint that speaks https too"


def test_the_command_announces_https(authority: Authority) -> None:
    files = ("--tls-cert", str(authority.folder / "server.cert"), "--tls-key", str(authority.folder / "server.key"))
    with started(*files) as line:
        host = line.strip().removeprefix("https://")
        assert served(host, authority)


def test_clients_that_never_speak_tls_take_no_more_than_their_part(authority: Authority) -> None:
    context = tls.context(authority.folder / "server.cert", authority.folder / "server.key")
    with serving(tls=context, limits=Limits(connections=3)) as running, ExitStack() as stack:
        silent = [stack.enter_context(connected(running)) for _ in range(3)]
        with connected(running) as refused:
            assert ended(refused)
        silent.pop().close()
        until(lambda: served(running.host, authority))


def test_it_stops_though_a_client_never_speaks_tls(authority: Authority) -> None:
    context = tls.context(authority.folder / "server.cert", authority.folder / "server.key")
    with ExitStack() as stack:
        with serving(tls=context) as running:
            silent = stack.enter_context(connected(running))
            assert served(running.host, authority)  # so the one before was accepted
        assert ended(silent)


def test_clients_that_break_off_a_handshake_leave_nothing_behind(authority: Authority) -> None:
    context = tls.context(authority.folder / "server.cert", authority.folder / "server.key")
    gc.collect()
    gc.disable()
    try:
        with serving(tls=context) as running:
            for _ in range(20):
                with connected(running) as connection:
                    connection.sendall(b"no TLS")
                    assert ended(connection)
            assert served(running.host, authority)
            assert len([found for found in gc.get_objects() if isinstance(found, SSLProtocol)]) < 5
    finally:
        gc.enable()


def ended(connection: socket.socket) -> bool:
    """Whether the other side ends a connection before its time is over."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def served(host: str, authority: Authority) -> bool:
    context = Trust(str(authority.folder / "ca.crt")).common()
    connection = http.client.HTTPSConnection(host, context=context, timeout=10)
    try:
        connection.request("GET", "/v2/")
        return connection.getresponse().read() == b"{}"
    except (ConnectionError, ssl.SSLError):
        return False
    finally:
        connection.close()


def test_nothing_older_than_tls_1_2(authority: Authority) -> None:
    context = tls.context(authority.folder / "server.cert", authority.folder / "server.key")
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_files_that_are_of_no_use(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.folder / "server.cert", authority.folder / "server.key"
    (text := tmp_path / "text").write_text("no PEM")
    locked = tmp_path / "locked"
    openssl = ["openssl", "pkcs8", "-topk8", "-in", str(key), "-out", str(locked), "-passout", "pass:hunter2"]
    subprocess.run(openssl, check=True, capture_output=True)
    problems = {
        (tmp_path / "gone", key): f"cannot read {tmp_path / 'gone'}: no such file or directory",
        (certificate, tmp_path / "gone"): f"cannot read {tmp_path / 'gone'}: no such file or directory",
        (certificate, tmp_path): f"cannot read {tmp_path}: is a directory",
        (certificate, authority.folder / "client.key"): (
            f"the key {authority.folder / 'client.key'} is not that of the certificate {certificate}"
        ),
        (certificate, locked): f"the key {locked} has a password",
        (text, key): f"cannot use the certificate {text} with the key {key}: ",
        (certificate, text): f"cannot use the certificate {certificate} with the key {text}: ",
        (key, certificate): f"cannot use the certificate {key} with the key {certificate}: ",
    }
    for (one, other), problem in problems.items():
        with pytest.raises(UsageError) as caught:
            tls.context(one, other)
        assert str(caught.value).startswith(problem)
        assert not str(caught.value).endswith(": ")
        assert "PEM" in caught.value.hint
