"""What a run has put into a registry is taken out again, and what stays is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from manifest_tool.conformance import cleanup, images
from manifest_tool.conformance.hold import expect
from manifest_tool.conformance.images import Content
from manifest_tool.conformance.probe import Probe
from manifest_tool.oci.digest import Digest
from manifest_tool.server.actions import Answer, Delay, Reset
from manifest_tool.server.serve import Running
from tests.conformance import trial
from tests.conformance.checks.wrong import refusal

_SECONDS = 20.0
_HOUR = 3600.0


@pytest.fixture
async def probe(embedded: Running) -> AsyncIterator[Probe]:
    async with trial.site(embedded.host) as where:
        yield Probe(where)


async def fill(probe: Probe) -> tuple[Content, Content]:
    """Put an image that two indexes list, one in the other, under tags; and open an upload."""
    image = images.image(probe.nonce())
    await probe.put_image(image, "image")
    inner = images.index([image.descriptor()])
    outer = images.index([inner.descriptor()])
    expect(await probe.put_manifest(inner, "inner"), 201)
    expect(await probe.put_manifest(outer, "outer"), 201)
    await probe.begin()
    return inner, outer


def deleted(running: Running) -> list[str]:
    """What was asked for, by the last parts of the paths."""
    return [request.path.rpartition("/")[2] for request in running.log.by_method("DELETE")]


async def test_everything_is_removed_from_the_top_down(embedded: Running, probe: Probe) -> None:
    inner, outer = await fill(probe)
    left = await cleanup.remove(probe.site, _SECONDS)
    assert (left, str(left)) == (cleanup.Left(), "")
    assert trial.is_empty(embedded)
    order = deleted(embedded)
    assert order.index(str(outer.digest)) < order.index(str(inner.digest))
    assert max(map(order.index, ("image", "inner", "outer"))) < order.index(str(outer.digest))


async def test_what_was_there_before_stays(embedded: Running, probe: Probe) -> None:
    theirs = embedded.put_blob(trial.NAME, b"theirs")
    empty = embedded.put_blob(trial.NAME, b"")
    manifest = embedded.put_manifest(trial.NAME, images.index([]).raw, images.index([]).media_type, "theirs")
    await fill(probe)
    await probe.put_blob(b"")
    await cleanup.remove(probe.site, _SECONDS)
    assert embedded.tags(trial.NAME) == {"theirs": manifest}
    assert embedded.blob(trial.NAME, theirs) == b"theirs"
    assert embedded.blob(trial.NAME, empty) == b""


async def test_a_registry_that_deletes_no_tag_is_rid_of_them_with_the_manifests(
    embedded: Running, probe: Probe
) -> None:
    embedded.faults.add(refusal(400, "UNSUPPORTED"), method="DELETE", path="/manifests/(image|inner|outer)")
    await fill(probe)
    assert await cleanup.remove(probe.site, _SECONDS) == cleanup.Left()
    assert trial.is_empty(embedded)


@pytest.mark.parametrize("answer", [Answer(405), refusal(400, "UNSUPPORTED"), Answer(403), Answer(500)])
async def test_what_is_not_deleted_is_told(embedded: Running, probe: Probe, answer: Answer) -> None:
    embedded.faults.add(answer, method="DELETE")
    inner, outer = await fill(probe)
    left = await cleanup.remove(probe.site, _SECONDS)
    repository = probe.repository
    assert {f"{repository}:{tag}" for tag in ("image", "inner", "outer")} < set(left.references)
    assert {f"{repository}@{content.digest}" for content in (inner, outer)} < set(left.references)
    assert len(left.references) == 6
    assert str(left) == "2 blobs and 1 open upload"


async def test_who_never_deletes_is_not_asked_for_everything(embedded: Running, probe: Probe) -> None:
    embedded.faults.add(Answer(405), method="DELETE")
    for number in range(20):
        await probe.put_blob(str(number).encode() + probe.data())
    await cleanup.remove(probe.site, _SECONDS)
    assert len(deleted(embedded)) < 20


async def test_a_tag_that_outlives_its_manifest_is_told(embedded: Running, probe: Probe) -> None:
    embedded.faults.add(Answer(200), method="HEAD", path="/manifests/image")
    embedded.faults.add(Answer(405), method="DELETE", path="/manifests/(image|inner|outer)")
    await fill(probe)
    assert (await cleanup.remove(probe.site, _SECONDS)).references == (f"{probe.repository}:image",)


async def test_a_deletion_that_is_refused_for_what_is_not_there_leaves_nothing(embedded: Running, probe: Probe) -> None:
    probe.site.ledger.notes.manifests[probe.repository, Digest.of(b"never stored")] = frozenset()
    embedded.faults.add(Answer(400), method="DELETE")
    assert await cleanup.remove(probe.site, _SECONDS) == cleanup.Left()


async def test_who_asks_to_wait_is_waited_for(embedded: Running, probe: Probe) -> None:
    await fill(probe)
    embedded.faults.add(Answer(429, headers={"Retry-After": "1"}), method="DELETE", times=1)
    assert await cleanup.remove(probe.site, _SECONDS) == cleanup.Left()


async def test_who_takes_only_some_at_a_time_is_asked_again(embedded: Running, probe: Probe) -> None:
    """Each pass over what is left ends with most of it put off."""
    asked = 0

    async def limited(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        return await handler(request) if asked % 3 == 0 else web.Response(status=429)

    embedded.faults.add(limited, method="DELETE")
    await fill(probe)
    for _ in range(10):
        await probe.put_blob(probe.data())
    assert await cleanup.remove(probe.site, _SECONDS) == cleanup.Left()
    assert trial.is_empty(embedded)


async def test_a_registry_that_is_gone_is_not_asked_for_everything(embedded: Running, probe: Probe) -> None:
    for _ in range(100):
        await probe.put_blob(probe.data())
    await fill(probe)
    embedded.faults.add(Reset())
    before = len(embedded.log)
    left = await cleanup.remove(probe.site, _SECONDS)
    assert (len(left.references), str(left)) == (6, "102 blobs and 1 open upload")
    assert len(embedded.log) - before < 120


async def test_a_registry_that_hangs_is_left_alone(embedded: Running, probe: Probe) -> None:
    await fill(probe)
    embedded.faults.add(Delay(_HOUR), method="DELETE")
    left = await cleanup.remove(probe.site, 0.4)
    assert len(left.references) == 6
    assert str(left) == "2 blobs and 1 open upload"


async def test_what_hangs_for_one_kind_is_done_for_the_others(embedded: Running, probe: Probe) -> None:
    await fill(probe)
    embedded.faults.add(Delay(_HOUR), method="DELETE", path="/blobs/uploads/")
    left = await cleanup.remove(probe.site, 4)
    assert (left.references, str(left)) == ((), "1 open upload")


async def test_what_was_cut_short_is_waited_for(embedded: Running, probe: Probe) -> None:
    """A write that is under way when its check is cancelled would be done after everything is taken away."""
    loop = asyncio.get_running_loop()

    async def cut(request: web.Request, handler: Handler) -> web.StreamResponse:
        loop.call_soon_threadsafe(writing.cancel)
        await asyncio.sleep(0.05)
        return await handler(request)

    embedded.faults.add(cut, method="PUT", path="/manifests/", times=1)
    writing = asyncio.ensure_future(probe.put_image(images.image(probe.nonce()), "late"))
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert await cleanup.remove(probe.site, _SECONDS) == cleanup.Left()
    assert trial.is_empty(embedded)


async def test_what_is_kept_is_told_and_no_upload_stays_open(embedded: Running, probe: Probe) -> None:
    await fill(probe)
    left = await cleanup.remove(probe.site, _SECONDS, keep=True)
    assert (len(left.references), str(left)) == (6, "2 blobs")
    assert len(deleted(embedded)) == 1
    assert embedded.tags(trial.NAME).keys() == {"image", "inner", "outer"}
