"""The test of registries at one that answers at random: there is a report, or one error, and never a bug."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Sequence
from xml.etree import ElementTree as ET

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from integration import images
from manifest_tool.cli import conformance_text
from manifest_tool.conformance import document, junit, page, start
from manifest_tool.conformance.result import Report
from manifest_tool.errors import ManifestToolError
from manifest_tool.registry.client import Client
from manifest_tool.registry.credentials import Keychain
from manifest_tool.registry.retry import Retry
from manifest_tool.registry.transport import Options
from manifest_tool.server.serve import Running
from tests import seeds

pytestmark = pytest.mark.integration

_ZEROS = "0" * 64
_DIGESTS = ("sha256:", "x", f"sha256:{_ZEROS}", f"sha512:{'a' * 128}", f"sha256:{'A' * 64}", "md5:00", ",,")
_STATUSES = (200, 200, 200, 201, 201, 202, 202, 204, 206, 301, 304, 307, 400, 401, 403, 404, 405, 409, 412, 413, 416)
_FAILING = (429, 500, 501, 503)
_HEADERS: dict[str, Sequence[str]] = {
    "Location": ("/v2/x", "http://[::1", "//evil", "?", "", "ftp://x", "/v2/%ff%00", "x" * 5000, "http://127.0.0.1:1/"),
    "Docker-Content-Digest": _DIGESTS,
    "OCI-Subject": _DIGESTS,
    "OCI-Tag": ("", "a,b"),
    "OCI-Filters-Applied": ("x",),
    "OCI-Chunk-Min-Length": ("x", "-5", "99999999999999"),
    "Range": ("0-", "bytes=0-x", "0-99999999999999999999999", "x", "5-1"),
    "Content-Range": ("bytes x", "bytes 0-1/*"),
    "Content-Type": ("application/vnd.oci.image.index.v1+json", "", "x/y; q", "application/json"),
    "Link": ("<>", "</v2/x>; rel=next", '<http://[>; rel="next"', ";;;"),
    "WWW-Authenticate": ("Bearer", "Basic", "Bearer realm=", "x"),
    "Retry-After": ("-1", "x", "0"),
    "ETag": ("x",),
    "Warning": ('299 - "é"',),
}
_BODIES = (
    b"",
    b"null",
    b"[]",
    b"{}",
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"errors":null}',
    b'{"errors":[null,{"code":1,"message":[],"detail":{"a":1}}]}',
    b'{"manifests":{}}',
    b'{"manifests":[null,{"digest":5}]}',
    b'{"tags":5}',
    b'{"tags":[1,null,{}]}',
    b'{"name":null,"tags":["\\u0000\\ud800"]}',
    b'{"schemaVersion":2,"config":7,"layers":{},"mediaType":"application/vnd.oci.image.manifest.v1+json"}',
    b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"digest":"x","size":-1}]}',
)


class Random:
    """Answer some requests with anything."""

    def __init__(self, chance: random.Random, share: float) -> None:
        self._chance = chance
        self._share = share

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        chance = self._chance
        if chance.random() > self._share:
            return await handler(request)
        headers = {name: chance.choice(values) for name, values in _HEADERS.items() if chance.random() < 0.35}
        status = chance.choice([*_STATUSES, *_FAILING])
        return web.Response(status=status, headers=headers, body=chance.choice(_BODIES))


async def _conducted(plan: start.Plan) -> Report | ManifestToolError:
    """A run in which no time is spent on waiting."""
    slept = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal slept
        slept += max(seconds, 0.01)
        await asyncio.sleep(0)

    retry = Retry(attempts=2, sleep=sleep, clock=lambda: time.monotonic() + slept)
    async with Client.opened(Options(retry=retry), Keychain()) as client:
        try:
            return await start.conduct(plan, client, lambda _: None)
        except ManifestToolError as error:
            return error


@pytest.mark.parametrize("seed", range(24))
async def test_there_is_always_a_report_or_an_error(embedded: Running, seed: int) -> None:
    chance = random.Random(seed)
    index = images.index([seeds.build("linux/amd64", media="oci")], media="oci")
    seeds.put(embedded, "app", "1", index)
    embedded.faults.add(Random(chance, share=(0.02, 0.1, 0.3, 1.0)[seed % 4]))
    reading = seed % 3 == 0
    plan = start.reading(f"{embedded.host}/app:1") if reading else start.writing(f"{embedded.host}/acme")
    found = await _conducted(plan)
    if isinstance(found, Report):
        told = conformance_text.text(found), junit.to_xml(found), page.to_html(found)
        assert all(c.isprintable() or c == "\n" for text in told for c in text)
        assert len(list(ET.fromstring(told[1]).iter("testcase"))) == len(found.results) == plan.checks
        assert json.loads(document.to_json(found))["counts"]
