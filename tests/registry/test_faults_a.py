"""Statuses, pauses and retries: each test is named after its row of the list of faults."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from yarl import URL

from manifest_tool.errors import NotFound, RegistryError, Unauthorized, Unreachable
from manifest_tool.events import Noticed, Waiting
from manifest_tool.oci import media_type as types
from manifest_tool.oci.descriptor import Descriptor
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.reference import Repository
from manifest_tool.registry.pace import Pace
from manifest_tool.registry.retry import Retry, is_temporary
from manifest_tool.registry.transport import Options, Request, Transport
from manifest_tool.server import actions
from manifest_tool.server.serve import Running
from tests.registry.parts import RESET, Clock, Watched, client, http, ignore_events, raw, repository, transport

_TYPE = types.OCI_INDEX
_INDEX = json.dumps({"schemaVersion": 2, "mediaType": _TYPE, "manifests": []}).encode()

_BLOB = b"layer" * 10_000
_LAYER = Descriptor(types.OCI_LAYER, Digest.of(_BLOB), len(_BLOB))


def _get(running: Running, path: str = "/v2/") -> Request:
    return Request("GET", URL(f"http://{running.host}{path}"))


def _errors(code: str, message: str = "why") -> bytes:
    return json.dumps({"errors": [{"code": code, "message": message}]}).encode()


@pytest.fixture
def team(embedded: Running) -> Repository:
    embedded.put_manifest("team/app", _INDEX, _TYPE, "latest")
    return repository(embedded.host)


@dataclass
class Gate:
    """A clock whose sleepers sleep until they are let go."""

    now: float = 0.0
    sleepers: asyncio.Queue[float] = field(default_factory=asyncio.Queue)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def sleep(self, seconds: float) -> None:
        self.sleepers.put_nowait(seconds)
        await self.over.wait()

    async def asleep(self, count: int) -> list[float]:
        """How long so many sleepers want to sleep, once they all do."""
        async with asyncio.timeout(10):
            return [await self.sleepers.get() for _ in range(count)]

    def let_go(self, seconds: float) -> None:
        self.now += seconds
        self.over.set()

    def options(self) -> Options:
        return Options(retry=Retry(sleep=self.sleep, clock=lambda: self.now))


@pytest.mark.parametrize("status", [429, 503])
async def test_a1_retry_after_seconds_is_honoured(embedded: Running, status: int) -> None:
    embedded.faults.add(actions.Answer(status, headers={"Retry-After": "7"}), times=1)
    clock, watched = Clock(), Watched()
    async with transport(clock=clock, observe=watched) as opened:
        assert (await opened.send(_get(embedded))).status == 200
    assert clock.pauses == [7.0]
    assert [event.seconds for event in watched.of(Waiting)] == [7.0]


@pytest.mark.parametrize("status", [429, 503])
async def test_a1_one_gate_holds_back_every_request_to_the_host(embedded: Running, status: int) -> None:
    embedded.faults.add(actions.Answer(status, headers={"Retry-After": "7"}), times=1)
    gate = Gate()
    async with Transport(gate.options()) as opened:
        first = asyncio.create_task(opened.send(_get(embedded)))
        assert await gate.asleep(1) == [7.0]
        others = [asyncio.create_task(opened.send(_get(embedded, f"/v2/?n={n}"))) for n in range(3)]
        assert await gate.asleep(3) == [7.0] * 3
        assert len(embedded.log) == 1
        gate.let_go(7)
        assert [answer.status for answer in await asyncio.gather(first, *others)] == [200] * 4


async def test_a1_another_host_is_not_held_back(embedded: Running) -> None:
    embedded.faults.add(actions.Answer(429, headers={"Retry-After": "7"}), times=1)
    gate = Gate()
    with raw([http(200, b"{}")]) as other:
        async with Transport(gate.options()) as opened:
            first = asyncio.create_task(opened.send(_get(embedded)))
            await gate.asleep(1)
            assert (await opened.send(Request("GET", URL(f"http://{other.host}/v2/")))).status == 200
            gate.let_go(7)
            await first


async def test_a1_a_stream_waits_at_the_gate_too(embedded: Running) -> None:
    embedded.faults.add(actions.Answer(503, headers={"Retry-After": "7"}), times=1)
    clock, watched = Clock(), Watched()
    async with transport(clock=clock, observe=watched, attempts=1) as opened:
        await opened.send(_get(embedded))
        async with opened.stream(_get(embedded)) as (answer, _):
            assert answer.status == 200
    assert clock.pauses == [7.0]
    assert watched.of(Waiting) == [Waiting(f"{embedded.host} asked to be left alone", 7.0)]


async def test_a1_more_than_a_minute_is_not_waited_for(embedded: Running, team: Repository) -> None:
    embedded.faults.add(actions.Answer(429, headers={"Retry-After": "3600"}), method="GET")
    clock = Clock()
    async with client(clock=clock) as opened:
        with pytest.raises(RegistryError, match="429 Too Many Requests") as caught:
            await opened.get_manifest(team, "latest")
    assert "3600 seconds" in caught.value.hint
    assert not clock.pauses
    assert len(embedded.log) == 1


async def test_a1_a_pause_beyond_the_deadline_ends_at_once_and_says_when_to_come_back(embedded: Running) -> None:
    embedded.faults.add(actions.Answer(503, b"busy", {"Retry-After": "40"}))
    clock = Clock()
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    retry = Retry(attempts=100, sleep=clock.sleep, clock=clock, now=lambda: now)
    async with Transport(Options(retry=retry, deadline=100)) as opened:
        with pytest.raises(Unreachable, match=r"another try in 40 s would be past the 100 s .* 503 .*: busy") as caught:
            await opened.send(_get(embedded))
    assert clock.pauses == [40.0, 40.0]
    assert len(embedded.log) == 3
    assert caught.value.hint == "run it again after 2026-01-02 03:04:45 UTC"


async def test_a1_nor_is_a_gate_waited_at_beyond_the_deadline() -> None:
    clock = Clock()
    pace = Pace(clock.retry(), 5.0, ignore_events)
    url = URL("https://r.test/v2/")
    pace.heed(url, 503, {"Retry-After": "6"})
    with pytest.raises(Unreachable, match=r"past the 5 s that a run may take: r\.test asked to be left alone"):
        await pace.opened(url)
    assert not clock.pauses


async def test_a1_a_gate_that_closes_again_is_waited_at_again() -> None:
    clock, watched = Clock(), Watched()
    pace = Pace(clock.retry(), 500.0, watched)
    url = URL("https://r.test/v2/")
    pace.heed(url, 503, {"Retry-After": "6"})
    pace.heed(url, 503, {"Retry-After": "2"})
    await pace.opened(url)
    pace.heed(url, 429, {"Retry-After": "3"})
    await pace.opened(url)
    await pace.opened(url)
    assert clock.pauses == [6.0, 3.0]
    assert [event.seconds for event in watched.of(Waiting)] == [6.0, 3.0]


async def test_a1_however_many_wait_at_a_gate_it_is_told_once() -> None:
    gate, watched = Gate(), Watched()
    pace = Pace(gate.options().retry, 500.0, watched)
    url = URL("https://r.test/v2/")
    pace.heed(url, 503, {"Retry-After": "6"})
    waiting = [asyncio.create_task(pace.opened(url)) for _ in range(3)]
    assert await gate.asleep(3) == [6.0] * 3
    gate.let_go(6)
    await asyncio.gather(*waiting)
    assert watched.reasons == ["r.test asked to be left alone"]


@pytest.mark.parametrize(("ahead", "pause"), [(7, 7.0), (0, 0.0), (-100, 0.0)])
async def test_a2_retry_after_as_a_date_is_honoured(embedded: Running, ahead: int, pause: float) -> None:
    clock = Clock()
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    date = f"{now + timedelta(seconds=ahead):%a, %d %b %Y %H:%M:%S} GMT"
    embedded.faults.add(actions.Answer(429, headers={"Retry-After": date}), times=1)
    async with Transport(Options(retry=Retry(sleep=clock.sleep, clock=clock, now=lambda: now))) as opened:
        assert (await opened.send(_get(embedded))).status == 200
    assert clock.pauses == [pause]


async def test_a3_without_a_header_pauses_double_and_end(embedded: Running) -> None:
    embedded.faults.add(actions.Answer(429))
    clock = Clock()
    async with transport(clock=clock) as opened:
        assert (await opened.send(_get(embedded))).status == 429
    assert clock.pauses == [0.5, 1.0, 2.0, 4.0]


async def test_a3_however_many_attempts_there_are_the_time_ends(embedded: Running) -> None:
    embedded.faults.add(actions.Answer(429))
    clock = Clock()
    retry = Retry(attempts=10**6, sleep=clock.sleep, clock=clock, random=lambda: 1.0)
    async with Transport(Options(retry=retry, deadline=60)) as opened:
        with pytest.raises(Unreachable, match="past the 60 s"):
            await opened.send(_get(embedded))
    assert sum(clock.pauses) <= 60


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524])
async def test_a4_the_same_status_twice_is_no_reason_to_stop(embedded: Running, status: int) -> None:
    embedded.faults.add(actions.Answer(status), times=3)
    async with transport() as opened:
        assert (await opened.send(_get(embedded))).status == 200
    assert len(embedded.log) == 4


async def test_a5_a_bad_gateway_is_tried_again(embedded: Running, team: Repository) -> None:
    embedded.faults.add(actions.Answer(502, b"<html><title>502 Bad Gateway</title>"), times=2)
    async with client() as opened:
        assert (await opened.get_manifest(team, "latest")).raw == _INDEX


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 413, 415, 451])
async def test_a6_no_other_refusal_slows_anything_down(embedded: Running, team: Repository, status: int) -> None:
    embedded.faults.add(actions.Answer(status, headers={"Retry-After": "30"}), path="uploads", method="POST")
    clock = Clock()
    async with client(clock=clock) as opened:
        with pytest.raises(RegistryError):
            await opened.mount_blob(team, Digest.of(b""), repository(embedded.host, "other"))
        await opened.get_manifest(team, "latest")
    assert not clock.pauses
    assert len(embedded.log) == 2


@pytest.mark.parametrize("fault", [RESET, b"", http(200, b"{", length=2)])
async def test_a7_broken_connections_are_tried_again(fault: bytes) -> None:
    with raw([fault], [http(200, b"{}")]) as server:
        async with transport() as opened:
            assert (await opened.send(Request("GET", URL(f"http://{server.host}/v2/")))).body == b"{}"


async def test_a7_a_refused_connection_is_tried_again() -> None:
    clock = Clock()
    async with transport(clock=clock, attempts=3) as opened:
        with pytest.raises(Unreachable, match=r"cannot connect to 127\.0\.0\.1:1, connection refused"):
            await opened.send(Request("GET", URL("http://127.0.0.1:1/v2/")))
    assert clock.pauses == [0.5, 1.0]


async def test_a7_so_is_a_name_that_cannot_be_resolved_just_now(monkeypatch: pytest.MonkeyPatch) -> None:
    def unresolved(*_rest: Any, **_options: Any) -> Any:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", unresolved)
    clock = Clock()
    async with transport(clock=clock, attempts=3) as opened:
        with pytest.raises(Unreachable, match=r"the name registry\.test cannot be resolved"):
            await opened.send(Request("GET", URL("https://registry.test/v2/")))
    assert clock.pauses == [0.5, 1.0]


async def test_a7_a_certificate_is_not(tls: ssl.SSLContext) -> None:
    clock = Clock()
    with raw([http(200)], tls=tls) as server:
        async with transport(clock=clock) as opened:
            with pytest.raises(Unreachable, match=r"the certificate of .* is not trusted"):
                await opened.send(Request("GET", URL(f"https://{server.host}/v2/")))
    assert not clock.pauses


async def test_a8_a_stale_connection_costs_no_pause() -> None:
    clock = Clock()
    with raw([http(200, b"one"), b""], [http(200, b"two")]) as server:
        async with transport(clock=clock) as opened:
            request = Request("GET", URL(f"http://{server.host}/v2/"))
            assert [(await opened.send(request)).body for _ in range(2)] == [b"one", b"two"]
    assert not clock.pauses


async def test_a9_a_manifest_put_that_breaks_is_repeated(embedded: Running) -> None:
    embedded.faults.add(actions.Reset(), method="PUT", times=2)
    team = repository(embedded.host)
    async with client() as opened:
        await opened.put_manifest(team, "1", _INDEX, _TYPE)
    assert embedded.manifest("team/app", "1") == (_TYPE, _INDEX)


@pytest.mark.parametrize("action", [actions.Reset(), actions.Close(), actions.Answer(503)])
async def test_a9_a_blob_whose_put_breaks_gets_there(embedded: Running, action: actions.Reset) -> None:
    embedded.faults.add(action, method="PUT", times=2)
    embedded.put_blob("source", _BLOB)
    source = repository(embedded.host, "source")
    async with client() as opened:
        await opened.put_blob(repository(embedded.host), _LAYER, opened.get_blob(source, _LAYER).chunks)
    assert embedded.blob("team/app", _LAYER.digest) == _BLOB


async def test_a10_a_put_that_failed_and_was_stored_is_repeated(embedded: Running) -> None:
    embedded.faults.add(actions.Answer(500, done=True), method="PUT", times=1)
    async with client() as opened:
        await opened.put_manifest(repository(embedded.host), "1", _INDEX, _TYPE)
    assert [request.method for request in embedded.log] == ["PUT", "PUT"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (_errors("DENIED", "no quota left"), "DENIED: no quota left"),
        (b"<html><title>403 WAF</title><body>" + b"x" * 100_000, "403 WAF"),
        (b"", "403 Forbidden"),
        (b"z" * 5_000_000, "403 Forbidden: z"),
        (b"[" * 100_000, "403 Forbidden: "),
    ],
)
async def test_a11_error_bodies_of_every_kind(embedded: Running, team: Repository, body: bytes, words: str) -> None:
    embedded.faults.add(actions.Answer(403, body))
    async with client() as opened:
        with pytest.raises(Unauthorized) as caught:
            await opened.get_manifest(team, "latest")
    assert words in str(caught.value)
    assert len(str(caught.value)) < 600


async def test_a11_no_more_of_an_error_is_read_than_64_kib() -> None:
    # The rest never comes; who waits for it finds the connection broken.
    with raw([http(403, b"no quota left " * 5_000, length=10**9)]) as server:
        async with client(attempts=1) as opened:
            with pytest.raises(Unauthorized, match="403 Forbidden: no quota left"):
                await opened.get_manifest(repository(server.host), "latest")


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
async def test_a11_a_head_that_fails_gets_its_words_from_one_get(
    embedded: Running, team: Repository, status: int
) -> None:
    embedded.faults.add(actions.Answer(status, _errors("ODD", "the words")))
    async with client(attempts=3) as opened:
        with pytest.raises(RegistryError, match=f"{status} .*ODD: the words"):
            await opened.head_manifest(team, "latest")
    assert len([request for request in embedded.log.by_method("GET") if "manifests" in request.path]) == 1


@pytest.mark.parametrize("action", [actions.Reset(), actions.Body(_INDEX)])
async def test_a11_where_the_get_has_no_words_the_head_counts(
    embedded: Running, team: Repository, action: actions.Reset
) -> None:
    embedded.faults.add(actions.Answer(500), method="HEAD")
    embedded.faults.add(action, method="GET")
    async with client(attempts=1) as opened:
        with pytest.raises(RegistryError, match=r"HEAD .*: 500"):
            await opened.head_manifest(team, "latest")


@pytest.mark.parametrize(
    ("status", "codes", "temporary"),
    [
        (400, ["TOOMANYREQUESTS"], True),
        (400, ["BLOB_UPLOAD_INVALID"], True),
        (400, ["UNKNOWN"], True),
        (404, ["BLOB_UPLOAD_UNKNOWN"], True),
        (404, ["UNKNOWN"], False),
        (403, ["TOOMANYREQUESTS"], False),
        (500, ["DENIED"], False),
        (503, ["NAME_INVALID", "UNKNOWN"], False),
        (500, ["UNAUTHORIZED"], False),
        (429, ["DENIED"], True),
        (400, ["MANIFEST_INVALID"], False),
        (200, ["UNKNOWN"], False),
    ],
)
def test_a12_codes_decide_where_the_status_does_not(status: int, codes: Sequence[str], temporary: bool) -> None:
    assert is_temporary(status, codes) is temporary


async def test_a12_a_temporary_code_is_tried_again(embedded: Running, team: Repository) -> None:
    embedded.faults.add(actions.Answer(400, _errors("TOOMANYREQUESTS")), times=1)
    async with client() as opened:
        assert (await opened.get_manifest(team, "latest")).raw == _INDEX


async def test_a12_a_final_code_is_not(embedded: Running, team: Repository) -> None:
    embedded.faults.add(actions.Answer(500, _errors("DENIED", "for ever")))
    async with client() as opened:
        with pytest.raises(RegistryError, match="DENIED: for ever"):
            await opened.get_manifest(team, "latest")
    assert len(embedded.log) == 1


@pytest.mark.parametrize("code", ["BLOB_UPLOAD_INVALID", "BLOB_UPLOAD_UNKNOWN"])
async def test_a12_an_upload_that_the_registry_lost_is_begun_anew(embedded: Running, code: str) -> None:
    status = 404 if code.endswith("UNKNOWN") else 400
    embedded.faults.add(actions.Answer(status, _errors(code)), method="PUT", times=1)
    embedded.put_blob("source", b"layer")
    blob, source = Descriptor(types.OCI_LAYER, Digest.of(b"layer"), 5), repository(embedded.host, "source")
    async with client() as opened:
        await opened.put_blob(repository(embedded.host), blob, opened.get_blob(source, blob).chunks)
    assert [request.method for request in embedded.log.writes()] == ["POST", "PUT", "DELETE", "POST", "PUT"]


async def test_a13_retries_are_not_multiplied(embedded: Running, team: Repository) -> None:
    embedded.faults.add(actions.Answer(503))
    async with client(attempts=4) as opened:
        with pytest.raises(RegistryError):
            await opened.get_manifest(team, "latest")
        assert len(embedded.log) == 4
        with pytest.raises(RegistryError):
            await opened.put_manifest(team, "latest", _INDEX, _TYPE)
        assert len(embedded.log) == 8


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a13_nor_are_those_of_an_upload(embedded: Running, method: str) -> None:
    embedded.faults.add(actions.Answer(503), method=method)
    embedded.put_blob("source", _BLOB)
    source = repository(embedded.host, "source")
    async with client(attempts=4) as opened:
        with pytest.raises(RegistryError, match="503"):
            await opened.put_blob(repository(embedded.host), _LAYER, opened.get_blob(source, _LAYER).chunks)
    assert len(embedded.log.by_method(method)) == 4


async def test_a13_nor_are_those_of_what_an_upload_is_made_of(embedded: Running) -> None:
    embedded.faults.add(actions.Answer(503), method="GET")
    source = repository(embedded.host, "source")
    async with client(attempts=4) as opened:
        with pytest.raises(RegistryError, match="503"):
            await opened.put_blob(repository(embedded.host), _LAYER, opened.get_blob(source, _LAYER).chunks)
    assert len(embedded.log.by_method("GET")) == 4


async def test_a14_a_warning_is_told_once(embedded: Running, team: Repository) -> None:
    lines = '299 - "say \\"hi\\" \x9b", 299 reg "second", 199 - "not for people", 299 broken'
    embedded.faults.add(actions.Headers({"Warning": lines}))
    watched = Watched()
    async with client(observe=watched) as opened:
        for _ in range(2):
            await opened.get_manifest(team, "latest")
        with pytest.raises(NotFound):
            await opened.get_manifest(team, "nope")
    told = [event.message for event in watched.of(Noticed)]
    assert told == [f'{embedded.host} says: say "hi"', f"{embedded.host} says: second"]
