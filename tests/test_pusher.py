"""Publishing: the order on the wire, mounts and copies, what is written when, and what a re-run finds."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from integration import images
from manifest_tool.oci.digest import Digest
from manifest_tool.server.actions import Answer, Close, NoMount, PhantomMount, Reset
from manifest_tool.server.log import Request
from manifest_tool.server.serve import Running, serving
from tests import harness, seeds
from tests.conftest import Program


@pytest.fixture
def other() -> Iterator[Running]:
    """A second registry."""
    with serving() as running:
        yield running


def crossing(registry: Running, *platforms: str, layers: int = 2) -> list[str]:
    """Put an image for each platform into a repository of its own; gives the entries of a spec."""
    entries = []
    for platform in platforms:
        name = platform.replace("/", "-")
        seeds.put_image(registry, f"src/{name}:1", platform, layers=layers)
        entries.append(f"src/{name}:1")
    return entries


def report(ran: harness.Ran) -> dict[str, Any]:
    assert ran.code == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def is_index(request: Request) -> bool:
    return "/manifests/" in request.path and "sha256:" not in request.path


def complete(registry: Running, repository: str, tag: str) -> None:
    """Assert that everything below a tag is in its repository."""
    found = registry.manifest(repository, tag)
    assert found is not None
    for entry in json.loads(found[1])["manifests"]:
        child = registry.manifest(repository, entry["digest"])
        assert child is not None
        document = json.loads(child[1])
        for blob in (document["config"], *document["layers"]):
            content = registry.blob(repository, Digest.parse(blob["digest"]))
            assert content is not None
            assert Digest.of(content) == Digest.parse(blob["digest"])


def test_across_repositories_blobs_are_mounted(embedded: Running, program: Program) -> None:
    entries = crossing(embedded, "linux/amd64", "linux/arm64")
    done = report(program.push(seeds.spec(embedded.host, "app:1", *entries), "--format", "json"))
    assert done["blobs"] == {"present": 0, "mounted": 6, "copied": 0, "copiedBytes": 0}
    assert [child["status"] for child in done["manifests"]] == ["mounted", "mounted"]
    complete(embedded, "app", "1")


def test_the_order_on_the_wire(embedded: Running, program: Program) -> None:
    """Every source is known before the first write; then blobs, children, the index, the other tags."""
    entries = crossing(embedded, "linux/amd64", "linux/arm64", "linux/s390x")
    embedded.latency = 0.1
    assert program.push(seeds.spec(embedded.host, "app:1", *entries, tags=["b", "c", "d"])).code == 0
    log = embedded.log
    sources = log.where(lambda r: r.method == "GET" and "/src/" in r.path and "/manifests/" in r.path)
    blobs = log.by_method("POST")
    children = log.where(lambda r: r.method == "PUT" and "sha256:" in r.path)
    index, *tags = log.where(lambda r: r.method == "PUT" and is_index(r))
    assert (len(sources), len(blobs), len(children), len(tags)) == (3, 9, 3, 3)
    assert index.path.endswith("/1")
    for before, after in ((sources, blobs), (blobs, children), (children, [index]), ([index], tags)):
        assert max(request.ended for request in before) <= min(request.started for request in after)


def test_configs_are_read_beside_the_mounts(embedded: Running, program: Program) -> None:
    entries = crossing(embedded, "linux/amd64", "linux/arm64")
    embedded.latency = 0.2
    assert program.push(seeds.spec(embedded.host, "app:1", *entries)).code == 0
    configs = embedded.log.where(lambda r: r.method == "GET" and "/blobs/" in r.path)
    mounts = embedded.log.by_method("POST")
    assert min(r.started for r in mounts) < min(r.ended for r in configs)
    assert min(r.started for r in configs) < min(r.ended for r in mounts)


@pytest.mark.parametrize("crossed", [False, True], ids=["same", "cross"])
def test_round_trips_do_not_grow_with_the_sources(program: Program, crossed: bool) -> None:
    rounds = []
    for count in (2, 10):
        names = ["amd64", "arm64", "s390x", "386", "ppc64le", "riscv64", "mips64le", "loong64", "ppc64", "mips64"]
        with serving() as registry:
            repositories = [f"src{n}" if crossed else "app" for n in range(count)]
            entries = [f"{repository}:{name}" for repository, name in zip(repositories, names, strict=False)]
            for entry, name in zip(entries, names, strict=False):
                seeds.put_image(registry, entry, f"linux/{name}", layers=3)
            registry.latency = 0.5
            assert program.push(seeds.spec(registry.host, "app:all", *entries)).code == 0
            rounds.append(registry.log.rounds())
    assert rounds == ([4, 4] if crossed else [3, 3])


def test_nothing_is_written_where_a_source_is_missing(embedded: Running, program: Program) -> None:
    entries = crossing(embedded, "linux/amd64")
    assert program.push(seeds.spec(embedded.host, "app:1", *entries, "src/gone:1")).code == 3
    assert not embedded.log.writes()


def test_no_manifest_is_written_where_the_platforms_clash(embedded: Running, program: Program) -> None:
    seeds.put_image(embedded, "one:1", "linux/amd64")
    seeds.put_image(embedded, "two:1", "linux/amd64")
    assert program.push(seeds.spec(embedded.host, "app:1", "one:1", "two:1")).code == 2
    assert not embedded.log.by_method("PUT")
    assert embedded.tags("app") == {}


@pytest.mark.parametrize("kind", ["docker", "oci"])
def test_a_second_run_writes_nothing(embedded: Running, program: Program, kind: str) -> None:
    entries = crossing(embedded, "linux/amd64", "linux/arm64")
    spec = seeds.spec(embedded.host, "app:1", *entries, tags=["b", "c"])
    first = program.push(spec, "--type", kind)
    embedded.log.clear()
    second = program.push(spec, "--type", kind)
    assert (first.code, second.code, first.stdout) == (0, 0, second.stdout)
    assert not embedded.log.writes()
    again = report(program.push(spec, "--type", kind, "--format", "json"))
    assert again["written"] == []
    assert [child["status"] for child in again["manifests"]] == ["present", "present"]


def test_only_the_tags_that_differ_are_moved(embedded: Running, program: Program) -> None:
    seeds.put_image(embedded, "app:amd64", "linux/amd64")
    spec = seeds.spec(embedded.host, "app:1", "app:amd64", tags=["b", "c"])
    assert program.push(spec).code == 0
    seeds.put_image(embedded, "app:b", "linux/arm64")
    embedded.log.clear()
    assert report(program.push(spec, "--format", "json"))["written"] == ["b"]
    assert [request.path for request in embedded.log.writes()] == ["/v2/app/manifests/b"]


def test_a_child_that_a_clean_up_removed_is_brought_back(embedded: Running, program: Program) -> None:
    entries = crossing(embedded, "linux/amd64", "linux/arm64")
    spec = seeds.spec(embedded.host, "app:1", *entries)
    done = report(program.push(spec, "--format", "json"))
    embedded.store.delete_manifest("app", Digest.parse(done["manifests"][0]["digest"]))
    again = report(program.push(spec, "--format", "json"))
    assert [child["status"] for child in again["manifests"]] == ["mounted", "present"]
    complete(embedded, "app", "1")


def test_a_new_child_beside_known_ones(embedded: Running, program: Program) -> None:
    entries = crossing(embedded, "linux/amd64", "linux/arm64", "linux/s390x")
    assert program.push(seeds.spec(embedded.host, "app:1", *entries[:2])).code == 0
    embedded.log.clear()
    done = report(program.push(seeds.spec(embedded.host, "app:1", *entries), "--format", "json"))
    assert [child["status"] for child in done["manifests"]] == ["present", "present", "mounted"]
    assert len(embedded.log.by_method("POST")) == 3


def test_a_layer_that_two_images_share_is_mounted_once(embedded: Running, program: Program) -> None:
    shared = images.root_file_system({"base": b"the same"})
    for name in ("amd64", "arm64"):
        image = images.image(f"linux/{name}", [shared], media="docker")
        seeds.put(embedded, f"src/{name}", "1", image)
    spec = seeds.spec(embedded.host, "app:1", "src/amd64:1", "src/arm64:1")
    assert report(program.push(spec, "--format", "json"))["blobs"]["mounted"] == 3
    assert len(embedded.log.by_method("POST")) == 3


def test_from_another_registry_blobs_are_copied(embedded: Running, other: Running, program: Program) -> None:
    seeds.put_image(other, "far/app:amd64", "linux/amd64", layers=3)
    seeds.put_image(embedded, "near:arm64", "linux/arm64")
    spec = seeds.spec(embedded.host, "app:1", f"{other.host}/far/app:amd64", "near:arm64")
    done = report(program.push(spec, "--format", "json"))
    assert [child["status"] for child in done["manifests"]] == ["copied", "mounted"]
    assert done["blobs"]["copied"] == 4
    complete(embedded, "app", "1")
    assert not other.log.writes()
    other.log.clear()
    again = report(program.push(spec, "--format", "json"))
    assert (again["written"], again["blobs"]["copied"]) == ([], 0)


def test_the_same_name_at_another_registry_is_another_repository(
    embedded: Running, other: Running, program: Program
) -> None:
    seeds.put_image(other, "app:amd64", "linux/amd64")
    assert program.push(seeds.spec(embedded.host, "app:1", f"{other.host}/app:amd64")).code == 0
    complete(embedded, "app", "1")


def test_a_copy_survives_a_reset(embedded: Running, other: Running, program: Program, tmp_path: Path) -> None:
    seeds.put_image(other, "app:amd64", "linux/amd64")
    other.faults.add(Reset(after=10), method="GET", path="/blobs/", times=1, after=1)
    path = tmp_path / "copied.yaml"
    path.write_text(seeds.spec(embedded.host, "app:1", f"{other.host}/app:amd64"))
    ran = program("--retries", "3", "push", "from-spec", str(path))
    assert ran.code == 0, ran.stderr
    complete(embedded, "app", "1")


def test_attestations_are_brought_along(embedded: Running, program: Program) -> None:
    for name in ("amd64", "arm64"):
        index = images.attested_index(seeds.build(f"linux/{name}", media="oci"))
        seeds.put(embedded, f"src/{name}", "1", index)
    spec = seeds.spec(embedded.host, "app:1", "src/amd64:1 linux/amd64", "src/arm64:1 linux/arm64")
    done = report(program.push(spec, "--format", "json", "--type", "oci"))
    first, second, *attestations = done["manifests"]
    assert [attestation["attestationFor"] for attestation in attestations] == [first["digest"], second["digest"]]
    complete(embedded, "app", "1")


def test_a_refused_index_moves_no_tag(embedded: Running, program: Program) -> None:
    seeds.put_image(embedded, "app:amd64", "linux/amd64")
    embedded.faults.add(Answer(400, b'{"errors":[{"code":"MANIFEST_INVALID","message":"no"}]}'), method="PUT")
    ran = program.push(seeds.spec(embedded.host, "app:1", "app:amd64", tags=["b"]))
    assert ran.code == 5
    assert "was moved (not moved: 1, b)\n  cannot push" in ran.stderr
    assert "400 Bad Request: MANIFEST_INVALID: no" in ran.stderr
    assert "hint: " in ran.stderr
    assert set(embedded.tags("app")) == {"amd64"}


def test_a_refused_tag_is_named_beside_those_that_moved(embedded: Running, program: Program) -> None:
    seeds.put_image(embedded, "app:amd64", "linux/amd64")
    embedded.faults.add(Answer(409, b'{"errors":[{"code":"TAG_IMMUTABLE"}]}'), method="PUT", path="/c$")
    ran = program.push(seeds.spec(embedded.host, "app:1", "app:amd64", tags=["b", "c", "d"]))
    assert ran.code == 5
    assert "was moved (moved: 1, b, d; not moved: c)\n  cannot push" in ran.stderr
    assert "immutable" in ran.stderr
    assert set(embedded.tags("app")) == {"amd64", "1", "b", "d"}


def test_a_refused_child_leaves_the_tags_alone(embedded: Running, program: Program) -> None:
    entries = crossing(embedded, "linux/amd64", "linux/arm64")
    embedded.faults.add(Answer(403), method="PUT", path="sha256:")
    ran = program.push(seeds.spec(embedded.host, "app:1", *entries))
    assert ran.code == 4
    assert f"no tag of {embedded.host}/app was moved: not allowed to push" in ran.stderr
    assert embedded.tags("app") == {}


def test_a_target_that_may_not_be_read_is_written_all_the_same(embedded: Running, program: Program) -> None:
    embedded.faults.add(Answer(403), method="GET", path="/v2/app/")
    embedded.faults.add(Answer(403), method="HEAD", path="/v2/app/")
    entries = crossing(embedded, "linux/amd64")
    assert program.push(seeds.spec(embedded.host, "app:1", *entries, tags=["b"])).code == 0
    complete(embedded, "app", "b")


def test_a_dry_run_prints_the_bytes_that_a_push_writes(embedded: Running, program: Program) -> None:
    entries = crossing(embedded, "linux/amd64", "linux/arm64")
    spec = seeds.spec(embedded.host, "app:1", *entries)
    dry = program.push(spec, "--dry-run")
    assert dry.code == 0
    assert not embedded.log.writes()
    assert program.push(spec).code == 0
    pushed = embedded.manifest("app", "1")
    assert pushed is not None
    assert dry.stdout.encode() == pushed[1]


def test_the_receipt_as_json(embedded: Running, program: Program) -> None:
    seeds.put_image(embedded, "app:amd64", "linux/amd64")
    spec = seeds.spec(embedded.host, "app:1", "app:amd64", tags=["b", "1"])
    planned = report(program.push(spec, "--format", "json", "--dry-run"))
    done = report(program.push(spec, "--format", "json"))
    pushed = embedded.manifest("app", "1")
    assert pushed is not None
    child = json.loads(pushed[1])["manifests"][0]
    assert done == {
        "schemaVersion": 1,
        "reference": f"{embedded.host}/app:1",
        "mediaType": pushed[0],
        "digest": str(Digest.of(pushed[1])),
        "size": len(pushed[1]),
        "tags": ["1", "b"],
        "manifests": [
            {
                **child,
                "attestationFor": None,
                "source": f"{embedded.host}/app:amd64@{child['digest']}",
                "status": "present",
            }
        ],
        "dryRun": False,
        "written": ["1", "b"],
        "blobs": {"present": 0, "mounted": 0, "copied": 0, "copiedBytes": 0},
    }
    assert planned == {
        **done,
        "dryRun": True,
        "written": [],
        "manifests": [{**done["manifests"][0], "status": None}],
    }


def test_one_image_for_two_platforms_is_written_once(embedded: Running, program: Program) -> None:
    seeds.put_image(embedded, "src:1", "linux/amd64")
    ran = program.push(seeds.spec(embedded.host, "app:1", "src:1 linux/amd64", "src:1 windows/amd64"))
    assert ran.code == 0
    assert "is declared as windows/amd64, but its config says linux/amd64" in ran.stderr
    assert len(embedded.log.where(lambda r: r.method == "PUT" and "sha256:" in r.path)) == 1


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_target_that_does_not_exist_is_no_missing_source(embedded: Running, program: Program, method: str) -> None:
    embedded.faults.add(Answer(404, b'{"errors":[{"code":"NAME_UNKNOWN"}]}'), method=method)
    entries = crossing(embedded, "linux/amd64")
    ran = program.push(seeds.spec(embedded.host, "app:1", *entries))
    assert ran.code == 5
    assert "hint: the repository may have to be created first" in ran.stderr


def test_a_tag_that_was_answered_for_oddly_may_have_moved(embedded: Running, program: Program) -> None:
    seeds.put_image(embedded, "app:amd64", "linux/amd64")
    embedded.faults.add(Close(), method="PUT", path="/b$")
    embedded.faults.add(Answer(403), method="PUT", path="/c$")
    ran = program.push(seeds.spec(embedded.host, "app:1", "app:amd64", tags=["b", "c"]))
    assert ran.code == 5
    assert "was moved (moved: 1; not moved: c; not known whether moved: b)" in ran.stderr


def test_a_tag_that_was_stored_and_answered_with_a_failure_may_have_moved(embedded: Running, program: Program) -> None:
    seeds.put_image(embedded, "app:amd64", "linux/amd64")
    embedded.faults.add(Answer(500, done=True), method="PUT", path="/1$")
    ran = program.push(seeds.spec(embedded.host, "app:1", "app:amd64", tags=["b"]))
    assert ran.code == 5
    assert "was moved (not moved: b; not known whether moved: 1)" in ran.stderr


def test_what_the_target_has_is_not_copied_though_mounts_are_declined(embedded: Running, program: Program) -> None:
    embedded.faults.add(NoMount(), method="POST", path="mount=")
    seeds.put_image(embedded, "src:1", "linux/amd64", layers=3)
    assert report(program.push(seeds.spec(embedded.host, "app:1", "src:1"), "--format", "json"))["blobs"]["copied"] == 4
    embedded.log.clear()
    done = report(program.push(seeds.spec(embedded.host, "app:2", "src:1"), "--format", "json"))
    assert done["blobs"] == {"present": 4, "mounted": 0, "copied": 0, "copiedBytes": 0}
    # The uploads that were opened in place of the mounts are given up.
    assert [request.status for request in embedded.log.by_method("DELETE")] == [204] * 4


def test_one_source_that_may_not_be_mounted_from_leaves_the_others_alone(embedded: Running, program: Program) -> None:
    embedded.faults.add(Answer(403), method="POST", path="from=src/linux-amd64")
    entries = crossing(embedded, "linux/amd64", "linux/arm64")
    done = report(program.push(seeds.spec(embedded.host, "app:1", *entries), "--format", "json"))
    assert [child["status"] for child in done["manifests"]] == ["copied", "mounted"]


def test_a_shared_layer_whose_mount_did_nothing_is_copied_once(embedded: Running, program: Program) -> None:
    shared = images.root_file_system({"base": b"the same"})
    for name in ("amd64", "arm64", "s390x"):
        seeds.put(embedded, f"src/{name}", "1", images.image(f"linux/{name}", [shared], media="docker"))
    embedded.faults.add(PhantomMount(), method="POST", path="mount=")
    spec = seeds.spec(embedded.host, "app:1", "src/amd64:1", "src/arm64:1", "src/s390x:1")
    assert report(program.push(spec, "--format", "json"))["blobs"]["copied"] == 4
    assert len(embedded.log.where(lambda r: r.method == "PUT" and "/uploads/" in r.path)) == 4
    complete(embedded, "app", "1")


def test_a13_an_index_that_fails_is_tried_no_more_often_for_what_it_says(embedded: Running, program: Program) -> None:
    entries = crossing(embedded, "linux/amd64")
    said = json.dumps({"errors": [{"code": "MANIFEST_BLOB_UNKNOWN"}]}).encode()
    embedded.faults.add(Answer(500, said), method="PUT", path="/manifests/")
    ran = program.push(seeds.spec(embedded.host, "app:1", *entries), "--retries", "1")
    assert ran.code == 5
    assert len(embedded.log.by_method("PUT")) == 2


def test_a_config_is_read_though_a_slower_source_is_not_found_yet(embedded: Running, program: Program) -> None:
    entries = crossing(embedded, "linux/amd64", "linux/arm64")
    seen = threading.Event()
    embedded.faults.add(_Waits(seen), method="GET", path="/v2/src/linux-arm64/manifests/")
    embedded.faults.add(_Tells(seen), method="GET", path="/v2/src/linux-amd64/blobs/")
    report(program.push(seeds.spec(embedded.host, "app:1", *entries), "--format", "json"))


class _Tells:
    def __init__(self, seen: threading.Event) -> None:
        self._seen = seen

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._seen.set()
        return await handler(request)


class _Waits(_Tells):
    """Answers when the other has told."""

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        await asyncio.to_thread(self._seen.wait, 10)
        assert self._seen.is_set()
        return await handler(request)
