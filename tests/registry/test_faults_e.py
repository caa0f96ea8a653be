"""Semantics and races that concern the client: each test is named after its row of the list of faults.

E1, E2, E3, E5 and E8 are the pusher's. E6: the resolver asks for each entry once; equal digests are fetched as often as
they are named, which costs no round trip.
"""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler
from yarl import URL

from manifest_tool.errors import InvalidContent, RegistryError
from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.manifest import Manifest
from manifest_tool.registry.transport import Request
from manifest_tool.server import actions
from manifest_tool.server.serve import Running
from tests.registry.parts import client, repository, transport

_TYPE = types.OCI_INDEX
_INDEX = json.dumps({"schemaVersion": 2, "mediaType": _TYPE, "manifests": []}).encode()
_CONFIG = {"mediaType": types.OCI_CONFIG, "digest": str(Digest.of(b"")), "size": 0}


class Crowd:
    """Counts how many requests are answered at once."""

    def __init__(self) -> None:
        self.most = 0
        self._now = 0

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._now += 1
        self.most = max(self.most, self._now)
        await asyncio.sleep(0.01)
        self._now -= 1
        return await handler(request)


@pytest.mark.parametrize(
    ("status", "code"), [(415, "UNSUPPORTED"), (400, "MANIFEST_INVALID"), (404, "MANIFEST_INVALID")]
)
async def test_e4_a_refused_type_has_a_hint(embedded: Running, status: int, code: str) -> None:
    body = json.dumps({"errors": [{"code": code, "message": "no"}]}).encode()
    embedded.faults.add(actions.Answer(status, body), method="PUT")
    async with client() as opened:
        with pytest.raises(RegistryError) as caught:
            await opened.put_manifest(repository(embedded.host), "1", _INDEX, _TYPE)
    assert caught.value.hint
    assert status == 404 or "--type docker" in caught.value.hint


async def test_e4_a_rewritten_manifest_is_an_error(embedded: Running) -> None:
    embedded.faults.add(actions.digest_header(str(Digest.of(b"converted"))), method="PUT")
    async with client() as opened:
        with pytest.raises(InvalidContent, match="which is not what was sent"):
            await opened.put_manifest(repository(embedded.host), "1", _INDEX, _TYPE)


async def test_e7_fewer_at_once_are_asked_for_after_a_429(embedded: Running) -> None:
    embedded.faults.add(actions.Answer(429), times=1)
    crowd = Crowd()
    async with transport() as opened:
        request = Request("GET", URL(f"http://{embedded.host}/v2/"))
        await opened.send(request)
        embedded.faults.add(crowd)
        await asyncio.gather(*(opened.send(request) for _ in range(30)))
    assert 1 < crowd.most <= 4


async def test_e7_they_are_as_few_however_many_were_refused(embedded: Running) -> None:
    crowd = Crowd()
    embedded.faults.add(actions.Answer(429), times=12)
    embedded.faults.add(crowd)
    async with transport() as opened:
        request = Request("GET", URL(f"http://{embedded.host}/v2/"))
        await asyncio.gather(*(opened.send(request) for _ in range(12)))
    assert 1 < crowd.most <= 4


async def test_e7_more_again_where_all_goes_well(embedded: Running) -> None:
    embedded.faults.add(actions.Answer(429), times=1)
    crowd = Crowd()
    async with transport() as opened:
        request = Request("GET", URL(f"http://{embedded.host}/v2/"))
        await asyncio.gather(*(opened.send(request) for _ in range(300)))
        embedded.faults.add(crowd)
        await asyncio.gather(*(opened.send(request) for _ in range(40)))
    assert 4 < crowd.most <= 12


@pytest.mark.parametrize(
    "document",
    [
        {"manifests": None, "mediaType": _TYPE},
        {"manifests": [], "annotations": None, "mediaType": _TYPE},
        {"manifests": [None], "mediaType": _TYPE},
        {"manifests": [{}], "mediaType": _TYPE},
        {"manifests": [{**_CONFIG, "platform": None, "annotations": None}], "mediaType": _TYPE},
        {"manifests": [{**_CONFIG, "platform": {"os": None, "architecture": 1}}], "mediaType": _TYPE},
        {"manifests": [{**_CONFIG, "platform": {"os": "unknown", "architecture": "unknown"}}], "mediaType": _TYPE},
        {"manifests": [{**_CONFIG, "size": -1}], "mediaType": _TYPE},
        {"manifests": [{**_CONFIG, "size": "1"}], "mediaType": _TYPE},
        {"manifests": [{**_CONFIG, "digest": None}], "mediaType": _TYPE},
        {"manifests": {}, "mediaType": _TYPE},
        {"config": None, "layers": None, "mediaType": types.OCI_MANIFEST},
        {"config": _CONFIG, "layers": [1], "mediaType": types.OCI_MANIFEST},
        {"config": [], "layers": [], "mediaType": types.OCI_MANIFEST},
        {"mediaType": 1, "manifests": []},
    ],
)
async def test_e9_odd_documents_are_read_or_refused(embedded: Running, document: object) -> None:
    raw = json.dumps(document).encode()
    embedded.faults.add(actions.Answer(200, raw, {"Content-Type": "application/json"}))
    async with client() as opened:
        (found,) = await asyncio.gather(opened.get_manifest(repository(embedded.host), "x"), return_exceptions=True)
    if isinstance(found, BaseException):
        assert isinstance(found, InvalidContent)
        assert "is not a manifest that can be used" in str(found)
    else:
        assert found.raw == raw


def test_e10_foreign_layers_are_not_among_the_blobs() -> None:
    layer = {"mediaType": types.OCI_LAYER, "digest": str(Digest.of(b"l")), "size": 1}
    foreign = {
        "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "digest": str(Digest.of(b"f")),
        "size": 1,
        "urls": ["https://example.com/layer"],
    }
    document = {"mediaType": types.OCI_MANIFEST, "config": _CONFIG, "layers": [layer, foreign]}
    manifest = Manifest.parse(json.dumps(document).encode())
    assert [str(blob.digest) for blob in manifest.blobs] == [_CONFIG["digest"], layer["digest"]]
