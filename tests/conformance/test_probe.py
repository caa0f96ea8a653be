"""What a check asks with: what counts as an answer, what is asked again, and what is kept of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from manifest_tool.conformance.blobs import streamed
from manifest_tool.conformance.check import Failed, Limited, Unsupported
from manifest_tool.conformance.cleanup import Left
from manifest_tool.conformance.hold import expect, header, supported
from manifest_tool.conformance.notices import of
from manifest_tool.conformance.probe import Probe
from manifest_tool.errors import Unreachable
from manifest_tool.oci.digest import Digest
from manifest_tool.registry.answers import Answer as Given
from manifest_tool.registry.credentials import DockerConfig, Keychain
from manifest_tool.server.actions import Answer, Headers, Reset
from manifest_tool.server.serve import Running
from tests.conformance import trial
from tests.registry.tokens import SECRET, guarded, logins

UPLOADS = "/blobs/uploads/"
REFUSAL = b'{"errors": [{"code": "UNSUPPORTED", "message": "no"}]}'


@pytest.fixture
async def probe(embedded: Running) -> AsyncIterator[Probe]:
    async with trial.site(embedded.host, attempts=3) as where:
        yield Probe(where)


def given(status: int, body: bytes = b"", **headers: str) -> Given:
    return Given("PUT", URL("http://r.test/v2/"), status, CIMultiDictProxy(CIMultiDict(headers)), body)


def statuses(probe: Probe) -> list[int]:
    return [exchange.status for exchange in probe.exchanges]


@pytest.mark.parametrize("status", [429, 503, 408, 425, 502, 504])
async def test_what_is_temporary_is_asked_again_and_counted(embedded: Running, probe: Probe, status: int) -> None:
    embedded.faults.add(Answer(status, headers={"Retry-After": "3"}), times=2)
    assert (await probe.ask("GET", "/v2/")).status == 200
    assert statuses(probe) == [status, status, 200]
    assert list(of(probe.site, Left())) == [
        f"2 requests were answered with {status} and sent again, with Retry-After: 3"
    ]


async def test_what_lasts_is_the_answer(embedded: Running, probe: Probe) -> None:
    embedded.faults.add(Answer(503))
    assert (await probe.ask("GET", "/v2/")).status == 503
    assert statuses(probe) == [503] * 3
    assert list(of(probe.site, Left())) == ["2 requests were answered with 503 and sent again, without a Retry-After"]


async def test_a_limit_that_lasts_is_no_answer(embedded: Running, probe: Probe) -> None:
    embedded.faults.add(Answer(429))
    with pytest.raises(Limited, match=r"^the registry limits how often it may be asked: GET .*: 429"):
        await probe.ask("GET", "/v2/")
    assert statuses(probe) == [429] * 3


async def test_a_limit_is_waited_for_as_a_push_would(embedded: Running, probe: Probe) -> None:
    embedded.faults.add(Answer(429), times=4)
    patient = Probe(replace(probe.site, patience=replace(probe.site.patience, attempts=5)))
    assert (await patient.ask("GET", "/v2/")).status == 200


@pytest.mark.parametrize(("status", "asked"), [(429, 2), (503, 2), (502, 1), (504, 1)])
async def test_a_chunk_that_may_have_been_taken_is_not_sent_again(
    embedded: Running, probe: Probe, status: int, asked: int
) -> None:
    session = await probe.begin()
    embedded.faults.add(Answer(status), method="PATCH", times=1)
    await session.chunk(b"data", 0)
    assert len(embedded.log.by_method("PATCH")) == asked


async def test_a_stream_is_sent_again_where_it_was_put_off(embedded: Running, probe: Probe) -> None:
    session = await probe.begin()
    embedded.faults.add(Answer(429), method="PATCH", times=1)
    assert (await session.send(streamed(b"data"))).status == 202
    assert (await session.close(Digest.of(b"data"))).status == 201


async def test_no_answer_is_kept_as_well(embedded: Running, probe: Probe) -> None:
    embedded.faults.add(Reset())
    with pytest.raises(Unreachable):
        await probe.ask("GET", "/v2/")
    assert [(exchange.status, "connection" in exchange.error) for exchange in probe.exchanges] == [(0, True)]


async def test_what_is_kept_holds_no_secrets() -> None:
    with guarded(anonymous={}) as (running, service):
        running.faults.add(Headers({"Location": "/v2/x/blobs/uploads/1?signature=hush"}), method="POST", path=UPLOADS)
        async with trial.site(running.host, Keychain(DockerConfig("", logins(running.host)))) as where:
            probe = Probe(where)
            await probe.ask("POST", where.repository.uploads_path, headers={"Authorization": f"Bearer {SECRET}"})
    (kept,) = probe.exchanges
    assert kept.status == 202
    assert service.issued
    assert not any(secret in repr(kept) for secret in (SECRET, "hush", *service.issued))


def test_an_answer_is_told_with_the_words_of_the_registry() -> None:
    with pytest.raises(Failed, match=r"^PUT was answered with 400 \(UNSUPPORTED: no\), where 201 or 202 was expected$"):
        expect(given(400, REFUSAL), 201, 202)
    with pytest.raises(Failed, match=r"^the thing was answered with 500, where 201 was expected$"):
        expect(given(500), 201, what="the thing")
    assert expect(given(201), 201).status == 201


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (given(404), Unsupported),
        (given(405), Unsupported),
        (given(501), Unsupported),
        (given(400, REFUSAL), Unsupported),
        (given(400), Failed),
        (given(500, REFUSAL), Unsupported),
        (given(500), Failed),
        (given(200), Failed),
    ],
)
def test_a_clear_refusal_is_no_failure(answer: Given, verdict: type[Exception]) -> None:
    with pytest.raises(verdict, match="was answered with"):
        supported(answer, 201)


def test_what_is_done_otherwise_is_told() -> None:
    with pytest.raises(Unsupported, match=r"where 201 was expected; it is copied$"):
        supported(given(405), 201, otherwise="it is copied")


def test_headers_are_exact() -> None:
    header(given(200, Range="0-7"), "Range", "0-7")
    with pytest.raises(Failed, match=r"^Range is '0-7', where '0-8' was expected$"):
        header(given(200, Range="0-7"), "Range", "0-8")
    with pytest.raises(Failed, match=r"^Range is missing$"):
        header(given(200), "Range", "0-8")
