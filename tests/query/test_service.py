"""The service, asked over a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from integration import images
from manifest_tool.errors import CredentialsError
from manifest_tool.events import Noticed
from manifest_tool.oci import media_type as types
from manifest_tool.oci.descriptor import ATTESTATION, REFERENCE_TYPE
from manifest_tool.query.clients import Clients, Open
from manifest_tool.query.lookup import Lookup
from manifest_tool.query.memory import MemoryCache
from manifest_tool.query.service import Limits, Service, create_app
from manifest_tool.registry.client import Client
from manifest_tool.server.actions import Answer, Delay
from manifest_tool.server.serve import Running
from tests import seeds
from tests.registry import parts
from tests.registry.parts import Watched


@dataclass
class Asked:
    """What the service answered."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Asker:
    """Who asks the service; its clock stands still."""

    session: aiohttp.ClientSession
    url: str
    watched: Watched
    now: float = 1_000.9

    async def __call__(self, path: str = "/", method: str = "GET", **query: str) -> Asked:
        async with self.session.request(method, f"{self.url}{path}", params=query) as answer:
            return Asked(answer.status, answer.headers, await answer.text())


@asynccontextmanager
async def service(
    limits: Limits | None = None, *, max_age: float = 60.0, open_: Open | None = None, **options: Any
) -> AsyncIterator[Asker]:
    async with aiohttp.ClientSession() as session:
        asker = Asker(session, "", Watched())
        lookup = Lookup(MemoryCache(), max_age, clock=lambda: asker.now)
        clients = Clients(open_ or (lambda: parts.client(attempts=1, **options)))
        app = create_app(Service(clients, lookup, limits or Limits(), observe=asker.watched))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        asker.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield asker
        finally:
            await runner.cleanup()


async def test_a_list(embedded: Running) -> None:
    built = [seeds.build(text) for text in ("linux/amd64", "linux/arm64/v8", "windows(10.0.17763.1+win32k)/amd64")]
    about = {"annotations": {REFERENCE_TYPE: ATTESTATION}}
    entries = [*(image.descriptor for image in built), seeds.descriptor(b"about", types.OCI_MANIFEST, **about)]
    digest = embedded.put_manifest("app", *seeds.index_of(entries), tag="1")
    name = f"{embedded.host}/app:1"
    async with service() as ask:
        answer = await ask(image=name)
    assert answer.text == (
        f'{{"cachets":1000,"islist":true,"imagename":"{name}","digest":"{digest}","mediatype":"{types.OCI_INDEX}",'
        '"archlist":[{"architecture":"amd64","os":"linux"},{"architecture":"arm64","os":"linux","variant":"v8"},'
        '{"architecture":"amd64","os":"windows","os.version":"10.0.17763.1","os.features":["win32k"]}]}'
    )
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")


async def test_an_image_has_os_and_architecture_alone(embedded: Running) -> None:
    seeds.put_image(embedded, "app:1", "windows(10.0.17763.1+win32k)/arm64/v8")
    async with service() as ask:
        answer = (await ask(image=f"{embedded.host}/app:1")).json
    assert (answer["islist"], answer["archlist"]) == (False, [{"architecture": "arm64", "os": "windows"}])


async def test_what_has_no_platform_is_unknown(embedded: Running) -> None:
    nested = seeds.descriptor(b"", types.OCI_INDEX)
    embedded.put_manifest("app", *seeds.index_of([nested]), tag="1")
    async with service() as ask:
        answer = (await ask(image=f"{embedded.host}/app:1")).json
    assert answer["archlist"] == [{"architecture": "unknown", "os": "unknown"}]


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/", 400, '{"error":"No image name provided"}'),
        ("GET", "/?image=", 400, '{"error":"No image name provided"}'),
        ("GET", "/other", 404, '{"error":"not found"}'),
        ("POST", "/", 405, '"method not allowed"'),
        ("PUT", "/healthz", 405, '"method not allowed"'),
        ("GET", "/healthz", 200, '{"status":"ok"}'),
    ],
)
async def test_what_needs_no_registry(method: str, path: str, status: int, text: str) -> None:
    async with service() as ask:
        answer = await ask(path, method)
    assert (answer.status, answer.text) == (status, text)


async def test_a_head_is_no_get() -> None:
    async with service() as ask:
        answer = await ask(method="HEAD")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET")


@pytest.mark.parametrize("status", [401, 403, 404, 500])
async def test_what_fails_is_told_and_not_kept(embedded: Running, status: int) -> None:
    seeds.put_image(embedded, "app:1", "linux/amd64")
    embedded.faults.add(Answer(status, b'{"errors":[{"code":"X","message":"because"}]}'), times=1)
    async with service() as ask:
        failed = await ask(image=f"{embedded.host}/app:1")
        again = await ask(image=f"{embedded.host}/app:1")
    assert (failed.status, again.status) == (400, 200)
    assert failed.json["error"].startswith("Error querying image: ")
    assert "X: because" in failed.json["error"]


async def test_what_is_no_reference() -> None:
    async with service() as ask:
        answer = await ask(image="App")
    assert answer.status == 400
    assert answer.json["error"].startswith("Error querying image: invalid reference 'App': ")


@pytest.mark.parametrize(
    "error", [CredentialsError("/somewhere/secret.json"), ZeroDivisionError("/somewhere")], ids=repr
)
async def test_what_is_wrong_with_it_is_told_to_its_owner_alone(error: Exception) -> None:
    def refusing() -> AbstractAsyncContextManager[Client]:
        raise error

    async with service(open_=refusing) as ask:
        answer = await ask(image="r.test/app:1")
    assert (answer.status, answer.json["error"]) == (500, "Error querying image: the service failed")
    [notice] = ask.watched.of(Noticed)
    assert "/somewhere" in notice.message


async def test_many_who_ask_for_one_make_one_request(embedded: Running) -> None:
    seeds.put(embedded, "app", "latest", images.index([seeds.build("linux/amd64")]))
    embedded.latency = 0.05
    async with service() as ask:
        names = [f"{embedded.host}/app", f"{embedded.host}/app:latest"] * 25
        answers = await asyncio.gather(*(ask(image=name) for name in names))
    assert [answer.json["imagename"] for answer in answers] == names
    assert [request.method for request in embedded.log] == ["GET"]


async def test_a_tag_is_looked_at_again_when_its_time_is_over(embedded: Running) -> None:
    seeds.put(embedded, "app", "1", images.index([seeds.build("linux/amd64")]))
    async with service() as ask:
        times = []
        for _ in range(3):
            times.append((await ask(image=f"{embedded.host}/app:1")).json["cachets"])
            ask.now += 40
    assert times == [1000, 1000, 1080]
    assert [request.method for request in embedded.log] == ["GET", "HEAD"]


async def test_registries_are_asked_for_so_many_at_a_time(embedded: Running) -> None:
    for number in range(6):
        seeds.put(embedded, "app", str(number), images.index([seeds.build("linux/amd64")]))
    embedded.latency = 0.05
    async with service(Limits(at_once=2)) as ask:
        await asyncio.gather(*(ask(image=f"{embedded.host}/app:{number}") for number in range(6)))
    assert embedded.log.rounds() == 3


async def test_no_more_may_wait(embedded: Running) -> None:
    seeds.put(embedded, "app", "1", images.index([seeds.build("linux/amd64")]))
    waits, goes_on = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def slowly() -> AsyncIterator[Client]:
        waits.set()
        await goes_on.wait()
        async with parts.client() as client:
            yield client

    async with service(Limits(waiting=1), open_=slowly) as ask:
        first = asyncio.ensure_future(ask(image=f"{embedded.host}/app:1"))
        await waits.wait()
        other = await ask(image=f"{embedded.host}/app:2")
        goes_on.set()
        assert (await first).status == 200
    assert (other.status, other.json["error"]) == (503, "Error querying image: too many are asked for just now")


async def test_a_registry_that_takes_too_long(embedded: Running) -> None:
    embedded.faults.add(Delay(0.05))
    async with service(Limits(seconds=0.01)) as ask:
        answer = await ask(image=f"{embedded.host}/app:1")
    assert (answer.status, answer.text) == (504, '{"error":"Error querying image: no answer within 0.01 s"}')


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "10.0.0.1", "169.254.169.254"])
async def test_nobody_near_is_asked_at_the_word_of_strangers(embedded: Running, host: str) -> None:
    host = host.format(port=embedded.host.partition(":")[2])
    async with service(public_only=True, plain_http=True) as ask:
        answer = await ask(image=f"{host}/app:1")
    name = host.partition(":")[0]
    assert answer.json["error"] == f"Error querying image: {name} is not in the public internet, and is not asked"
    assert (answer.status, list(embedded.log)) == (400, [])
