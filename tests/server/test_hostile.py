"""Clients that mean no good: nothing outside of the folder is touched, limits hold, and others are served meanwhile."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import itertools
import json
import logging
import socket
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.server.disk import DiskStore
from manifest_tool.server.limits import Limits
from manifest_tool.server.memory import MemoryStore
from manifest_tool.server.receiving import LARGE
from manifest_tool.server.serve import Running, serving
from tests.server.conftest import Client

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

DATA = b"some bytes"
DIGEST = Digest.of(DATA)
UPLOADS = "/v2/a/blobs/uploads/"
MIB = 1024 * 1024
HUGE = 10 * 1024 * MIB
OUTSIDE = [
    *("../" * 8, "/", "..", "%2e%2e", "%2E%2E/", "..%2f..%2f", "%2F", "....//", "..\\..\\", "\\", "%00", "a%00b"),
    *(
        "a/../../b",
        "./a",
        "a//b",
        "~root",
        "$HOME",
        "a" * 300,
        "a/" * 200,
        "%252e%252e%252f",
        "%c0%ae%c0%ae",
        "CON",
        "-",
    ),
]


@contextmanager
def limited(kind: str, folder: Path, **limits: Any) -> Iterator[Running]:
    """A registry of its own limits."""
    of = Limits(**limits)
    with ExitStack() as stack:
        store = MemoryStore(of) if kind == "memory" else stack.enter_context(DiskStore(folder / "registry", of))
        yield stack.enter_context(serving(store, limits=of))


@contextmanager
def connected(registry: Running) -> Iterator[socket.socket]:
    host, _, port = registry.host.partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        yield connection


def exchange(registry: Running, sent: bytes) -> http.client.HTTPResponse:
    """The answer to what is sent as it stands; only its head was read."""
    with connected(registry) as connection:
        connection.sendall(sent)
        return answer(connection)


def answer(connection: socket.socket) -> http.client.HTTPResponse:
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response


def codes(response: http.client.HTTPResponse) -> list[str]:
    return [error["code"] for error in json.loads(response.read())["errors"]]


def head(method: str, target: str, *lines: str) -> bytes:
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: x", *lines, "", ""]).encode("latin-1")


def targets(bad: str) -> Iterator[tuple[str, str]]:
    """Every place of the API where something of the client's comes to be part of a name."""
    for name in (bad, f"a/{bad}", f"{bad}/a"):
        yield "GET", f"/v2/{name}/manifests/tag"
        yield "PUT", f"/v2/{name}/manifests/tag"
        yield "GET", f"/v2/{name}/blobs/{DIGEST}"
        yield "DELETE", f"/v2/{name}/blobs/{DIGEST}"
        yield "POST", f"/v2/{name}/blobs/uploads/?digest={DIGEST}"
        yield "GET", f"/v2/{name}/tags/list"
        yield "GET", f"/v2/{name}/referrers/{DIGEST}"
    for digest in (bad, f"sha256:{bad}", f"{bad}:{DIGEST.hex}", f"sha256:{bad}{DIGEST.hex}"[: 7 + 64]):
        yield "GET", f"/v2/a/blobs/{digest}"
        yield "DELETE", f"/v2/a/blobs/{digest}"
        yield "PUT", f"/v2/a/manifests/{digest}"
        yield "DELETE", f"/v2/a/manifests/{digest}"
        yield "POST", f"{UPLOADS}?digest={digest}"
        yield "POST", f"{UPLOADS}?mount={digest}&from=a"
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        yield method, f"{UPLOADS}{bad}?digest={DIGEST}"
    yield "PUT", f"/v2/a/manifests/{DIGEST}?tag={bad}"
    yield "POST", f"{UPLOADS}?mount={Digest.of(b'unknown')}&from={bad}"


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_no_name_leads_anywhere(tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    # What a name that leads out of the folder would find.
    for path in ("blobs", "manifests/tag", "_tags/tag", "secret", f"sha256/{DIGEST.hex}"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(DATA)
    before = tree(tmp_path)
    with limited(kind, tmp_path) as registry, connected(registry) as connection:
        registry.put_blob("a", DATA)
        registry.put_manifest("a", DATA, types.OCI_INDEX, "tag")
        listing = tree(tmp_path)
        for bad in OUTSIDE:
            for method, target in targets(bad):
                body = DATA if method in {"PUT", "POST", "PATCH"} else b""
                connection.sendall(head(method, target, f"Content-Length: {len(body)}") + body)
                response = answer(connection)
                told = response.read()
                if method == "POST" and "from=" in target and response.status == 202:
                    continue  # it opened an upload, as for any mount that cannot be
                assert 400 <= response.status < 500, (method, target, response.status)
                assert json.loads(told)["errors"][0]["code"], (method, target)
                if method == "GET" and target.endswith("list"):
                    assert DATA not in told
        assert tree(tmp_path) == listing
        assert registry.store.repositories() == ["a"]
    after = {name: data for name, data in tree(tmp_path).items() if not name.startswith("registry/")}
    assert after == before
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize(
    "target",
    [
        f"http://x/v2/a/blobs/{DIGEST}",
        f"http://x/v2/a/../a/blobs/{DIGEST}",
        "http:///etc/passwd",
        "file:///etc/passwd",
        "/etc/passwd",
        "*",
    ],
)
def test_whole_urls_for_targets(registry: Running, target: str) -> None:
    registry.put_blob("a", DATA)
    response = exchange(registry, head("GET", target))
    assert response.status in {200, 400, 404}
    assert response.read() == DATA if response.status == 200 else codes(response)


@pytest.mark.parametrize("expecting", [False, True])
@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_a_body_that_cannot_fit_is_refused_before_it_is_sent(tmp_path: Path, kind: str, expecting: bool) -> None:
    with limited(kind, tmp_path, size=MIB) as registry:
        session = registry.store.begin("a").id
        for method, target in (
            ("POST", f"{UPLOADS}?digest={DIGEST}"),
            ("PATCH", f"{UPLOADS}{session}"),
            ("PUT", f"{UPLOADS}{session}?digest={DIGEST}"),
            ("PUT", "/v2/a/manifests/tag"),
        ):
            lines = [f"Content-Length: {HUGE}", *(["Expect: 100-continue"] if expecting else [])]
            with connected(registry) as connection:
                connection.sendall(head(method, target, *lines))
                assert connection.recv(12, socket.MSG_PEEK) == b"HTTP/1.1 413", "it was asked for the body"
                response = answer(connection)
            assert (response.status, codes(response)) == (413, ["SIZE_INVALID"])
            assert response.headers["Connection"] == "close"
        assert registry.store.room() == MIB


@pytest.mark.parametrize("length", [HUGE * HUGE, 10**30])
def test_a_body_for_which_the_disk_has_no_room_is_refused_too(tmp_path: Path, length: int) -> None:
    with limited("disk", tmp_path) as registry:
        response = exchange(registry, head("POST", f"{UPLOADS}?digest={DIGEST}", f"Content-Length: {length}"))
        assert response.status in {400, 413}
        assert codes(response)
        assert list((tmp_path / "registry" / "uploads").iterdir()) == []


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_a_full_registry_says_so_and_takes_more_when_something_goes(tmp_path: Path, kind: str) -> None:
    with limited(kind, tmp_path, size=MIB) as registry:
        client = Client(registry.host)
        first = registry.put_blob("a", bytes(900_000))
        # No length is told, so it is only seen when there is too much of it.
        refused = client("POST", f"{UPLOADS}?digest={DIGEST}", (bytes(50_000) for _ in range(9)))
        assert (refused.status, refused.codes) == (413, ["SIZE_INVALID"])
        location = client("POST", UPLOADS).headers["Location"]
        assert client("PATCH", location, (bytes(50_000) for _ in range(9))).status == 413
        assert client("DELETE", location).status == 204
        index = {"schemaVersion": 2, "mediaType": types.OCI_INDEX, "manifests": [], "annotations": {"a": "a" * 200_000}}
        refused = client("PUT", "/v2/a/manifests/tag", json.dumps(index), Content_Type=types.OCI_INDEX)
        assert (refused.status, refused.codes) == (413, ["SIZE_INVALID"])
        assert registry.store.tags("a") == {}
        assert client("DELETE", f"/v2/a/blobs/{first}").status == 202
        assert registry.store.room() == MIB
        assert client("PUT", "/v2/a/manifests/tag", json.dumps(index), Content_Type=types.OCI_INDEX).status == 201
        assert client("POST", f"{UPLOADS}?digest={DIGEST}", DATA).status == 201
        client.close()


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_there_are_only_so_many_names(tmp_path: Path, kind: str) -> None:
    index = json.dumps({"schemaVersion": 2, "mediaType": types.OCI_INDEX, "manifests": []})
    with limited(kind, tmp_path, names=5, size=MIB) as registry:
        client, room = Client(registry.host), registry.store.room()

        def tag(name: str) -> int:
            return client("PUT", f"/v2/a/manifests/{name}", index, Content_Type=types.OCI_INDEX).status

        assert client("POST", f"{UPLOADS}?digest={DIGEST}", DATA).status == 201
        assert tag("one") == 201
        for refused in (
            client("PUT", "/v2/a/manifests/two", index, Content_Type=types.OCI_INDEX),
            client("PUT", "/v2/b/manifests/two", index, Content_Type=types.OCI_INDEX),
        ):
            assert (refused.status, refused.codes) == (413, ["SIZE_INVALID"])
            assert "4 names" in refused.json["errors"][0]["detail"]
        assert client("POST", f"/v2/a/blobs/uploads/?digest={Digest.of(b'')}").status == 201
        assert client("POST", f"/v2/b/blobs/uploads/?mount={DIGEST}&from=a").status == 413
        assert client("POST", f"/v2/b/blobs/uploads/?digest={DIGEST}", DATA).status == 413
        assert registry.store.repositories() == ["a"]
        assert registry.tags("a").keys() == {"one"}
        for name in (f"blobs/{DIGEST}", "manifests/one", f"manifests/{Digest.of(index.encode())}"):
            assert client("DELETE", f"/v2/a/{name}").status == 202
        assert registry.store.room() == room
        for name in ("two", "three", "four", "five", "six"):
            assert tag(name) == 201
            assert client("DELETE", f"/v2/a/manifests/{name}").status == 202
        client.close()


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_a_slow_body_is_given_up_and_what_came_of_it_is_kept(tmp_path: Path, kind: str) -> None:
    with limited(kind, tmp_path, idle=0.2) as registry:
        session = registry.store.begin("a")
        for target in (f"{UPLOADS}{session.id}", "/v2/a/manifests/tag", "/v2/a/nothing"):
            method = "PATCH" if "uploads" in target else "PUT"
            response = exchange(registry, head(method, target, "Content-Length: 1000") + DATA)
            assert (response.status, response.headers["Connection"]) == (408, "close")
            assert codes(response) == ["REQUEST_TIMEOUT"]
        assert session.size == len(DATA)
        client = Client(registry.host)
        assert client("PUT", f"{UPLOADS}{session.id}?digest={DIGEST}").status == 201
        client.close()


def test_a_body_that_comes_byte_by_byte_is_given_up(tmp_path: Path) -> None:
    with limited("memory", tmp_path, idle=0.2) as registry, connected(registry) as connection:
        connection.sendall(head("PUT", "/v2/a/manifests/tag", "Content-Length: 1000"))
        connection.settimeout(0.05)
        for _ in range(100):
            connection.sendall(b"a")
            try:
                connection.recv(1, socket.MSG_PEEK)
                break
            except TimeoutError:
                continue
        assert answer(connection).status == 408


@pytest.mark.parametrize("sent", [b"", b"GET /v2/ HT", b"GET /v2/ HTTP/1.1\r\nA: b\r\n", head("GET", "/v2/")])
def test_a_head_that_does_not_come_ends_the_connection(tmp_path: Path, sent: bytes) -> None:
    with limited("memory", tmp_path, idle=0.2) as registry, connected(registry) as connection:
        connection.sendall(sent)
        while connection.recv(65536):
            pass


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_an_answer_that_nobody_takes_ends_the_connection(tmp_path: Path, kind: str) -> None:
    with limited(kind, tmp_path, idle=0.5) as registry, connected(registry) as connection:
        digest = registry.put_blob("a", bytes(20 * MIB))
        connection.sendall(head("GET", f"/v2/a/blobs/{digest}"))
        wait_for_the_end(connection)
        client = Client(registry.host)
        assert client("GET", "/v2/").status == 200
        client.close()


def wait_for_the_end(connection: socket.socket) -> None:
    """Until a connection that is not read from was cut: then nothing can be sent either."""
    until = time.monotonic() + 10
    try:
        while time.monotonic() < until:
            connection.sendall(b"\r\n")
            time.sleep(0.01)
    except ConnectionError:
        return
    pytest.fail("the connection is still there")


def test_many_that_stall_keep_nobody_out(tmp_path: Path) -> None:
    ways = (
        b"",
        b"GET /v2/ HTTP/1.1\r\n",
        head("PUT", "/v2/a/manifests/tag", "Content-Length: 99") + b"{",
        head("GET", f"/v2/a/blobs/{DIGEST}"),
    )
    with limited("disk", tmp_path) as registry, ExitStack() as stack:
        registry.put_blob("a", DATA)
        for way in itertools.islice(itertools.cycle(ways), 200):
            stack.enter_context(connected(registry)).sendall(way)
        client = Client(registry.host)
        for number in range(20):
            data = f"{number}".encode()
            assert client("POST", f"{UPLOADS}?digest={Digest.of(data)}", data).status == 201
        client.close()


def test_connections_beyond_the_limit_are_told_to_come_again(tmp_path: Path) -> None:
    with limited("memory", tmp_path, connections=3) as registry:
        with ExitStack() as stack:
            lines = [stack.enter_context(connected(registry)) for _ in range(4)]
            response = answer(lines[3])
            assert (response.status, response.headers["Retry-After"]) == (503, "1")
            assert codes(response) == ["SERVICE_UNAVAILABLE"]
            lines[0].sendall(head("GET", "/v2/"))
            assert answer(lines[0]).status == 200
        # Those four may take a moment to go.
        until = time.monotonic() + 10
        while exchange(registry, head("GET", "/v2/")).status != 200:
            assert time.monotonic() < until


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_uploads_beyond_the_limit_are_refused_until_one_ends(tmp_path: Path, kind: str) -> None:
    with limited(kind, tmp_path, uploads=3) as registry:
        client = Client(registry.host)
        locations = [client("POST", UPLOADS).headers["Location"] for _ in range(3)]
        for query in ("", f"?digest={DIGEST}"):
            refused = client("POST", UPLOADS + query, DATA)
            assert (refused.status, refused.codes) == (429, ["TOOMANYREQUESTS"])
            assert refused.headers["Retry-After"] == "60"
        assert client("PUT", f"{locations[0]}?digest={DIGEST}", DATA).status == 201
        assert client("POST", UPLOADS).status == 202
        client.close()


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_an_upload_that_is_left_alone_makes_room_for_another(tmp_path: Path, kind: str) -> None:
    with limited(kind, tmp_path, uploads=1, crowded=0.0) as registry:
        client = Client(registry.host)
        first = client("POST", UPLOADS).headers["Location"]
        client("PATCH", first, DATA)
        second = client("POST", UPLOADS).headers["Location"]
        assert client("GET", first).status == 404
        assert client("GET", second).status == 204
        client.close()


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_an_upload_that_nobody_goes_on_with_expires(tmp_path: Path, kind: str) -> None:
    with limited(kind, tmp_path, unattended=0.0, size=MIB) as registry:
        session = registry.store.begin("a")
        session.write(DATA)
        assert registry.store.room() == MIB - len(DATA)
        registry.store.expire()
        assert registry.store.upload("a", session.id) is None
        assert registry.store.room() == MIB
        if kind == "disk":
            assert list((tmp_path / "registry" / "uploads").iterdir()) == []


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_whoever_comes_last_goes_on_with_an_upload(tmp_path: Path, kind: str) -> None:
    with limited(kind, tmp_path) as registry, connected(registry) as lost:
        session = registry.store.begin("a")
        target = f"{UPLOADS}{session.id}"
        lost.sendall(head("PATCH", target, "Content-Length: 1000") + DATA[:4])
        client = Client(registry.host)
        while client("GET", target).headers["Range"] != "0-3":
            pass
        assert client("PUT", f"{target}?digest={DIGEST}", DATA[4:]).status == 201
        lost.sendall(bytes(996))
        response = answer(lost)
        assert (response.status, codes(response)) == (409, ["BLOB_UPLOAD_INVALID"])
        assert registry.blob("a", DIGEST) == DATA
        client.close()


@pytest.mark.parametrize(
    "flood",
    [
        "".join(f"A{number}: b\r\n" for number in range(5_000)),
        f"A: {'b' * MIB}\r\n",
        f"{'A' * 100_000}: b\r\n",
        "A: b\r\n b\r\n" * 3_000,
        f"Cookie: {'a=b; ' * 100_000}\r\n",
    ],
)
def test_a_flood_of_headers(registry: Running, flood: str, caplog: pytest.LogCaptureFixture) -> None:
    with connected(registry) as connection:
        try:
            connection.sendall(f"GET /v2/ HTTP/1.1\r\nHost: x\r\n{flood}\r\n".encode())
            status = answer(connection).status
        except ConnectionError:
            status = 400  # it was closed before all of it was sent
    assert status == 400
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    client = Client(registry.host)
    assert client("GET", "/v2/").status == 200
    client.close()


def test_a_head_has_its_limit_before_it_is_whole(registry: Running) -> None:
    lines = "".join(f"A{number}: {'b' * 8_000}\r\n" for number in range(10))
    with connected(registry) as connection:
        connection.sendall(f"GET /v2/ HTTP/1.1\r\nHost: x\r\n{lines}".encode())
        response = answer(connection)
        assert (response.status, codes(response)) == (431, ["REQUEST_HEADER_FIELDS_TOO_LARGE"])


def test_a_body_is_no_part_of_a_head(registry: Running) -> None:
    """However its pieces come, and whatever comes behind it on the same connection."""
    data = bytes(200_000)
    whole = head("POST", f"{UPLOADS}?digest={Digest.of(data)}", f"Content-Length: {len(data)}") + data
    with connected(registry) as connection:
        for _ in range(3):
            for start in range(0, len(whole), 50_001):
                connection.sendall(whole[start : start + 50_001])
            assert answer(connection).status == 201
        connection.sendall(head("GET", "/v2/"))
        assert answer(connection).status == 200


def put(client: Client, raw: bytes | str) -> tuple[int, list[str]]:
    refused = client("PUT", "/v2/a/manifests/tag", raw, Content_Type=types.OCI_INDEX)
    return refused.status, refused.codes if refused.body else []


def test_a_manifest_without_end(registry: Running) -> None:
    client = Client(registry.host)
    refused = client("PUT", "/v2/a/manifests/tag", (bytes(MIB) for _ in range(80)))
    assert (refused.status, refused.codes, refused.headers["Connection"]) == (413, ["SIZE_INVALID"], "close")
    client.close()


@pytest.mark.parametrize(
    "raw",
    [
        "[" * (4 * MIB),
        '{"a":' * (4 * MIB // 5),
        '{"manifests":' + "[" * 500_000 + "]" * 500_000 + "}",
        "{" + ",".join(f'"{number:x}":0' for number in range(350_000)) + "}",
        "1" * (4 * MIB),
        '{"schemaVersion":' + "9" * 100_000 + "}",
        '"' + "\\ud800" * 600_000 + '"',
        b"\xff" * (4 * MIB),
        b"\x00",
        b"",
    ],
    ids=["arrays", "objects", "closed", "keys", "digits", "number", "surrogates", "no-text", "null", "empty"],
)
def test_a_manifest_to_choke_on(raw: bytes | str) -> None:
    with serving() as registry:
        client = Client(registry.host)
        assert put(client, raw) == (400, ["MANIFEST_INVALID"])
        assert client("GET", "/v2/").status == 200
        client.close()


@pytest.mark.parametrize(("count", "status"), [(50, 201), (51, 414), (900, 414)])
def test_many_tags_at_a_time(registry: Running, count: int, status: int) -> None:
    raw = json.dumps({"schemaVersion": 2, "mediaType": types.OCI_INDEX, "manifests": []}).encode()
    client = Client(registry.host)
    tags = [f"{number}" for number in range(count)]
    target = f"/v2/a/manifests/{Digest.of(raw)}?{'&'.join(f'tag={tag}' for tag in tags)}"
    put = client("PUT", target, raw, Content_Type=types.OCI_INDEX)
    assert (put.status, put.codes if put.body else []) == (status, [] if status == 201 else ["TAG_INVALID"])
    assert set(registry.tags("a")) == (set(tags) if status == 201 else set())
    client.close()


@pytest.mark.parametrize(
    ("ranges", "status"),
    [
        (f"bytes=0-{10**17}", 206),
        (f"bytes=0-{10**40}", 200),
        (f"bytes={10**17}-", 416),
        (f"bytes=-{10**17}", 206),
        ("bytes=" + ",".join(f"{number}-{number}" for number in range(800)), 200),
        ("bytes=0-0," * 500, 200),
        ("bytes=5-4", 416),
        ("bytes=--5", 200),
        ("bytes=٣-٤", 200),
        ("lines=0-1", 200),
        ("bytes=", 200),
    ],
)
def test_ranges(registry: Running, ranges: str, status: int) -> None:
    registry.put_blob("a", DATA)
    target = head("GET", f"/v2/a/blobs/{DIGEST}", "Range: ").rstrip(b"\r\n")
    response = exchange(registry, target + b" " + ranges.encode() + b"\r\n\r\n")
    body = response.read()
    assert response.status in {status, 400} if not ranges.isascii() else response.status == status
    assert int(response.headers["Content-Length"]) == len(body) <= max(len(DATA), 300)


def test_requests_in_a_row_are_answered_in_order(registry: Running) -> None:
    blobs = [registry.put_blob("a", f"{number}".encode()) for number in range(100)]
    with connected(registry) as connection:
        connection.sendall(b"".join(head("GET", f"/v2/a/blobs/{digest}") for digest in blobs))
        for number in range(100):
            assert answer_to_one(connection) == f"{number}".encode()


def answer_to_one(connection: socket.socket, *, empty: bool = False) -> bytes:
    """Read no more than one answer; whatever length it tells, it may have no body."""
    told = b""
    while not told.endswith(b"\r\n\r\n"):
        told += connection.recv(1)
    length = next(
        int(line.split(b":")[1]) for line in told.split(b"\r\n") if line.lower().startswith(b"content-length")
    )
    return b"".join(connection.recv(1) for _ in range(0 if empty else length))


def test_large_manifests_come_a_few_at_a_time_and_others_at_once() -> None:
    small = json.dumps({"schemaVersion": 2, "mediaType": types.OCI_INDEX, "manifests": []}).encode()
    large, limits, slots = small.ljust(100_000), Limits(manifests=1), list[asyncio.Semaphore]()
    lines = [f"Content-Length: {len(large)}", f"Content-Type: {types.OCI_INDEX}"]

    @web.middleware
    async def look(request: web.Request, handler: Handler) -> web.StreamResponse:
        slots.append(request.app[LARGE])
        return await handler(request)

    with serving(limits=limits, middlewares=[look]) as registry, connected(registry) as waiting:
        with connected(registry) as stalling:
            stalling.sendall(head("PUT", "/v2/a/manifests/stalls", *lines) + large[:-1])
            until = time.monotonic() + 10
            while not (slots and slots[0].locked()):
                assert time.monotonic() < until
            waiting.sendall(head("PUT", "/v2/a/manifests/waits", *lines) + large)
            client = Client(registry.host)
            assert client("PUT", "/v2/a/manifests/small", small, Content_Type=types.OCI_INDEX).status == 201
            client.close()
            assert set(registry.tags("a")) == {"small"}
        assert answer(waiting).status == 201
    assert set(registry.tags("a")) == {"small", "waits"}


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"a\r\nsome bytes\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (["Content-Length: 10", "Transfer-Encoding: chunked"], CHUNKED),
        (["Transfer-Encoding: chunked", "Content-Length: 10"], CHUNKED),
        (["Content-Length: 10", "Content-Length: 5"], DATA),
        (["Content-Length: 10, 10"], DATA),
        (["Content-Length: +10"], DATA),
        (["Content-Length: -1"], DATA),
        (["Content-Length: 0x0a"], DATA),
        (["Transfer-Encoding: xchunked"], CHUNKED),
        (["Transfer-Encoding: chunked, identity"], CHUNKED),
        (["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], CHUNKED),
        (["Transfer-Encoding : chunked"], CHUNKED),
        (["Transfer-Encoding:\x0bchunked"], CHUNKED),
        (["Transfer-Encoding: chunked"], b"-1\r\n" + DATA),
        (["Transfer-Encoding: chunked"], b"f" * 40 + b"\r\n" + DATA),
        (["Transfer-Encoding: chunked"], b"zz\r\n" + DATA),
        (["Transfer-Encoding: chunked"], b"a\n" + DATA + b"\n0\n\n"),
        (["Host: another"], b""),
        (["A: b\rc: d"], b""),
    ],
)
def test_no_request_is_smuggled_in_another(registry: Running, lines: list[str], body: bytes) -> None:
    with connected(registry) as connection:
        connection.sendall(head("POST", f"{UPLOADS}?digest={DIGEST}", *lines) + body + SMUGGLED)
        response = answer(connection)
        assert (response.status, codes(response)) == (400, ["BAD_REQUEST"])
        assert connection.recv(1) == b"", "the connection goes on"
    assert registry.blob("a", DIGEST) is None
    assert [request for request in registry.log if "smuggled" in request.path] == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_belongs_to_no_method_is_no_request(registry: Running, method: str, chunked: bool) -> None:
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED) if chunked else SMUGGLED
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
    with connected(registry) as connection:
        connection.sendall(head(method, f"/v2/a/blobs/{DIGEST}", framing) + body + head("GET", "/v2/"))
        answer_to_one(connection, empty=method == "HEAD")
        assert answer_to_one(connection) == b"{}"
    assert [request.path for request in registry.log] == [f"/v2/a/blobs/{DIGEST}", "/v2/"]


@pytest.mark.parametrize("kind", ["extension", "size", "trailers", "chunks", "requests", "lines"])
def test_what_comes_without_end_fills_no_memory(tmp_path: Path, kind: str) -> None:
    begun = head("POST", f"{UPLOADS}?digest={DIGEST}", "Transfer-Encoding: chunked")
    sent, piece = {
        "extension": (begun + b"a;", b"x" * MIB),
        "size": (begun, b"0" * MIB),
        "trailers": (begun + CHUNKED[:-2], b"A: b\r\n" * 100_000),
        "chunks": (begun, b"1\r\nx\r\n" * 20_000),
        "requests": (b"", head("GET", "/v2/") * 4_000),
        "lines": (b"", b"\r\n" * 500_000),
    }[kind]
    with limited("memory", tmp_path, size=100_000) as registry:
        tracemalloc.start()
        try:
            with connected(registry) as connection, suppress(OSError):
                connection.settimeout(0.2)  # it may take no more
                connection.sendall(sent)
                for _ in range(10):
                    connection.sendall(piece)
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert most < 5 * MIB
        client = Client(registry.host)
        assert client("GET", "/v2/").status == 200
        client.close()


@pytest.mark.parametrize("expected", [b"", b"Expect: x\r\n", b"Expect: \x80\xff\r\n"])
def test_this_is_no_proxy(registry: Running, expected: bytes, caplog: pytest.LogCaptureFixture) -> None:
    sent = b"CONNECT registry.test:443 HTTP/1.1\r\nHost: x\r\n%bContent-Length: 5\r\n\r\nhello" % expected
    response = exchange(registry, sent)
    assert (response.status, response.headers["Connection"]) == (501, "close")
    assert codes(response) == ["NOT_IMPLEMENTED"]
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_client_of_http_1_0_is_answered_in_it(registry: Running) -> None:
    registry.put_blob("a", DATA)
    target = f"/v2/a/blobs/{DIGEST}"
    with connected(registry) as connection:
        connection.sendall(f"GET {target} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".encode() * 2)
        assert [answer_to_one(connection), answer_to_one(connection)] == [DATA, DATA]
        # It would take what it was not asked to expect for the answer (RFC 9110 § 10.1.1).
        lines = f"Expect: 100-continue\r\nContent-Length: {len(DATA)}\r\n\r\n"
        connection.sendall(f"POST /v2/b/blobs/uploads/?digest={DIGEST} HTTP/1.0\r\n{lines}".encode() + DATA)
        assert connection.recv(20) == b"HTTP/1.0 201 Created"
    with connected(registry) as connection:
        connection.sendall(f"GET {target} HTTP/1.0\r\n\r\n".encode())
        assert b"".join(iter(lambda: connection.recv(65536), b"")).endswith(b"\r\n\r\n" + DATA)


def test_nothing_is_unpacked() -> None:
    bomb = gzip.compress(bytes(50 * MIB))
    with serving() as registry:
        client, digest = Client(registry.host), Digest.of(bomb)
        for coding in ("gzip", "deflate", "br", "identity"):
            refused = client("PUT", "/v2/a/manifests/tag", bomb, Content_Encoding=coding, Content_Type=types.OCI_INDEX)
            assert (refused.status, refused.codes) == (400, ["MANIFEST_INVALID"])
            assert client("POST", f"{UPLOADS}?digest={digest}", bomb, Content_Encoding=coding).status == 201
            assert client("GET", f"/v2/a/blobs/{digest}").body == bomb
        client.close()


def test_as_many_parts_as_a_manifest_can_have() -> None:
    children = [{"mediaType": types.OCI_MANIFEST, "digest": f"sha256:{n:064x}", "size": 1} for n in range(25_000)]
    document = {"schemaVersion": 2, "mediaType": types.OCI_INDEX, "manifests": children}
    with serving() as registry:
        client = Client(registry.host)
        assert put(client, json.dumps(document)) == (400, ["MANIFEST_BLOB_UNKNOWN"] * 100)
        assert put(client, '{"manifests":[' + "{}," * 1_300_000 + "{}]}") == (400, ["MANIFEST_INVALID"])
        for number in (str(10**400), "1e400", "-1", "1.5", "true", "NaN", '"1"'):
            child = f'{{"mediaType":"{types.OCI_MANIFEST}","digest":"{DIGEST}","size":{number}}}'
            refused = put(client, f'{{"schemaVersion":2,"manifests":[{child}]}}')
            assert refused == (400, ["MANIFEST_INVALID"]), number
        client.close()
