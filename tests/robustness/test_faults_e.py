"""What registries do with the meaning of requests; each test names the row of the table of faults that it is about.

C13 to C17 are the answers to a mount, E1 to E10 what goes wrong around a push.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from manifest_tool.oci.digest import Digest
from manifest_tool.server.actions import Answer, NoMount, PhantomMount
from manifest_tool.server.serve import Running, serving
from tests import harness, seeds
from tests.conftest import Program
from tests.registry.tokens import token_service
from tests.test_pusher import complete, crossing, report

MISSING = "sha256:" + "7" * 64
JSON = ("--format", "json")


def refusal(code: str) -> Answer:
    return Answer(404 if code == "MANIFEST_UNKNOWN" else 400, _errors(code))


def _errors(code: str) -> bytes:
    return json.dumps({"errors": [{"code": code, "message": "unknown", "detail": {"digest": MISSING}}]}).encode()


class Heard:
    """Hides a child, and that only once so many blobs were looked for: their mounts have been refused by then."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._all = asyncio.Event()

    async def blob(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._left -= 1
        if not self._left:
            self._all.set()
        return await handler(request)

    async def child(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        await self._all.wait()
        return web.Response(status=404)


def patiently(program: Program, folder: Path, spec: str) -> harness.Ran:
    """A push that tries again; its one pause is short."""
    path = folder / "patient.yaml"
    path.write_text(spec)
    return program("--retries", "1", "push", "from-spec", *JSON, str(path))


@pytest.mark.parametrize("status", [403, 405, 501])
def test_c12_blobs_of_which_no_head_tells_are_uploaded(embedded: Running, program: Program, status: int) -> None:
    embedded.faults.add(Answer(status), method="HEAD", path="/blobs/")
    with serving() as other:
        seeds.put_image(other, "src:1", "linux/amd64")
        done = report(program.push(seeds.spec(embedded.host, "app:1", f"{other.host}/src:1"), *JSON))
    assert done["blobs"]["copied"] == 2
    complete(embedded, "app", "1")


def test_c13_a_mount_that_is_done_is_done(embedded: Running, program: Program) -> None:
    done = report(program.push(seeds.spec(embedded.host, "app:1", *crossing(embedded, "linux/amd64")), *JSON))
    assert done["blobs"] == {"present": 0, "mounted": 3, "copied": 0, "copiedBytes": 0}
    assert len(embedded.log.by_method("POST")) == 3
    complete(embedded, "app", "1")


def test_c14_a_declined_mount_is_taken_up_as_an_upload(embedded: Running, program: Program) -> None:
    embedded.faults.add(NoMount(), method="POST", path="mount=")
    done = report(program.push(seeds.spec(embedded.host, "app:1", *crossing(embedded, "linux/amd64")), *JSON))
    assert done["blobs"]["copied"] == 3
    assert len(embedded.log.by_method("POST")) == 3
    complete(embedded, "app", "1")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 500])
def test_c15_a_refused_mount_becomes_a_copy(embedded: Running, program: Program, status: int) -> None:
    embedded.faults.add(Answer(status, _errors("UNSUPPORTED")), method="POST", path="mount=")
    entries = crossing(embedded, "linux/amd64", "linux/arm64")
    done = report(program.push(seeds.spec(embedded.host, "app:1", *entries), *JSON))
    assert done["blobs"]["copied"] == 6
    assert done["blobs"]["copiedBytes"] > 0
    assert [child["status"] for child in done["manifests"]] == ["copied", "copied"]
    complete(embedded, "app", "1")


@pytest.mark.parametrize("status", [400, 403, 405, 500])
def test_c15_after_a_refusal_no_further_mount_is_tried(embedded: Running, program: Program, status: int) -> None:
    # What goes out before the first answer is in is as many mounts as there are blobs. A child that the index lists is
    # looked for first; here that takes until the refusals have been heard, and so its blobs are not tried.
    child = str(seeds.put_image(embedded, "src:amd64", "linux/amd64", layers=2))
    assert program.push(seeds.spec(embedded.host, "app:1", "src:amd64")).code == 0
    seeds.put_image(embedded, "src:arm64", "linux/arm64", layers=2)
    embedded.log.clear()
    heard = Heard(3)
    embedded.faults.add(Answer(status, _errors("UNSUPPORTED")), method="POST", path="mount=")
    embedded.faults.add(heard.blob, method="HEAD", path="/v2/app/blobs/")
    embedded.faults.add(heard.child, method="HEAD", path=child)
    done = report(program.push(seeds.spec(embedded.host, "app:1", "src:amd64", "src:arm64"), *JSON))
    assert len(embedded.log.where(lambda request: "mount=" in request.query)) == 3
    assert done["blobs"]["mounted"] == 0
    complete(embedded, "app", "1")


def test_c16_a_mount_with_the_right_to_pull_is_done(program: Program) -> None:
    rights = {"app": "pull,push", "src/*": "pull"}
    with token_service(anonymous=rights) as tokens, serving(middlewares=[tokens.middleware()]) as registry:
        entries = crossing(registry, "linux/amd64")
        done = report(program.push(seeds.spec(registry.host, "app:1", *entries), *JSON))
        assert done["blobs"] == {"present": 0, "mounted": 3, "copied": 0, "copiedBytes": 0}
    assert any({"repository:app:pull,push", "repository:src/linux-amd64:pull"} <= set(a.scopes) for a in tokens.asked)


def test_c16_a_mount_without_the_right_to_pull_becomes_a_copy(program: Program) -> None:
    rights = {"app": "pull,push", "src/*": "pull"}
    with (
        token_service(anonymous=rights, mount_status=401, most_scopes=1) as tokens,
        serving(middlewares=[tokens.middleware()]) as registry,
    ):
        entries = crossing(registry, "linux/amd64")
        done = report(program.push(seeds.spec(registry.host, "app:1", *entries), *JSON))
        assert done["blobs"]["copied"] == 3
        complete(registry, "app", "1")


def test_c17_a_mount_that_did_nothing_is_made_good(embedded: Running, program: Program) -> None:
    embedded.faults.add(PhantomMount(), method="POST", path="mount=")
    done = report(program.push(seeds.spec(embedded.host, "app:1", *crossing(embedded, "linux/amd64")), *JSON))
    assert done["blobs"]["copied"] == 3
    complete(embedded, "app", "1")


@pytest.mark.parametrize("code", ["MANIFEST_BLOB_UNKNOWN", "MANIFEST_UNKNOWN", "BLOB_UNKNOWN"])
def test_e1_an_index_is_put_again_where_its_children_are_not_seen_yet(
    embedded: Running, program: Program, tmp_path: Path, code: str
) -> None:
    entries = crossing(embedded, "linux/amd64")
    embedded.faults.add(refusal(code), method="PUT", path="/manifests/1$", times=1)
    done = report(patiently(program, tmp_path, seeds.spec(embedded.host, "app:1", *entries, tags=["b"])))
    assert done["written"] == ["1", "b"]
    complete(embedded, "app", "1")


def test_e1_what_is_missing_for_good_is_named(embedded: Running, program: Program, tmp_path: Path) -> None:
    entries = crossing(embedded, "linux/amd64")
    embedded.faults.add(refusal("MANIFEST_BLOB_UNKNOWN"), method="PUT", path="/manifests/1$")
    ran = patiently(program, tmp_path, seeds.spec(embedded.host, "app:1", *entries, tags=["b"]))
    assert ran.code == 5
    assert "not moved: 1, b" in ran.stderr
    assert MISSING in ran.stderr
    assert len(embedded.log.where(lambda r: r.method == "PUT" and r.path.endswith("/manifests/1"))) == 2
    assert embedded.tags("app") == {}


def test_e2_a_source_that_moves_meanwhile_stays_what_it_was(embedded: Running, program: Program) -> None:
    entries = crossing(embedded, "linux/amd64")
    found = embedded.tags("src/linux-amd64")["1"]

    async def move(request: web.Request, handler: Handler) -> web.StreamResponse:
        seeds.put(embedded, "src/linux-amd64", "1", seeds.build("linux/arm64", name="new"))
        return await handler(request)

    embedded.faults.add(move, method="POST", path="mount=")
    done = report(program.push(seeds.spec(embedded.host, "app:1", *entries), *JSON))
    assert [child["digest"] for child in done["manifests"]] == [str(found)]
    assert embedded.tags("src/linux-amd64")["1"] != found
    complete(embedded, "app", "1")


def test_e3_a_tag_that_a_mirror_does_not_show_yet_is_written(embedded: Running, program: Program) -> None:
    entries = crossing(embedded, "linux/amd64")
    for method in ("GET", "HEAD"):
        embedded.faults.add(Answer(404, _errors("MANIFEST_UNKNOWN")), method=method, path="/v2/app/manifests/")
    assert report(program.push(seeds.spec(embedded.host, "app:1", *entries), *JSON))["written"] == ["1"]
    embedded.faults.clear()
    complete(embedded, "app", "1")


@pytest.mark.parametrize("status", [202, 204])
def test_e8_uploads_that_are_not_used_are_given_up(embedded: Running, program: Program, status: int) -> None:
    embedded.faults.add(NoMount(), method="POST", path="mount=")
    embedded.faults.add(Answer(status, done=True), method="DELETE")
    seeds.put_image(embedded, "one:1", "linux/amd64")
    seeds.put_image(embedded, "two:1", "linux/amd64")
    assert program.push(seeds.spec(embedded.host, "app:1", "one:1", "two:1")).code == 2
    opened = [request for request in embedded.log.by_method("POST") if request.status == 202]
    given_up = embedded.log.by_method("DELETE")
    assert len(opened) == len(given_up) > 0
    assert {request.status for request in given_up} == {status}


@pytest.mark.parametrize("field", ["annotations", "platform", "urls", "artifactType", "data"])
def test_e9_a_field_that_is_null_is_not_there(embedded: Running, program: Program, field: str) -> None:
    image = seeds.build("linux/amd64", media="oci")
    seeds.put(embedded, "src", "", image)
    entry = seeds.descriptor(image.manifest, image.media_type, platform={"os": "linux", "architecture": "amd64"})
    embedded.put_manifest("src", *seeds.index_of([{**entry, field: None}]), "1")
    ran = program.push(seeds.spec(embedded.host, "app:1", "src:1 linux/amd64"), "--type", "oci")
    assert ran.code == (3 if field == "platform" else 0), ran.stderr
    assert "bug" not in ran.stderr


@pytest.mark.parametrize("manifests", [None, [], [None], {}, "x"])
def test_e9_an_index_of_nothing_is_told(embedded: Running, program: Program, manifests: object) -> None:
    raw, media_type = seeds.index_of([])
    embedded.put_manifest("src", json.dumps({**json.loads(raw), "manifests": manifests}).encode(), media_type, "1")
    ran = program.push(seeds.spec(embedded.host, "app:1", "src:1"))
    assert ran.code in {3, 5}
    assert "bug" not in ran.stderr
    assert not embedded.log.writes()


def test_e10_foreign_layers_are_neither_fetched_nor_mounted(embedded: Running, program: Program) -> None:
    image = seeds.build("windows/amd64:10.0.1")
    document = json.loads(image.manifest)
    document["layers"].append(
        {
            "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
            "digest": MISSING,
            "size": 10,
            "urls": ["https://example.com/layer"],
        }
    )
    seeds.put(embedded, "src", "", image)
    embedded.put_manifest("src", json.dumps(document).encode(), image.media_type, "1")
    done = report(program.push(seeds.spec(embedded.host, "app:1", "src:1"), *JSON))
    assert done["blobs"]["mounted"] == 2
    assert not embedded.log.where(lambda request: str(Digest.parse(MISSING)) in f"{request.path}?{request.query}")
