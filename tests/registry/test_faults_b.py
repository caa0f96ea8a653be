"""Bodies: each test is named after its row of the list of faults."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler
from yarl import URL

from manifest_tool.errors import InvalidContent, Unreachable
from manifest_tool.events import Waiting
from manifest_tool.oci import media_type as types
from manifest_tool.oci.descriptor import Descriptor
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.manifest import MAX_SIZE
from manifest_tool.oci.reference import Repository
from manifest_tool.registry import transport as wire
from manifest_tool.registry.client import Client
from manifest_tool.registry.transport import Options, Request, Transport
from manifest_tool.server import actions
from manifest_tool.server.serve import Running
from tests.registry.parts import Clock, Watched, client, http, raw, repository, transport

_TYPE = types.OCI_INDEX
_INDEX = json.dumps({"schemaVersion": 2, "mediaType": _TYPE, "manifests": []}).encode()
_DIGEST = Digest.of(_INDEX)
_OTHER = Digest.of(b"other")
_BLOB = bytes(range(256)) * 4_000
_LAYER = Descriptor(types.OCI_LAYER, Digest.of(_BLOB), len(_BLOB))


@pytest.fixture
def team(embedded: Running) -> Repository:
    embedded.put_manifest("team/app", _INDEX, _TYPE, "latest")
    embedded.put_blob("team/app", _BLOB)
    return repository(embedded.host)


@pytest.fixture
async def registry() -> AsyncIterator[Client]:
    async with client() as opened:
        yield opened


async def _blob(registry: Client, repo: Repository, descriptor: Descriptor = _LAYER) -> bytes:
    async with aclosing(registry.get_blob(repo, descriptor).chunks()) as chunks:
        return b"".join([chunk async for chunk in chunks])


def _asked(running: Running) -> list[str | None]:
    """The range that each request asked for."""
    return [request.headers.get("Range") for request in running.log]


class NoRanges:
    """Answer with the whole whatever part was asked for."""

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        headers = request.headers.copy()
        headers.popall("Range", None)
        return await handler(request.clone(headers=headers))


@pytest.mark.parametrize("action", [actions.Reset(5), actions.Close(5), actions.Length(7)])
async def test_b1_a_manifest_that_breaks_off_is_repeated(
    embedded: Running, team: Repository, registry: Client, action: actions.Close
) -> None:
    embedded.faults.add(action, times=2)
    assert (await registry.get_manifest(team, "latest")).raw == _INDEX
    assert len(embedded.log) == 3


@pytest.mark.parametrize("action", [actions.Reset(300_000), actions.Close(300_000)])
async def test_b1_a_blob_that_breaks_off_is_resumed_by_range(
    embedded: Running, team: Repository, registry: Client, action: actions.Close
) -> None:
    embedded.faults.add(action, times=2)
    assert await _blob(registry, team) == _BLOB
    first, second, third = _asked(embedded)
    assert first is None
    assert second
    assert second.startswith("bytes=")
    assert third
    assert third.startswith("bytes=")
    assert int(third[6:-1]) > int(second[6:-1]) > 0


async def test_b1_without_ranges_the_bytes_that_were_handed_on_are_skipped(
    embedded: Running, team: Repository, registry: Client
) -> None:
    embedded.faults.add(NoRanges())
    embedded.faults.add(actions.Close(300_000), times=2)
    assert await _blob(registry, team) == _BLOB


@pytest.mark.parametrize(
    "action",
    [
        actions.Headers({"Content-Range": f"bytes 0-9/{len(_BLOB)}"}),
        actions.Headers({"Content-Range": None}),
        actions.Headers({"Content-Range": "bytes"}),
        actions.Answer(416, b"no ranges"),
    ],
)
async def test_b1_a_part_that_is_another_begins_anew(
    embedded: Running, team: Repository, registry: Client, action: actions.Headers
) -> None:
    embedded.faults.add(actions.Close(300_000), times=1)
    embedded.faults.add(action, times=1, after=1)
    assert await _blob(registry, team) == _BLOB
    assert [asked is None for asked in _asked(embedded)] == [True, False, True]


async def test_b1_a_part_that_nobody_asked_for_is_none(embedded: Running, team: Repository) -> None:
    embedded.faults.add(actions.Answer(206, _BLOB[:10], {"Content-Range": f"bytes 0-9/{len(_BLOB)}"}))
    async with client(attempts=2) as opened:
        with pytest.raises(InvalidContent, match="has the digest"):
            await _blob(opened, team)


async def test_b1_a_blob_that_breaks_off_reaches_its_target_in_one_upload(
    embedded: Running, team: Repository, registry: Client
) -> None:
    embedded.faults.add(actions.Reset(300_000), method="GET", times=3)
    await registry.put_blob(repository(embedded.host, "target"), _LAYER, registry.get_blob(team, _LAYER).chunks)
    assert embedded.blob("target", _LAYER.digest) == _BLOB
    assert [request.method for request in embedded.log.writes()] == ["POST", "PUT"]


async def test_b1_a_wait_at_a_resumed_blob_is_as_long_as_asked_for(embedded: Running, team: Repository) -> None:
    embedded.faults.add(actions.Close(300_000), times=1)
    embedded.faults.add(actions.Answer(503, headers={"Retry-After": "9"}), times=1, after=1)
    clock = Clock()
    async with client(clock=clock) as opened:
        assert await _blob(opened, team) == _BLOB
    assert clock.pauses == [0.5, 9.0]


async def test_b2_a_blob_that_stays_short_ends_where_nothing_comes(embedded: Running, team: Repository) -> None:
    embedded.faults.add(NoRanges())
    embedded.faults.add(actions.Close(300_000))
    watched = Watched()
    async with client(observe=watched, attempts=4) as opened:
        with pytest.raises(Unreachable, match="broke off in the middle of its answer"):
            await _blob(opened, team)
    assert len(embedded.log) == 4
    assert len(watched.of(Waiting)) == 3


async def test_b2_as_long_as_something_comes_it_is_gone_on_with(embedded: Running, team: Repository) -> None:
    embedded.faults.add(actions.Length(100_000))
    embedded.faults.add(actions.Close(100_000))
    async with client(attempts=2) as opened:
        assert await _blob(opened, team) == _BLOB
    assert len(embedded.log) > 5


async def test_b3_a_chunked_body_that_is_cut_is_resumed() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    rest = http(206, b" world", "Content-Range: bytes 5-10/11")
    blob = Descriptor(types.OCI_LAYER, Digest.of(b"hello world"), 11)
    with raw([head], [rest]) as server:
        async with client() as opened:
            assert await _blob(opened, repository(server.host), blob) == b"hello world"
    assert "Range: bytes=5-\r\n" in server.heads[1]


async def test_b3_so_is_a_manifest_from_its_beginning() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n" + _INDEX[:5] + b"\r\n"
    with raw([head], [http(200, _INDEX, f"Content-Type: {_TYPE}")]) as server:
        async with client() as opened:
            assert (await opened.get_manifest(repository(server.host), _DIGEST)).raw == _INDEX
    assert "Range" not in server.heads[1]


async def test_b4_more_bytes_than_the_descriptor_says_are_not_read(
    embedded: Running, team: Repository, registry: Client
) -> None:
    embedded.faults.add(actions.Body(_BLOB + b"x"))
    with pytest.raises(InvalidContent, match=f"is longer than the {len(_BLOB)} bytes"):
        await _blob(registry, team)
    assert len(embedded.log) == 1


async def test_b4_nor_is_more_waited_for(registry: Client) -> None:
    # The rest never comes; who waits for it finds the connection broken.
    hello = Descriptor(types.OCI_LAYER, Digest.of(b"hello"), 5)
    with (
        raw([http(200, b"hello!", length=10**9)]) as server,
        pytest.raises(InvalidContent, match="is longer than the 5 bytes"),
    ):
        await _blob(registry, repository(server.host), hello)


async def test_b5_wrong_bytes_of_a_manifest_are_asked_for_once_more(
    embedded: Running, team: Repository, registry: Client
) -> None:
    embedded.faults.add(actions.Damage())
    got = Digest.of(_INDEX[:-1] + bytes([_INDEX[-1] ^ 1]))
    with pytest.raises(InvalidContent, match=f"has the digest {got} where {_DIGEST} was expected"):
        await registry.get_manifest(team, _DIGEST)
    assert len(embedded.log) == 2


async def test_b5_a_bad_cache_is_survived(embedded: Running, team: Repository, registry: Client) -> None:
    embedded.faults.add(actions.Damage(), times=1)
    assert (await registry.get_manifest(team, _DIGEST)).raw == _INDEX


async def test_b5_wrong_bytes_of_a_blob_are_told_at_its_end(
    embedded: Running, team: Repository, registry: Client
) -> None:
    embedded.faults.add(actions.Damage())
    with pytest.raises(InvalidContent, match=f"where {_LAYER.digest} was expected"):
        await _blob(registry, team)


async def test_b6_a_tag_whose_bytes_are_not_what_the_header_says(
    embedded: Running, team: Repository, registry: Client
) -> None:
    embedded.faults.add(actions.digest_header(str(_OTHER)))
    with pytest.raises(InvalidContent, match=f"has the digest {_DIGEST} where {_OTHER} was expected"):
        await registry.get_manifest(team, "latest")


@pytest.mark.parametrize("header", ["sha256:abc", "nonsense"])
async def test_b7_a_malformed_digest_header_is_named(
    embedded: Running, team: Repository, registry: Client, header: str
) -> None:
    embedded.faults.add(actions.digest_header(header))
    for operation in (registry.get_manifest, registry.head_manifest):
        with pytest.raises(InvalidContent, match=f"Docker-Content-Digest is wrong, .*{header}.*{embedded.host}"):
            await operation(team, "latest")


async def test_b8_without_a_digest_header_the_bytes_are_hashed(
    embedded: Running, team: Repository, registry: Client
) -> None:
    embedded.faults.add(actions.digest_header(None))
    assert (await registry.get_manifest(team, "latest")).digest == _DIGEST
    assert await registry.head_manifest(team, "latest") == _DIGEST


async def test_b9_a_put_that_is_answered_with_another_digest(embedded: Running, registry: Client) -> None:
    embedded.faults.add(actions.digest_header(str(_OTHER)), method="PUT")
    with pytest.raises(InvalidContent, match=f"as {_OTHER}, which is not what was sent"):
        await registry.put_manifest(repository(embedded.host), "new", _INDEX, _TYPE)


async def test_b10_four_mebibytes_and_no_more(embedded: Running, registry: Client) -> None:
    fault = actions.Answer(200, _INDEX.ljust(MAX_SIZE), {"Content-Type": _TYPE})
    embedded.faults.add(fault, times=1)
    embedded.faults.add(actions.Answer(200, fault.body + b" ", {"Content-Type": _TYPE}), after=1)
    assert (await registry.get_manifest(repository(embedded.host), "x")).size == MAX_SIZE
    with pytest.raises(InvalidContent, match="larger than 4194304 bytes"):
        await registry.get_manifest(repository(embedded.host), "x")


async def test_b11_gzip_is_decoded_and_was_not_asked_for(embedded: Running, team: Repository, registry: Client) -> None:
    embedded.faults.add(actions.Gzip())
    assert (await registry.get_manifest(team, "latest")).digest == _DIGEST
    assert await _blob(registry, team) == _BLOB
    assert {request.headers["Accept-Encoding"] for request in embedded.log} == {"identity"}


async def test_b11_so_is_deflate(embedded: Running, registry: Client) -> None:
    headers = {"Content-Encoding": "deflate", "Content-Type": _TYPE}
    embedded.faults.add(actions.Answer(200, zlib.compress(_INDEX), headers))
    assert (await registry.get_manifest(repository(embedded.host), "x")).raw == _INDEX


async def test_b11_what_comes_out_is_bounded(embedded: Running) -> None:
    embedded.faults.add(actions.Gzip())
    embedded.faults.add(actions.Body(b"x" * 50_000_000))
    async with transport() as opened:
        with pytest.raises(InvalidContent, match="larger than 1000 bytes"):
            await opened.send(Request("GET", URL(f"http://{embedded.host}/v2/"), limit=1_000))


@pytest.mark.parametrize("encoding", ["acme", "gzip, gzip", "compress"])
async def test_b11_an_encoding_that_nobody_knows_is_named(
    embedded: Running, team: Repository, registry: Client, encoding: str
) -> None:
    embedded.faults.add(actions.Headers({"Content-Encoding": encoding}))
    for read in (registry.get_manifest(team, "latest"), _blob(registry, team)):
        with pytest.raises(InvalidContent, match=f"is encoded as '{encoding}', which was not asked for"):
            await read
    assert len(embedded.log) == 2


async def test_b11_an_encoded_part_is_not_taken(embedded: Running, team: Repository, registry: Client) -> None:
    embedded.faults.add(actions.Close(2_000), times=1)
    embedded.faults.add(actions.Gzip())
    assert await _blob(registry, team) == _BLOB
    assert _asked(embedded) == [None, "bytes=2000-", None]


async def test_b11_nor_is_one_asked_for() -> None:
    data, coded = bytes(range(250)), gzip.compress(bytes(range(250)))
    blob = Descriptor(types.OCI_LAYER, Digest.of(data), len(data))
    cut = http(200, coded[:200], "Content-Encoding: gzip", length=len(coded))
    with raw([cut], [http(200, coded, "Content-Encoding: gzip")]) as server:
        async with client() as opened:
            assert await _blob(opened, repository(server.host), blob) == data
    assert "Range" not in server.heads[1]


async def test_b12_no_length_is_needed(embedded: Running, team: Repository, registry: Client) -> None:
    embedded.faults.add(actions.Chunked())
    assert (await registry.get_manifest(team, "latest")).raw == _INDEX
    assert await _blob(registry, team) == _BLOB
    assert await registry.head_manifest(team, "latest") == _DIGEST


@pytest.mark.parametrize("content_type", [f"{_TYPE}; charset=utf-8", _TYPE.upper(), f" {_TYPE} "])
async def test_b13_parameters_and_case_of_a_content_type_do_not_count(
    embedded: Running, team: Repository, registry: Client, content_type: str
) -> None:
    embedded.faults.add(actions.content_type(content_type))
    assert (await registry.get_manifest(team, "latest")).media_type == _TYPE


async def test_b13_a_type_that_is_not_the_document_s_is_refused(
    embedded: Running, team: Repository, registry: Client
) -> None:
    embedded.faults.add(actions.content_type(types.OCI_MANIFEST))
    with pytest.raises(InvalidContent, match=r"its mediaType is .*index.*, but the registry sent it as .*manifest"):
        await registry.get_manifest(team, "latest")


@pytest.mark.parametrize("content_type", [None, "application/json", "application/octet-stream", "text/plain"])
async def test_b14_where_the_content_type_says_nothing_the_document_does(
    embedded: Running, team: Repository, registry: Client, content_type: str | None
) -> None:
    embedded.faults.add(actions.content_type(content_type))
    assert (await registry.get_manifest(team, "latest")).media_type == _TYPE


@pytest.mark.parametrize("content_type", [None, "application/json", "application/octet-stream", "text/plain"])
@pytest.mark.parametrize(
    ("document", "media_type"),
    [
        ({"manifests": []}, types.OCI_INDEX),
        (
            {"config": {"mediaType": types.OCI_CONFIG, "digest": str(_DIGEST), "size": 1}, "layers": []},
            types.OCI_MANIFEST,
        ),
    ],
)
async def test_b14_where_the_document_says_nothing_either_its_structure_does(
    embedded: Running, registry: Client, content_type: str | None, document: Mapping[str, object], media_type: str
) -> None:
    raw = json.dumps({"schemaVersion": 2, **document}).encode()
    embedded.faults.add(actions.content_type(content_type))
    embedded.faults.add(actions.Answer(200, raw))
    found = await registry.get_manifest(repository(embedded.host), "x")
    assert (found.raw, found.media_type) == (raw, media_type)


@pytest.mark.parametrize("read", ["manifest", "blob"])
async def test_b15_a_page_is_no_manifest_and_no_blob(embedded: Running, registry: Client, read: str) -> None:
    page = actions.Answer(200, b"<!doctype html><title>Sign in</title>", {"Content-Type": "text/html"})
    embedded.faults.add(page)
    team = repository(embedded.host)
    if read == "manifest":
        with pytest.raises(InvalidContent, match=r"HTML or XML \(text/html\), not a manifest: GET .*: 200"):
            await registry.get_manifest(team, "latest")
    else:
        with pytest.raises(InvalidContent, match="has the digest"):
            await _blob(registry, team)
    assert len(embedded.log) == 1


async def test_b16_an_answer_that_drips_has_to_end_some_time(embedded: Running, team: Repository) -> None:
    embedded.faults.add(actions.Drip(0.05))
    async with Transport(Options(retry=Clock().retry(1), seconds=0.2)) as opened:
        with pytest.raises(Unreachable, match="did not answer in time"):
            await opened.send(Request("GET", opened.url(team.registry, team.manifest_path("latest")), limit=MAX_SIZE))


async def test_b16_no_answer_is_waited_for_no_longer_than_one_may_take(
    embedded: Running,
) -> None:
    embedded.faults.add(actions.Delay(30), times=1)
    watched = Watched()
    async with transport(observe=watched, idle=0.2) as opened:
        assert (await opened.send(Request("GET", URL(f"http://{embedded.host}/v2/")))).status == 200
    assert "did not answer in time" in watched.reasons[0]


async def test_b16_nor_is_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "_CONNECT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.socket() as one, socket.socket() as two:
        for waiting in (one, two):
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        request = Request("GET", URL(f"http://127.0.0.1:{full.getsockname()[1]}/v2/"))
        async with asyncio.timeout(10), transport() as opened:
            with pytest.raises(Unreachable, match="did not answer in time"):
                async with opened.stream(request):
                    raise AssertionError("nobody accepts")


async def test_b16_a_stream_that_stalls_is_resumed(embedded: Running, team: Repository) -> None:
    embedded.faults.add(actions.Drip(0.5, piece=600_000), times=1)
    watched = Watched()
    async with client(observe=watched, idle=0.2) as opened:
        assert await _blob(opened, team) == _BLOB
    assert "did not answer in time" in watched.reasons[0]


@pytest.mark.parametrize(
    ("body", "good"),
    [
        (b"\xef\xbb\xbf" + _INDEX, False),
        (b'{"schemaVersion": 2, "manifests": 1, "manifests": []}', True),
        (b'{"schemaVersion": 2, "manifests": [], "n": NaN}', False),
        (b'{"schemaVersion": 2, "manifests": [], "n": ' + b"9" * 5_000 + b"}", False),
        (b'{"schemaVersion": 2, "manifests": [], "n": "\xff"}', False),
        (b'{"manifests": ' + b"[" * 100_000, False),
        (b"null", False),
        (b'"text"', False),
    ],
)
async def test_b17_odd_json_is_read_or_refused(embedded: Running, registry: Client, body: bytes, good: bool) -> None:
    embedded.faults.add(actions.Answer(200, body, {"Content-Type": _TYPE}))
    team = repository(embedded.host)
    if good:
        assert (await registry.get_manifest(team, "x")).raw == body
        return
    with pytest.raises(InvalidContent, match="is not a manifest that can be used"):
        await registry.get_manifest(team, "x")


@pytest.mark.parametrize("other", ["layers", "config"])
async def test_b18_an_index_that_is_an_image_too_is_refused(embedded: Running, registry: Client, other: str) -> None:
    body = json.dumps({"schemaVersion": 2, "manifests": [], other: []}).encode()
    embedded.faults.add(actions.Answer(200, body, {"Content-Type": _TYPE}))
    with pytest.raises(InvalidContent, match="both manifests and layers"):
        await registry.get_manifest(repository(embedded.host), "x")
