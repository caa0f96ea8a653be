"""Each action does the real thing, seen from below HTTP where HTTP would hide it."""

from __future__ import annotations

import gzip
import http.client
import socket
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from manifest_tool.oci.digest import Digest
from manifest_tool.server import actions

if TYPE_CHECKING:
    from manifest_tool.server.serve import Running
    from tests.server.conftest import Client

DATA = b"0123456789" * 10
DIGEST = Digest.of(DATA)
PATH = f"/v2/a/blobs/{DIGEST}"


@pytest.fixture(autouse=True)
def seeded(registry: Running) -> None:
    registry.put_blob("a", DATA)


@pytest.fixture
def raw(registry: Running) -> Iterator[socket.socket]:
    """A connection on which a blob was asked for."""
    host, _, port = registry.host.partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        yield connection


def ask(connection: socket.socket) -> tuple[bytes, bytes]:
    """What comes until the connection ends: the head and the body."""
    connection.sendall(f"GET {PATH} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    answer = bytearray()
    while piece := connection.recv(4096):
        answer += piece
    head, _, body = bytes(answer).partition(b"\r\n\r\n")
    return head, body


def test_answer(registry: Running, client: Client) -> None:
    registry.faults.add(actions.Answer(429, b"slower", {"Retry-After": "1"}), times=1)
    answer = client("DELETE", PATH)
    assert (answer.status, answer.body, answer.headers["Retry-After"]) == (429, b"slower", "1")
    assert registry.blob("a", DIGEST) == DATA
    assert client("GET", PATH).body == DATA


def test_answer_though_it_is_done(registry: Running, client: Client) -> None:
    registry.faults.add(actions.Answer(500, done=True))
    assert client("DELETE", PATH).status == 500
    assert registry.blob("a", DIGEST) is None


def test_delay(registry: Running, client: Client) -> None:
    registry.faults.add(actions.Delay(0.05))
    started = time.monotonic()
    assert client("GET", PATH).body == DATA
    assert time.monotonic() - started >= 0.05


def test_reset_at_once(registry: Running, raw: socket.socket) -> None:
    registry.faults.add(actions.Reset())
    with pytest.raises(ConnectionResetError):
        ask(raw)
    assert [request.status for request in registry.log] == [0]


def test_reset_within_the_body(registry: Running, raw: socket.socket) -> None:
    registry.faults.add(actions.Reset(after=7))
    raw.sendall(f"GET {PATH} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    answer = bytearray()
    while not answer.endswith(DATA[:7]):
        answer += raw.recv(1)
    assert b"Content-Length: 100" in answer
    with pytest.raises(ConnectionResetError):
        raw.recv(1)
    assert [request.status for request in registry.log] == [200]


def test_close_at_once(registry: Running, raw: socket.socket) -> None:
    registry.faults.add(actions.Close())
    assert ask(raw) == (b"", b"")


def test_close_within_the_body(registry: Running, raw: socket.socket) -> None:
    registry.faults.add(actions.Close(after=7))
    head, body = ask(raw)
    assert b"Content-Length: 100" in head
    assert body == DATA[:7]


@pytest.mark.parametrize("by", [-7, 7])
def test_length(registry: Running, raw: socket.socket, by: int) -> None:
    registry.faults.add(actions.Length(by))
    head, body = ask(raw)
    assert f"Content-Length: {100 + by}".encode() in head
    assert body == DATA


def test_headers(registry: Running, client: Client) -> None:
    other = str(Digest.of(b"other"))
    registry.faults.add(actions.digest_header(other), times=1)
    registry.faults.add(actions.digest_header(None), after=1, times=1)
    registry.faults.add(actions.content_type("text/html"), after=2)
    answers = [client("GET", PATH) for _ in range(3)]
    assert [answer.headers["Docker-Content-Digest"] for answer in answers] == [other, None, str(DIGEST)]
    assert answers[2].headers["Content-Type"] == "text/html"
    assert [answer.body for answer in answers] == [DATA] * 3


@pytest.mark.parametrize("name", ["Content-Type", "Content-Length"])
def test_a_header_that_http_needs(registry: Running, raw: socket.socket, name: str) -> None:
    registry.faults.add(actions.Headers({name: None}))
    head, body = ask(raw)
    assert name.encode() not in head
    assert body == DATA


def test_body(registry: Running, client: Client) -> None:
    registry.faults.add(actions.Body(b"<html>"))
    answer = client("GET", PATH)
    assert (answer.body, answer.headers["Docker-Content-Digest"]) == (b"<html>", str(DIGEST))


def test_damage(registry: Running, client: Client) -> None:
    registry.faults.add(actions.Damage())
    answer = client("GET", PATH)
    assert (answer.body, answer.headers["Content-Length"]) == (DATA[:-1] + b"8", "100")
    assert client("HEAD", PATH).headers["Content-Length"] == "100"


def test_drip(registry: Running, raw: socket.socket) -> None:
    registry.faults.add(actions.Drip(0.01, piece=25))
    raw.sendall(f"GET {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    pieces = []
    while piece := raw.recv(4096):
        pieces.append(piece)
    assert len(pieces) >= 3
    assert b"".join(pieces).endswith(b"\r\n\r\n" + DATA)


def test_chunked(registry: Running, client: Client) -> None:
    registry.faults.add(actions.Chunked())
    answer = client("GET", PATH)
    assert (answer.body, answer.headers["Transfer-Encoding"]) == (DATA, "chunked")
    assert "Content-Length" not in answer.headers


def test_gzip(registry: Running, client: Client) -> None:
    registry.faults.add(actions.Gzip())
    answer = client("GET", PATH)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.body) == DATA


def test_no_mount(registry: Running, client: Client) -> None:
    registry.faults.add(actions.NoMount(), method="POST")
    answer = client("POST", f"/v2/b/blobs/uploads/?mount={DIGEST}&from=a")
    assert answer.status == 202
    assert registry.blob("b", DIGEST) is None
    assert client("PUT", f"{answer.headers['Location']}?digest={DIGEST}", DATA).status == 201


def test_phantom_mount(registry: Running, client: Client) -> None:
    registry.faults.add(actions.PhantomMount())
    answer = client("POST", f"/v2/b/blobs/uploads/?mount={DIGEST}&from=a")
    assert (answer.status, answer.headers["Location"]) == (201, f"/v2/b/blobs/{DIGEST}")
    assert client("HEAD", f"/v2/b/blobs/{DIGEST}").status == 404
    assert client("POST", "/v2/b/blobs/uploads/").status == 202


@pytest.mark.parametrize("action", [actions.Reset(), actions.Close(), actions.Close(3), actions.Length(1)])
def test_the_next_connection_works(registry: Running, action: object) -> None:
    registry.faults.add(action, times=1)  # type: ignore[arg-type]  # the union of the actions has no common name
    for _ in range(2):
        connection = http.client.HTTPConnection(registry.host, timeout=10)
        try:
            connection.request("GET", PATH)
            body = connection.getresponse().read()
        except (ConnectionError, http.client.IncompleteRead):
            continue
        finally:
            connection.close()
        assert body == DATA
