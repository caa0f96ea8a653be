"""Many specs in one run, against a registry that tells what it was asked."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from manifest_tool.oci.digest import Digest
from manifest_tool.server.actions import Answer
from manifest_tool.server.log import Request
from manifest_tool.server.serve import Running, serving
from tests import harness, seeds
from tests.conftest import Program
from tests.robustness.parts import PATIENCE, Moment, pushing
from tests.test_pusher import complete, crossing

PLATFORMS = ("linux/amd64", "linux/arm64")


def write(registry: Running, folder: Path, names: Sequence[str], *, entries: Sequence[str] = ()) -> list[Path]:
    """A file a spec, each over images of its own, or all over the same."""
    paths = []
    for name in names:
        sources = entries or [f"app-{name}:{seeds_platform}" for seeds_platform in _seed(registry, f"app-{name}")]
        path = folder / f"{name}.yaml"
        path.write_text(seeds.spec(registry.host, f"app-{name}:1", *sources))
        paths.append(path)
    return paths


def _seed(registry: Running, repository: str) -> list[str]:
    tags = [platform.replace("/", "-") for platform in PLATFORMS]
    for platform, tag in zip(PLATFORMS, tags, strict=True):
        seeds.put_image(registry, f"{repository}:{tag}", platform)
    return tags


def lines(registry: Running, names: Sequence[str]) -> list[str]:
    """What a push prints for what lies there now."""
    found = [registry.manifest(f"app-{name}", "1") for name in names]
    return [f"Digest: {Digest.of(item[1])} {len(item[1])}" for item in found if item]


def in_manifests(request: Request) -> bool:
    return "/manifests/" in request.path


def test_the_results_come_in_the_order_of_the_specs(embedded: Running, program: Program, tmp_path: Path) -> None:
    names = ["z", "m", "a"]
    paths = write(embedded, tmp_path, names)
    embedded.faults.add(_slowly, path="/app-z/")
    ran = program("push", "from-spec", *map(str, paths))
    assert (ran.code, ran.stdout.splitlines()) == (0, lines(embedded, names))
    assert sorted(ran.stderr.splitlines()) == sorted(f"done {embedded.host}/app-{name}:1: moved 1" for name in names)


async def _slowly(request: web.Request, handler: Handler) -> web.StreamResponse:
    await asyncio.sleep(0.1)
    return await handler(request)


def test_folders_patterns_and_documents(embedded: Running, program: Program, tmp_path: Path) -> None:
    names = ["a", "b", "c", "d", "e"]
    a, b, c, d, e = write(embedded, tmp_path, names)
    folder = tmp_path / "folder"
    folder.mkdir()
    for path in (b, c):
        path.rename(folder / path.name)
    (folder / "notes.txt").write_text("no spec")
    both = tmp_path / "both.yml"
    both.write_text(f"{d.read_text()}---\n# nothing\n---\n{e.read_text()}---\n")
    ran = program("push", "from-spec", str(tmp_path / "[a].yaml"), str(folder), str(both), str(a))
    assert (ran.code, ran.stdout.splitlines()) == (0, lines(embedded, names))


def test_what_specs_share_is_read_once(embedded: Running, program: Program, tmp_path: Path) -> None:
    names = [str(number) for number in range(12)]
    paths = write(embedded, tmp_path, names, entries=crossing(embedded, *PLATFORMS))
    assert program("push", "from-spec", *map(str, paths), "--jobs", "3").code == 0
    read = [request.path for request in embedded.log.by_method("GET") if request.path.startswith("/v2/src/")]
    assert len(read) == len(set(read)) == 4
    for name in names:
        complete(embedded, f"app-{name}", "1")


def test_no_more_specs_than_jobs_are_under_way(embedded: Running, program: Program, tmp_path: Path) -> None:
    names = [str(number) for number in range(9)]
    watch = _Watch()
    paths = write(embedded, tmp_path, names)
    embedded.faults.add(watch)
    assert program("push", "from-spec", *map(str, paths), "--jobs", "3").code == 0
    assert watch.most == 3


class _Watch:
    """How many repositories have been asked for and have no index yet."""

    def __init__(self) -> None:
        self.most = 0
        self._open: set[str] = set()

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        name = request.path.split("/")[2]
        if name:
            self._open.add(name)
        self.most = max(self.most, len(self._open))
        if request.method == "PUT":
            self._open.discard(name)
        return await handler(request)


def test_a_spec_that_is_wrong_keeps_all_from_being_published(
    embedded: Running, program: Program, tmp_path: Path
) -> None:
    paths = write(embedded, tmp_path, ["a", "b"])
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("image: x\n---\nmanifests: 1\n")
    ran = program("push", "from-spec", str(paths[0]), str(wrong), str(paths[1]))
    assert (ran.code, ran.stdout) == (2, "")
    assert ran.stderr.startswith("error: not every spec is published: 2 failed, 0 published, 2 not begun\n")
    assert f"{wrong}:1:1" in ran.stderr
    assert f"{wrong}:3:1" in ran.stderr
    assert not list(embedded.log)


def test_a_spec_of_another_kind_keeps_all_from_being_published(
    embedded: Running, program: Program, tmp_path: Path
) -> None:
    one, other = write(embedded, tmp_path, ["a", "b"])
    other.write_text(other.read_text() + "annotations: {a: b}\n")
    ran = program("push", "from-spec", str(one), str(other))
    assert (ran.code, ran.stdout) == (2, "")
    assert f"  {other}:1:1: a Docker manifest list has no annotations\nhint: pass --type oci" in ran.stderr
    assert not list(embedded.log)
    assert program("push", "from-spec", str(one), str(other), "--type", "oci").code == 0


def test_it_keeps_going_where_it_is_told_to(embedded: Running, program: Program, tmp_path: Path) -> None:
    paths = write(embedded, tmp_path, ["a", "b", "c"])
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("manifests: 1\n")
    embedded.faults.add(Answer(403), path="/v2/app-b/")
    ran = program("push", "from-spec", "--keep-going", str(wrong), *map(str, paths), str(tmp_path / "missing.yaml"))
    assert (ran.code, ran.stdout.splitlines()) == (4, lines(embedded, ["a", "c"]))
    assert "error: not every spec is published: 3 failed, 2 published\n" in ran.stderr
    told = [line for line in ran.stderr.splitlines() if line.startswith("  ")]
    assert any(line.startswith(f"  {embedded.host}/app-b:1: ") for line in told)
    assert any("missing.yaml: there is no such file" in line for line in told)


def test_a_failure_lets_no_other_spec_begin(embedded: Running, program: Program, tmp_path: Path) -> None:
    names = [str(number) for number in range(6)]
    paths = write(embedded, tmp_path, names)
    embedded.faults.add(Answer(403), path="/v2/app-1/")
    ran = program("push", "from-spec", "--jobs", "1", *map(str, paths))
    assert (ran.code, ran.stdout.splitlines()) == (4, lines(embedded, ["0"]))
    assert "error: not every spec is published: 1 failed, 1 published, 4 not begun\n" in ran.stderr


def test_two_specs_for_one_tag_are_refused(embedded: Running, program: Program, tmp_path: Path) -> None:
    one, other = write(embedded, tmp_path, ["a", "b"])
    other.write_text(one.read_text().replace("tags: []", 'tags: ["2", "1"]'))
    ran = program("push", "from-spec", str(one), str(other))
    assert ran.code == 2
    assert f"more than one spec publishes {embedded.host}/app-a:1 ({one}:1:1, {other}:1:1)" in ran.stderr
    assert not list(embedded.log)


def test_what_one_spec_publishes_another_takes_only_after_it(
    embedded: Running, program: Program, tmp_path: Path
) -> None:
    one, other = write(embedded, tmp_path, ["a", "b"])
    assert program("push", "from-spec", str(one)).code == 0
    other.write_text(seeds.spec(embedded.host, "app-b:1", "app-a:1"))
    one.write_text(seeds.spec(embedded.host, "app-a:1", "app-a:linux-amd64"))
    embedded.log.clear()
    ran = program("push", "from-spec", str(one), str(other))
    assert ran.code == 2
    assert "error: which of these comes first is not known: " in ran.stderr
    assert f": {embedded.host}/app-a:1 ({one}:1:1 publishes it, {other}:4:5 takes it)" in ran.stderr
    assert not list(embedded.log)
    ran = program("push", "from-spec", "--jobs", "1", str(one), str(other))
    assert (ran.code, ran.stdout.splitlines()) == (0, lines(embedded, ["a", "b"]))
    assert embedded.manifest("app-a", "1") == embedded.manifest("app-b", "1")


def test_an_account_is_one_at_one_registry(embedded: Running, program: Program, tmp_path: Path) -> None:
    with serving() as other:
        one, two = *write(embedded, tmp_path, ["a"]), *write(other, tmp_path, ["b"])
        ran = program("--username", "me", "--password", "hunter2", "push", "from-spec", str(one), str(two))
        assert ran.code == 2
        assert "--username is an account at one registry, and the specs publish to" in ran.stderr
        assert program("push", "from-spec", str(one), str(two)).code == 0


def test_json_of_many_is_one_object(embedded: Running, program: Program, tmp_path: Path) -> None:
    paths = write(embedded, tmp_path, ["a", "b"])
    embedded.faults.add(Answer(403), path="/v2/app-b/")
    ran = program("push", "from-spec", "--format", "json", "--keep-going", *map(str, paths))
    printed = json.loads(ran.stdout)
    assert printed["schemaVersion"] == 1
    assert [result["reference"] for result in printed["results"]] == [f"{embedded.host}/app-a:1"]
    (failure,) = printed["failures"]
    assert (failure["reference"], failure["exitCode"]) == (f"{embedded.host}/app-b:1", 4)
    assert "403 Forbidden" in failure["error"]


def test_a_dry_run_of_many(embedded: Running, program: Program, tmp_path: Path) -> None:
    paths = write(embedded, tmp_path, ["a", "b"])
    ran = program("push", "from-spec", "--dry-run", *map(str, paths))
    documents = [json.loads(part + "}") for part in ran.stdout.split("\n}\n") if part]
    assert [len(document["manifests"]) for document in documents] == [2, 2]
    assert not embedded.log.writes()


def test_a_dry_run_claims_to_have_published_nothing(embedded: Running, program: Program, tmp_path: Path) -> None:
    paths = write(embedded, tmp_path, ["a", "b"])
    embedded.faults.add(Answer(403), path="/v2/app-b/")
    ran = program("push", "from-spec", "--dry-run", "--keep-going", *map(str, paths))
    assert ran.stderr.startswith("error: not every spec is planned: 1 failed, 1 planned\n")
    embedded.faults.clear()
    moment = Moment()
    embedded.faults.add(moment, path="/v2/app-b/")
    with pushing(*paths, "--dry-run", jobs=1) as process:
        assert moment.reached.wait(PATIENCE)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=PATIENCE)
    assert stderr.decode().startswith("interrupted; 1 of 2 specs are planned; ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_tells_how_far_it_was(embedded: Running, tmp_path: Path, number: signal.Signals) -> None:
    paths = write(embedded, tmp_path, ["a", "b", "c"])
    moment = Moment()
    embedded.faults.add(moment, method="PUT", path="/app-b/manifests/1")
    with pushing(*paths, jobs=1) as process:
        assert moment.reached.wait(PATIENCE)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + number
    assert stdout.decode().splitlines() == lines(embedded, ["a"])
    told = f"1 of 3 specs are published; {embedded.host}/app-b:1: not known whether moved: 1"
    assert stderr.decode().splitlines()[-1] == f"interrupted; {told}; running it again completes it"


def test_an_interruption_holds_no_result_back(embedded: Running, tmp_path: Path) -> None:
    paths = write(embedded, tmp_path, ["a", "b"])
    moment = Moment()
    embedded.faults.add(moment, method="PUT", path="/app-a/manifests/1")
    with pushing(*paths) as process:
        assert moment.reached.wait(PATIENCE)
        assert process.stderr is not None
        assert process.stderr.readline() == f"done {embedded.host}/app-b:1: moved 1\n".encode()
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=PATIENCE)
    assert stdout.decode().splitlines() == lines(embedded, ["b"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_json_of_an_interruption_tells_what_is_done(embedded: Running, tmp_path: Path, number: signal.Signals) -> None:
    paths = write(embedded, tmp_path, ["a", "b", "c"])
    moment = Moment()
    embedded.faults.add(moment, method="PUT", path="/app-b/manifests/1")
    with pushing(*paths, jobs=1, output="json") as process:
        assert moment.reached.wait(PATIENCE)
        process.send_signal(number)
        stdout, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + number
    printed = json.loads(stdout)
    assert [result["reference"] for result in printed["results"]] == [f"{embedded.host}/app-a:1"]
    assert printed["failures"] == [
        {"reference": None, "error": "interrupted", "hint": "", "exitCode": process.returncode}
    ]


def test_json_of_a_run_out_of_time_tells_what_is_done(embedded: Running, tmp_path: Path) -> None:
    paths = write(embedded, tmp_path, ["a", "b"])
    embedded.faults.add(Moment(), path="/v2/app-b/")
    options = ["--jobs", "1", "--format", "json"]
    # In a process of its own: in the end it may have to end that.
    ran = harness.program(["--timeout", "3", "push", "from-spec", *options, *map(str, paths)])
    printed = json.loads(ran.stdout)
    assert [result["reference"] for result in printed["results"]] == [f"{embedded.host}/app-a:1"]
    (failure,) = printed["failures"]
    assert (failure["reference"], failure["exitCode"]) == (None, ran.code)
    assert "1 of 2 specs are published" in failure["error"]


def test_a_failure_hides_no_stdout_that_cannot_be_written(embedded: Running, tmp_path: Path) -> None:
    paths = write(embedded, tmp_path, ["a", "b"])
    embedded.faults.add(Answer(403), path="/v2/app-b/")
    with Path("/dev/full").open("wb") as full, pushing(*paths, stdout=full) as process:
        _, stderr = process.communicate(timeout=PATIENCE)
    assert process.returncode == 4
    assert f"error: {embedded.host}/app-a is published as sha256:" in stderr.decode()
    assert "not every spec is published" in stderr.decode()


def test_a_run_again_writes_nothing(embedded: Running, program: Program, tmp_path: Path) -> None:
    names = [str(number) for number in range(5)]
    paths = write(embedded, tmp_path, names)
    assert program("push", "from-spec", str(tmp_path)).code == 0
    embedded.log.clear()
    ran = program("push", "from-spec", *map(str, paths))
    assert ran.stdout.splitlines() == lines(embedded, names)
    assert not embedded.log.writes()
    # Each source takes two requests, its manifest and its config.
    assert len(embedded.log) == len(names) * (2 * len(PLATFORMS) + 1)
    assert ran.stderr.splitlines()[0].endswith(": no tag had to be moved")


def test_the_same_source_is_resolved_once_though_its_tag_moves(
    embedded: Running, program: Program, tmp_path: Path
) -> None:
    entries = crossing(embedded, *PLATFORMS)
    paths = write(embedded, tmp_path, ["a", "b"], entries=entries)
    moves = _Moves(embedded, entries[0])
    embedded.faults.add(moves, method="PUT", path="/app-a/manifests/1$")
    assert program("push", "from-spec", "--jobs", "1", *map(str, paths)).code == 0
    assert moves.done.is_set()
    assert embedded.manifest("app-a", "1") == embedded.manifest("app-b", "1")


class _Moves:
    """Move the tag of a source once the first spec is published."""

    def __init__(self, registry: Running, reference: str) -> None:
        self._registry = registry
        self._reference = reference
        self.done = threading.Event()

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        repository, _, tag = self._reference.partition(":")
        seeds.put(self._registry, repository, tag, seeds.build("linux/amd64", name="moved"))
        self.done.set()
        return response
