"""The run: what stands on what, what becomes of it, and that nothing is left behind however it ends."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from manifest_tool.conformance import catalogue, images
from manifest_tool.conformance import run as runs
from manifest_tool.conformance.check import Check, Failed, Group, Limited, Question, Unsupported, Untried
from manifest_tool.conformance.features import summary
from manifest_tool.conformance.probe import Probe
from manifest_tool.conformance.result import Outcome, Result
from manifest_tool.conformance.run import Interrupted, run
from manifest_tool.errors import InvalidDigest, RegistryError
from manifest_tool.server.actions import Answer, Delay, Reset
from manifest_tool.server.serve import Running
from tests.conformance import trial
from tests.conformance.checks.wrong import Untaken

PASS, FAIL, UNSUPPORTED, UNTRIED = Outcome.PASS, Outcome.FAIL, Outcome.UNSUPPORTED, Outcome.UNTRIED
_UNTRIED = {"token-scopes", "anonymous-write"}
"""What needs accounts."""


def ignore(_: Result) -> None:
    pass


def asking(error: Exception | None = None, detail: str | None = None) -> Question:
    async def ask(_: Probe) -> str | None:
        if error:
            raise error
        return detail

    return ask


async def ended(host: str, *checks: Check) -> dict[str, tuple[Outcome, str]]:
    async with trial.site(host) as where:
        report = await run([Group("some", checks)], where, ignore)
    return {result.id: (result.outcome, result.detail) for result in report.results}


async def test_the_embedded_registry_passes_everything_and_is_empty_afterwards(embedded: Running) -> None:
    told: list[Result] = []
    begun: list[Check] = []
    async with trial.site(embedded.host) as where:
        report = await run(catalogue.WRITING, where, told.append, begun.append)
    assert {result.id: result.detail for result in report.results if result.outcome is not PASS}.keys() == _UNTRIED
    assert sorted(told, key=lambda result: result.id) == sorted(report.results, key=lambda result: result.id)
    assert {check.id for check in begun} == {result.id for result in report.results}
    assert (tuple(report.left), tuple(report.notices), report.sufficient) == ((), (), True)
    assert trial.is_empty(embedded)


@pytest.mark.parametrize("requests", [3, 40, 150, 400])
async def test_a_run_that_is_cancelled_leaves_nothing_behind(embedded: Running, requests: int) -> None:
    loop, left = asyncio.get_running_loop(), requests

    async def cancelling(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal left
        left -= 1
        if not left:
            loop.call_soon_threadsafe(running.cancel)
        return await handler(request)

    embedded.faults.add(cancelling)
    async with trial.site(embedded.host) as where:
        running = asyncio.ensure_future(run(catalogue.WRITING, where, ignore))
        with pytest.raises(Interrupted) as caught:
            await running
    report = caught.value.report
    assert report.interrupted
    assert tuple(report.left) == ()
    assert len(report.results) == sum(len(group.checks) for group in catalogue.WRITING)
    assert "the run ended before it was tried" in {result.detail for result in report.results}
    assert trial.is_empty(embedded)


async def test_a_run_that_is_cancelled_while_it_cleans_up_hurries(embedded: Running) -> None:
    loop = asyncio.get_running_loop()

    async def cancelling(request: web.Request, handler: Handler) -> web.StreamResponse:
        loop.call_soon_threadsafe(running.cancel)
        return await handler(request)

    embedded.faults.add(cancelling, method="DELETE", path="/blobs/sha", times=1)
    async with trial.site(embedded.host) as where:
        running = asyncio.ensure_future(trial.report(where, "blob-put", "blob-parallel"))
        with pytest.raises(Interrupted) as caught:
            await running
    assert {result.outcome for result in caught.value.report.results} == {PASS}
    assert trial.is_empty(embedded)


async def test_a_run_that_is_cancelled_twice_tells_what_it_leaves_behind(embedded: Running) -> None:
    loop = asyncio.get_running_loop()

    async def cancelling(request: web.Request, handler: Handler) -> web.StreamResponse:
        loop.call_soon_threadsafe(running.cancel)
        if request.method == "DELETE":
            await asyncio.Event().wait()
        return await handler(request)

    embedded.faults.add(cancelling, method="GET", path="/manifests/", times=1)
    embedded.faults.add(cancelling, method="DELETE", path="/manifests/", times=1)
    async with trial.site(embedded.host) as where:
        running = asyncio.ensure_future(trial.report(where, "tag-long"))
        with pytest.raises(Interrupted) as caught:
            await running
    ((tag, digest),) = embedded.tags(trial.NAME).items()
    assert list(caught.value.report.left) == [f"{where.repository}:{tag}", f"{where.repository}@{digest}"]


async def test_a_run_that_breaks_down_leaves_nothing_behind(embedded: Running) -> None:
    async def breaks(probe: Probe) -> str | None:
        await probe.put_image(images.image(probe.nonce()), probe.tag("broken"))
        raise ZeroDivisionError

    async with trial.site(embedded.host) as where:
        with pytest.raises(ExceptionGroup):
            await run([Group("some", (Check("breaks", "breaks", breaks),))], where, ignore)
    assert trial.is_empty(embedded)


async def test_what_is_to_be_kept_is_kept_and_told(embedded: Running) -> None:
    async with trial.site(embedded.host) as where:
        report = await trial.report(where, "tag-long", "delete-manifest", keep=True)
    ((tag, digest),) = embedded.tags(trial.NAME).items()
    assert sorted(report.left) == sorted([f"{where.repository}:{tag}", f"{where.repository}@{digest}"])
    assert report.kept
    assert list(report.notices) == ["4 blobs stayed in the registry"]


async def test_no_two_runs_put_the_same(embedded: Running) -> None:
    """What one of them takes away is nobody else's."""
    put = []
    for _ in range(2):
        async with trial.site(embedded.host) as where:
            await run(catalogue.WRITING, where, ignore, keep=True)
        notes = where.ledger.notes
        put.append({*notes.tags, *notes.manifests, *notes.blobs})
    assert len(put[0]) > 200
    assert not put[0] & put[1]


async def test_what_stands_on_something_else_waits_for_it(embedded: Running) -> None:
    found = await ended(
        embedded.host,
        Check("a", "a", asking(Failed("no"))),
        Check("b", "b", asking(), after=("a",)),
        Check("c", "c", asking(), after=("b",)),
        Check("d", "d", asking(detail="well")),
        Check("e", "e", asking(), after=("d",)),
    )
    assert found == {
        "a": (FAIL, "no"),
        "b": (UNTRIED, "a did not pass"),
        "c": (UNTRIED, "b did not pass"),
        "d": (PASS, "well"),
        "e": (PASS, ""),
    }


@pytest.mark.parametrize(
    ("error", "outcome", "detail"),
    [
        (Failed("wrong"), FAIL, "wrong"),
        (Unsupported("not done"), UNSUPPORTED, "not done"),
        (Untried("nothing there"), UNTRIED, "nothing there"),
        (RegistryError("no answer"), FAIL, "no answer"),
        (RegistryError("no answer", hint="log in"), FAIL, "no answer; log in"),
        (InvalidDigest("sha256:7", "too short"), FAIL, str(InvalidDigest("sha256:7", "too short"))),
    ],
)
async def test_how_a_check_ends(embedded: Running, error: Exception, outcome: Outcome, detail: str) -> None:
    assert await ended(embedded.host, Check("a", "a", asking(error))) == {"a": (outcome, detail)}


@pytest.mark.parametrize(("needed", "outcome"), [(False, UNTRIED), (True, FAIL)])
async def test_a_limit_is_held_against_nobody_but_who_needs_more(
    embedded: Running, needed: bool, outcome: Outcome
) -> None:
    found = await ended(embedded.host, Check("a", "a", asking(Limited("too often")), needed=needed))
    assert found == {"a": (outcome, "too often")}


async def _blob(probe: Probe) -> str | None:
    await probe.put_blob(probe.data())
    return None


@pytest.mark.parametrize(
    ("path", "needed", "outcome"), [("", False, UNTRIED), ("", True, FAIL), ("/blobs/uploads/", False, FAIL)]
)
async def test_a_registry_that_is_gone_has_not_done_anything_wrongly(
    embedded: Running, path: str, needed: bool, outcome: Outcome
) -> None:
    embedded.faults.add(Reset(), path=path)
    found = await ended(embedded.host, Check("a", "a", _blob, needed=needed))
    assert found["a"][0] is outcome
    assert "connection" in found["a"][1]


async def test_a_check_that_does_not_end_fails(embedded: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "_SECONDS", 0.05)
    embedded.faults.add(Delay(60), method="GET", path="/v2/$")
    assert (await trial.tried(embedded.host, "ping")).detail == "no end within 0 s"


@pytest.mark.parametrize(
    ("prefix", "told", "lacks"),
    [
        ("application/vnd.oci", "only Docker images can be published", {"index-oci", "list-oci-children", "artifact"}),
        ("application/vnd.docker", "only OCI images can be published", {"image-docker", "list-docker"}),
    ],
)
async def test_a_registry_that_takes_one_kind_of_images_is_enough(
    embedded: Running, prefix: str, told: str, lacks: set[str]
) -> None:
    embedded.faults.add(Untaken(prefix), method="PUT", path="/manifests/")
    async with trial.site(embedded.host) as where:
        report = await run(catalogue.WRITING, where, ignore)
    assert report.sufficient
    assert told in summary(report)
    assert not [(result.id, result.detail) for result in report.results if result.outcome is FAIL]
    assert lacks <= {result.id for result in report.results if result.outcome is UNSUPPORTED}
    assert trial.is_empty(embedded)


async def test_a_registry_that_is_none_fails_at_once(embedded: Running) -> None:
    embedded.faults.add(Answer(404))
    async with trial.site(embedded.host) as where:
        report = await run(catalogue.WRITING, where, ignore)
    assert [result.id for result in report.results if result.outcome is FAIL] == ["ping", "blob-put"]
    assert {result.outcome for result in report.results} == {FAIL, UNTRIED}


@pytest.mark.parametrize("groups", [catalogue.WRITING, catalogue.READING])
def test_what_a_check_stands_on_comes_before_it(groups: tuple[Group, ...]) -> None:
    seen: set[str] = set()
    for check in (check for group in groups for check in group.checks):
        assert check.id not in seen
        assert set(check.after) <= seen
        assert check.after or check.id in {"ping", "challenge", "blob-put", "read-manifest"}
        seen.add(check.id)
