"""TLS before HTTP: what comes with the end of a handshake is not lost. For those that do not end, see ``test_tls``."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from typing import TypeVar

from manifest_tool.registry.tls import Trust
from manifest_tool.server import tls
from manifest_tool.server.serve import serving
from tests.registry.test_tls import Authority, authority
from tests.server.test_hostile import connected, head

__all__ = ["authority"]

T = TypeVar("T")


def test_a_request_that_comes_with_the_end_of_a_handshake_is_answered(authority: Authority) -> None:
    context = tls.context(authority.folder / "server.cert", authority.folder / "server.key")
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = Trust(str(authority.folder / "ca.crt")).common().wrap_bio(received, sent, server_hostname="127.0.0.1")
    with serving(tls=context) as running, connected(running) as connection:
        spoken(client.do_handshake, connection, received, sent)
        client.write(head("GET", "/v2/"))
        assert spoken(lambda: client.read(15), connection, received, sent) == b"HTTP/1.1 200 OK"


def spoken(step: Callable[[], T], connection: socket.socket, received: ssl.MemoryBIO, sent: ssl.MemoryBIO) -> T:
    """What a step gives that needs answers; what it has to say in the end is left for the next one."""
    while True:
        try:
            return step()
        except ssl.SSLWantReadError:
            connection.sendall(sent.read())
            received.write(connection.recv(65536))
