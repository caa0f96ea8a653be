"""Uploads that break off: gone on with where the registry can, else begun anew; none is left open."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from integration.cutting import line
from manifest_tool.errors import InvalidContent, RegistryError, Unreachable
from manifest_tool.oci import media_type as types
from manifest_tool.oci.descriptor import Descriptor
from manifest_tool.oci.digest import Digest
from manifest_tool.server import actions
from manifest_tool.server.log import Request
from manifest_tool.server.serve import Running, serving
from tests.registry.parts import Clock, Watched, client, http, repository
from tests.registry.tokens import guarded, logins

_MIB = 1024 * 1024
_BLOB = b"".join(number.to_bytes(4) * 1024 for number in range(2 * 1024))
_LAYER = Descriptor(types.OCI_LAYER, Digest.of(_BLOB), len(_BLOB))
_UPLOADS = "/blobs/uploads/[0-9a-f]"


class _Source:
    """The content, and where it was opened."""

    def __init__(self) -> None:
        self.starts: list[int] = []

    async def __call__(self, start: int) -> AsyncGenerator[bytes, None]:
        self.starts.append(start)
        for first in range(start, len(_BLOB), 64 * 1024):
            yield _BLOB[first : first + 64 * 1024]


def _methods(registry: Running) -> list[str]:
    return [request.method for request in registry.log]


def _last_put(registry: Running) -> Request:
    return registry.log.by_method("PUT")[-1]


async def test_a9_an_upload_that_breaks_off_goes_on_from_there(embedded: Running) -> None:
    source = _Source()
    with line(embedded.host, up=4 * _MIB) as cut:
        async with client() as opened:
            await opened.put_blob(repository(cut.host, "target"), _LAYER, source)
    assert embedded.blob("target", _LAYER.digest) == _BLOB
    methods = _methods(embedded)
    assert methods[:4] == ["POST", "PUT", "GET", "PUT"]
    # What was on its way may still arrive after the registry has said how much it has; then it is asked again.
    assert set(methods[4:]) <= {"GET", "PUT"}
    first, *_, second = source.starts
    assert first == 0
    assert 0 < second < 5 * _MIB
    last = _last_put(embedded)
    assert last.headers["Content-Range"] == f"{second}-{len(_BLOB) - 1}"
    assert last.body_bytes == int(last.headers["Content-Length"]) == len(_BLOB) - second


async def test_it_may_break_off_as_often_as_something_arrives(embedded: Running) -> None:
    clock = Clock()
    with line(embedded.host, up=_MIB, times=7) as cut:
        async with client(clock=clock, attempts=2) as opened:
            await opened.put_blob(repository(cut.host, "target"), _LAYER, _Source())
        assert cut.left == 0
    assert embedded.blob("target", _LAYER.digest) == _BLOB


async def test_a_line_that_brings_nothing_over_is_given_up(embedded: Running) -> None:
    embedded.faults.add(actions.Reset(), method="PUT")
    source = _Source()
    async with client(attempts=3) as opened:
        with pytest.raises(Unreachable, match=r"the connection to \S+ failed"):
            await opened.put_blob(repository(embedded.host, "target"), _LAYER, source)
    assert source.starts == [0, 0, 0]
    opened_uploads, given_up = embedded.log.by_method("POST"), embedded.log.by_method("DELETE")
    assert len(opened_uploads) == len(given_up) == 3
    assert all(request.status == 204 for request in given_up)
    # Nobody looks for what was never sent.
    assert not embedded.log.by_method("HEAD")


async def test_a_registry_that_refuses_what_it_asks_for_is_given_up(embedded: Running) -> None:
    embedded.faults.add(actions.Answer(416), method="PUT")
    embedded.faults.add(actions.Answer(204, headers={"Range": "0-1000"}), method="GET", path=_UPLOADS)
    async with client(attempts=3) as opened:
        with pytest.raises(RegistryError, match="416"):
            await opened.put_blob(repository(embedded.host, "target"), _LAYER, _Source())
    # That it had more once is worth as many tries again, and no more.
    assert len(embedded.log.by_method("PUT")) == 4


async def test_both_sides_of_a_copy_go_on(embedded: Running) -> None:
    embedded.put_blob("source", _BLOB)
    with (
        serving() as other,
        line(embedded.host, down=3 * _MIB) as from_source,
        line(other.host, up=5 * _MIB) as to_target,
    ):
        async with client() as opened:
            content = opened.get_blob(repository(from_source.host, "source"), _LAYER).chunks
            await opened.put_blob(repository(to_target.host, "target"), _LAYER, content)
        assert other.blob("target", _LAYER.digest) == _BLOB
        assert _methods(other)[:4] == ["POST", "PUT", "GET", "PUT"]
        assert len(other.log.by_method("POST")) == 1
    ranges = [request.headers.get("Range", "") for request in embedded.log]
    # Once more where the source breaks off, and once for each time that the rest is sent.
    assert 3 <= len(ranges) <= 1 + len(other.log.by_method("PUT"))
    assert ranges[0] == ""
    assert all(text.startswith("bytes=") for text in ranges[1:])


async def test_what_is_read_again_is_verified_as_a_whole(embedded: Running) -> None:
    other = _BLOB[:-1] + b"x"
    embedded.put_blob("source", _BLOB)
    async with client() as opened:
        download = opened.get_blob(repository(embedded.host, "source"), _LAYER)
        read = download.chunks()
        got = len(await anext(read)) + len(await anext(read))
        await read.aclose()
        start = got // 2
        assert b"".join([chunk async for chunk in download.chunks(start)]) == _BLOB[start:]
        with pytest.raises(ValueError, match="has not been read"):
            await anext(opened.get_blob(repository(embedded.host, "source"), _LAYER).chunks(1))
        # The end of another blob does not fit the beginning of this one.
        download = opened.get_blob(repository(embedded.host, "source"), _LAYER)
        read = download.chunks()
        got = len(await anext(read))
        await read.aclose()
        embedded.faults.add(
            actions.Answer(206, other[got:], {"Content-Range": f"bytes {got}-{len(_BLOB) - 1}/{len(_BLOB)}"})
        )
        with pytest.raises(InvalidContent, match="has the digest"):
            _ = [chunk async for chunk in download.chunks(got)]


@pytest.mark.parametrize(
    "answer",
    [
        actions.Answer(404),
        actions.Answer(204),
        actions.Answer(204, headers={"Range": "0-0"}),
        actions.Answer(204, headers={"Range": "5-10"}),
        actions.Answer(204, headers={"Range": f"0-{len(_BLOB)}"}),
        actions.Answer(204, headers={"Range": "0-1000", "Location": "ftp://elsewhere.test/"}),
        actions.Answer(500),
        actions.Reset(),
    ],
    ids=str,
)
async def test_an_upload_that_nothing_good_is_said_of_is_begun_anew(embedded: Running, answer: actions.Answer) -> None:
    embedded.faults.add(answer, method="GET", path=_UPLOADS)
    source = _Source()
    with line(embedded.host, up=4 * _MIB) as cut:
        async with client() as opened:
            await opened.put_blob(repository(cut.host, "target"), _LAYER, source)
    assert embedded.blob("target", _LAYER.digest) == _BLOB
    assert source.starts == [0, 0]
    assert len(embedded.log.by_method("POST")) == 2
    assert "Content-Range" not in _last_put(embedded).headers


async def test_where_it_goes_on_may_be_somewhere_else(embedded: Running) -> None:
    moved = _Moved()
    embedded.faults.add(moved, method="GET", path=_UPLOADS)
    with line(embedded.host, up=4 * _MIB) as cut:
        async with client() as opened:
            await opened.put_blob(repository(cut.host, "target"), _LAYER, _Source())
    assert embedded.blob("target", _LAYER.digest) == _BLOB
    assert _last_put(embedded).query == f"_state=two%2F&digest={_LAYER.digest}"


async def test_an_upload_outlasts_an_outage(embedded: Running) -> None:
    embedded.faults.add(actions.Reset(), method="GET", path=_UPLOADS, times=3)
    source = _Source()
    with line(embedded.host, up=4 * _MIB) as cut:
        async with client() as opened:
            await opened.put_blob(repository(cut.host, "target"), _LAYER, source)
    assert embedded.blob("target", _LAYER.digest) == _BLOB
    assert len(embedded.log.by_method("POST")) == 1
    assert source.starts[1] > 0


async def test_a_registry_that_has_more_than_was_sent_is_not_believed(embedded: Running) -> None:
    embedded.put_blob("source", _BLOB)
    embedded.faults.add(actions.Reset(), method="PUT", times=1)
    embedded.faults.add(actions.Answer(204, headers={"Range": f"0-{len(_BLOB) - 1}"}), method="GET", path=_UPLOADS)
    async with client() as opened:
        content = opened.get_blob(repository(embedded.host, "source"), _LAYER).chunks
        await opened.put_blob(repository(embedded.host, "target"), _LAYER, content)
    assert embedded.blob("target", _LAYER.digest) == _BLOB
    assert [(request.method, request.status) for request in embedded.log.by_method("DELETE")] == [("DELETE", 204)]


class _Moved:
    """Name another place to go on, as registries do that keep their state there."""

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        response.headers["Location"] += "?_state=two%2F"
        return response


async def test_a10_what_was_stored_is_not_sent_again(embedded: Running) -> None:
    embedded.faults.add(actions.Answer(500, done=True), method="PUT", times=1)
    source = _Source()
    async with client() as opened:
        await opened.put_blob(repository(embedded.host, "target"), _LAYER, source)
    assert embedded.blob("target", _LAYER.digest) == _BLOB
    assert source.starts == [0]
    assert _methods(embedded) == ["POST", "PUT", "GET", "HEAD"]


async def test_what_has_arrived_needs_only_to_be_closed(embedded: Running) -> None:
    embedded.faults.add(_received, method="PUT", times=1)
    source = _Source()
    async with client() as opened:
        await opened.put_blob(repository(embedded.host, "target"), _LAYER, source)
    assert embedded.blob("target", _LAYER.digest) == _BLOB
    assert source.starts == [0]
    assert _last_put(embedded).headers["Content-Length"] == "0"


async def _received(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Take everything that is sent, and fail before it is made a blob."""
    await handler(request.clone(method="PATCH"))
    return web.Response(status=503)


@pytest.mark.parametrize("status", [403, 413])
async def test_e8_an_upload_that_is_refused_is_given_up(embedded: Running, status: int) -> None:
    embedded.faults.add(actions.Answer(status), method="PUT")
    async with client() as opened:
        with pytest.raises(RegistryError):
            await opened.put_blob(repository(embedded.host, "target"), _LAYER, _Source())
    assert [(request.method, request.status) for request in embedded.log][-1] == ("DELETE", 204)


async def test_e8_an_upload_that_is_cancelled_is_given_up(embedded: Running) -> None:
    reached = asyncio.Event()

    async def endless(start: int) -> AsyncGenerator[bytes, None]:
        yield _BLOB[start : start + 1000]
        reached.set()
        await asyncio.Event().wait()

    async with client() as opened:
        pushing = asyncio.ensure_future(opened.put_blob(repository(embedded.host, "target"), _LAYER, endless))
        await reached.wait()
        pushing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pushing
    assert [(request.method, request.status) for request in embedded.log.by_method("DELETE")] == [("DELETE", 204)]


async def test_a13_a_token_endpoint_is_not_tried_anew_by_what_needs_it() -> None:
    with guarded(anonymous={}) as (running, service):
        service.faults.add(actions.Answer(503))
        async with client(auths=logins(running.host), attempts=5) as opened:
            team = repository(running.host)
            with pytest.raises(RegistryError, match="the token endpoint"):
                await opened.put_blob(team, _LAYER, _Source())
            assert len(service.log) == 5
            with pytest.raises(RegistryError, match="the token endpoint"):
                _ = [chunk async for chunk in opened.get_blob(team, _LAYER).chunks()]
            assert len(service.log) == 10


async def test_b16_an_upload_that_nobody_reads_ends() -> None:
    clock, watched = Clock(), Watched()
    with _deaf() as host:
        async with client(clock=clock, attempts=2, idle=0.2, observe=watched) as opened:
            with pytest.raises(Unreachable, match="did not answer in time"):
                await opened.put_blob(repository(host), _LAYER, _Source())
    assert [reason for reason in watched.reasons if "did not answer in time" in reason]


async def test_b16_a_source_may_take_longer(embedded: Running) -> None:
    async def slow(start: int) -> AsyncGenerator[bytes, None]:
        yield _BLOB[start : start + _MIB]
        await asyncio.sleep(0.4)
        yield _BLOB[start + _MIB :]

    async with client(idle=0.2) as opened:
        await opened.put_blob(repository(embedded.host, "target"), _LAYER, slow)
    assert len(embedded.log.by_method("PUT")) == 1


@contextmanager
def _deaf() -> Iterator[str]:
    """A registry that opens uploads, and reads nothing of them."""
    held: list[socket.socket] = []
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                held.append(connection)
                if connection.recv(4096).startswith(b"POST"):
                    connection.sendall(http(202, b"", "Location: /up", "Connection: close"))
                    connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in (*held, listening):
            connection.close()
