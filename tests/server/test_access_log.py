"""The access log: what a line says, and what no client can make it say."""

from __future__ import annotations

import base64
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from manifest_tool.errors import UsageError
from manifest_tool.oci.media_type import OCI_INDEX
from manifest_tool.server import access_log
from manifest_tool.server.auth import Auth
from manifest_tool.server.serve import Running, serving
from tests import harness
from tests.server.conftest import Client
from tests.server.test_guard import INDEX, SECRET, basic

LINE = re.compile(
    r"127\.0\.0\.1 - (?P<account>\S+) \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\] "
    r'"(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{3}) (?P<bytes>\d+|-) "-" "(?P<agent>(?:[^"\\]|\\.)*)" \d+\.\d{3}'
)
"""The combined format, and the seconds."""


@contextmanager
def logged(path: Path, told: list[str] | None = None, **options: object) -> Iterator[Running]:
    told = [] if told is None else told
    with access_log.opened(str(path), told.append) as lines, serving(access_log=lines, **options) as running:  # type: ignore[arg-type]
        yield running


def until(done: Callable[[], object]) -> None:
    """A line is written when its answer is sent, so whoever has the answer may be there first."""
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def read(path: Path) -> list[tuple[str, ...]]:
    """The account, the request, the status, the bytes and the program of each line."""
    found = [LINE.fullmatch(line) for line in path.read_text().splitlines()]
    assert all(found), path.read_text()
    return [line.groups() for line in found if line]


def test_what_a_line_says(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with logged(path, accounts={"me": SECRET}) as running:
        running.put_manifest("a", INDEX, OCI_INDEX, "1")
        me = {"Authorization": basic(), "User-Agent": 'a "b" \\ c', "Referer": f"http://x/?{SECRET}"}
        harness.request(running.host, "GET", f"/v2/a/manifests/1?secret={SECRET}", headers=me)
        harness.request(running.host, "HEAD", "/v2/a/manifests/1", headers=me)
        harness.request(running.host, "GET", "/v2/gone/manifests/1", headers={"Authorization": basic("me", "wrong")})
    assert read(path) == [
        ("me", "GET /v2/a/manifests/1 HTTP/1.1", "200", str(len(INDEX)), r"a \"b\" \\ c"),
        ("me", "HEAD /v2/a/manifests/1 HTTP/1.1", "200", "-", r"a \"b\" \\ c"),
        ("-", "GET /v2/gone/manifests/1 HTTP/1.1", "401", "107", "-"),
    ]
    assert SECRET not in path.read_text()


def test_no_token_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "log"
    token = ""
    with logged(path, accounts={"me": SECRET}, auth=Auth.TOKEN) as running:
        body = f"grant_type=password&username=me&password={SECRET}".encode()
        for method, target in (("GET", f"/token?account=me&password={SECRET}"), ("POST", f"/token?x={SECRET}")):
            _, _, given = harness.request(running.host, method, target, body, {"Authorization": basic()})
            token = given.decode().split('"')[3]
            harness.request(running.host, "GET", "/v2/", headers={"Authorization": f"Bearer {token}"})
    assert [line[:3] for line in read(path)] == [
        ("me", "GET /token HTTP/1.1", "200"),
        ("me", "GET /v2/ HTTP/1.1", "200"),
        ("me", "POST /token HTTP/1.1", "200"),
        ("me", "GET /v2/ HTTP/1.1", "200"),
    ]
    text = path.read_text()
    assert SECRET not in text
    assert base64.b64encode(SECRET.encode()).decode() not in text
    assert token
    assert token not in text


FORGED = b'" 200 2 "-" "x" 0.000'


@pytest.mark.parametrize(
    ("path", "agent"),
    [
        (b"/v2/" + FORGED.replace(b" ", b"\t"), b"x"),
        (b"/v2/\x1b[31m", b"x"),
        (b"/v2/\xff\xc2\x85", b"x"),
        (b"/v2/a\rb", b"x"),
        (b"/v2/", FORGED),
        (b"/v2/", b"\\" + FORGED),
        (b"/v2/", b"\x80\xff\xe2\x80\xa8\xe2\x80\xae\xc2\x85"),
        (b"/v2/", b"\x1b]0;x\x07"),
        (b"/v2/", b"a\r\n b"),
        (b"/v2/", b"a\rb"),
    ],
)
def test_nobody_can_forge_a_line(tmp_path: Path, path: bytes, agent: bytes) -> None:
    name = f"m e{FORGED.decode()}\u202e\u00fc"
    head = b"GET %b HTTP/1.1\r\nHost: x\r\nUser-Agent: %b\r\nAuthorization: %b\r\nConnection: close\r\n\r\n"
    with logged(tmp_path / "log", accounts={name: SECRET}) as running:
        host, _, port = running.host.partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(head % (path, agent, basic(name).encode()))
            connection.makefile("rb").read()
    text = (tmp_path / "log").read_bytes()
    assert text.count(b"\n") == len(read(tmp_path / "log")) == 1
    assert all(byte == 10 or 0x20 <= byte < 0x7F for byte in text)


def test_a_log_that_is_moved_away_is_begun_anew(tmp_path: Path) -> None:
    path, old = tmp_path / "log", tmp_path / "log.1"
    with logged(path) as running:
        harness.request(running.host, "GET", "/v2/first")
        until(path.read_text)
        path.rename(old)
        harness.request(running.host, "GET", "/v2/second")
        until(lambda: path.exists() and path.read_text())
        path.unlink()
        harness.request(running.host, "GET", "/v2/third")
    assert [line[1] for line in read(old)] == ["GET /v2/first HTTP/1.1"]
    assert [line[1] for line in read(path)] == ["GET /v2/third HTTP/1.1"]


def test_a_log_is_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "log"
    for _ in range(2):
        with logged(path) as running:
            harness.request(running.host, "GET", "/v2/")
    assert len(read(path)) == 2


def test_what_cannot_be_written_is_told_once_and_hinders_nobody(tmp_path: Path) -> None:
    told: list[str] = []
    with logged(Path("/dev/full"), told) as running:
        assert [harness.request(running.host, "GET", "/v2/")[0] for _ in range(3)] == [200] * 3
    (line,) = told
    assert line == (
        "warning: the access log cannot be written, and requests are answered all the same: No space left on device"
    )
    told.clear()
    path = tmp_path / "folder" / "log"
    path.parent.mkdir()
    with logged(path, told) as running:
        path.parent.rename(tmp_path / "moved")
        client = Client(running.host)
        assert [client("GET", "/v2/").status for _ in range(3)] == [200] * 3
        client.close()
        until(lambda: told)
        path.parent.mkdir()
        assert harness.request(running.host, "GET", "/v2/last")[0] == 404
    assert len(told) == 1
    assert read(path)[-1][1] == "GET /v2/last HTTP/1.1"


def test_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with logged(Path("-")) as running:
        harness.request(running.host, "GET", "/v2/")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert LINE.fullmatch(captured.err.rstrip("\n"))


def test_where_none_can_be(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot write the access log .*: Is a directory"), logged(tmp_path):
        pass
