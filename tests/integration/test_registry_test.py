"""Whole runs of integration/test-registry.sh: at registries that are right, old, wrong, and hostile."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from integration import images
from integration.trial import PROGRAM, ROOT
from manifest_tool.conformance import catalogue
from manifest_tool.oci.digest import Digest
from manifest_tool.server.actions import Answer, Delay
from manifest_tool.server.serve import Running, serving
from tests import harness, seeds
from tests.integration.docker_registries import SECRET, guarded, with_tokens
from tests.integration.registry_faults import FAULTS
from tests.registry.test_tls import Authority

SCRIPT = ROOT / "integration" / "test-registry.sh"
REPOSITORY = "acme/manifest-tool-test"
slow = pytest.mark.integration
"""Takes some seconds."""
old = pytest.mark.docker_registry


@dataclass(frozen=True, slots=True)
class Run:
    """A run, and what it found."""

    ran: harness.Ran
    document: Mapping[str, Any] = field(repr=False)

    @property
    def code(self) -> int:
        return self.ran.code

    def outcomes(self, *outcomes: str) -> dict[str, str]:
        """The checks with these outcomes."""
        found = {result["id"]: result["outcome"] for result in self.document["results"]}
        return {name: outcome for name, outcome in found.items() if outcome in outcomes}

    def detail(self, name: str) -> str:
        [found] = [result["detail"] for result in self.document["results"] if result["id"] == name]
        return str(found)

    def feature(self, name: str) -> tuple[bool | None, str | None]:
        """Whether it works, and what happens otherwise."""
        [found] = [one for one in self.document["features"] if one["name"] == name]
        return found["works"], found["otherwise"]


def script(*arguments: str, **environment: str) -> harness.Ran:
    done = subprocess.run(
        [SCRIPT, *arguments], capture_output=True, text=True, timeout=60, env={**os.environ, **environment}
    )
    assert "Traceback" not in done.stderr
    return harness.Ran(done.returncode, done.stdout, done.stderr)


def run(*arguments: str, **environment: str) -> Run:
    ran = script(*arguments, "--format", "json", **environment)
    assert ran.stdout, ran.stderr
    return Run(ran, json.loads(ran.stdout))


@contextmanager
def served(*options: str) -> Iterator[str]:
    """The embedded registry in a process of its own."""
    command = [str(PROGRAM), "registry", "serve", "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield process.stdout.readline().strip().removeprefix("http://")
    finally:
        process.terminate()
        process.communicate(timeout=20)


def tags(host: str, repository: str = REPOSITORY) -> list[str]:
    _, _, body = harness.request(host, "GET", f"/v2/{repository}/tags/list")
    return json.loads(body).get("tags") or []


# The registry of our own: everything passes, and nothing stays.


def test_everything_passes_in_memory() -> None:
    with served() as host:
        found = run(f"{host}/acme")
        assert (found.code, found.outcomes("fail", "unsupported")) == (0, {}), found.ran.stdout
        assert found.outcomes("not tried") == {"anonymous-write": "not tried", "token-scopes": "not tried"}
        assert (found.document["left"], found.document["notices"]) == ([], [])
        assert tags(host) == []


@slow
def test_everything_passes_on_disk_and_nothing_stays_there(tmp_path: Path) -> None:
    with served("--root", str(tmp_path / "registry")) as host:
        found = run(f"{host}/acme")
        assert (found.code, found.outcomes("fail", "unsupported")) == (0, {}), found.ran.stdout
        assert tags(host) == []
    held = {path.name for path in (tmp_path / "registry").rglob("*") if re.fullmatch("[0-9a-f]{64,}", path.name)}
    assert held == {Digest.of(common).hex for common in (b"", b"{}")}  # which other images may have too


@slow
def test_what_is_kept_stays() -> None:
    with served() as host:
        found = run(f"{host}/acme", "--keep")
        assert found.code == 0
        kept = {name.rpartition(":")[2] for name in found.document["left"] if "@" not in name}
        assert kept == set(tags(host))


# Debian's docker-registry 2.8, by what registry-api.md says of it and curl confirms.

LACKS = {
    "blob-post": "unsupported",  # POST alone opens an upload (202)
    "blob-resume": "unsupported",  # an upload whose connection broke is forgotten (404)
    "blob-resume-patch": "unsupported",
    "mount-anonymous": "unsupported",
    "tag-parameter": "unsupported",
    "tag-list-link": "unsupported",  # it has no pages
    "manifest-sha512": "unsupported",
    "accept-any": "unsupported",  # 404 for an OCI index where Accept is */*
    "referrers-api": "unsupported",
    "referrers-subject": "unsupported",
    "manifest-too-large": "unsupported",  # refused with 400
    "delete-tag": "unsupported",  # 400
    "blob-sha512": "fail",  # stored, and told to be the sha256
    "blob-order": "fail",  # taken
    "blob-order-put": "fail",
    "blob-range-beyond": "fail",  # 416 with a body that breaks off
    "tag-list-order": "fail",
    "tag-list-n": "fail",  # n and last are ignored
    "tag-list-last": "fail",
    "tag-list-last-alone": "fail",
    "manifest-bad-digest-put": "fail",  # 500
    "manifest-bad-digest-get": "fail",
}
UNTRIED = dict.fromkeys(
    ("blob-wrong-post", "referrers-artifact", "referrers-image", "referrers-index", "referrers-filter"), "not tried"
)
READING_LACKS = {"read-tag-pages": "fail", "read-referrers": "unsupported"}
FALLS_BACK = {
    "resume uploads": "interrupted uploads start over",
    "list referrers": "referrers are listed under a tag (tag schema)",
}


def as_expected(found: Run, more: Mapping[str, str]) -> None:
    """Hold a run at docker-registry to what is known of it; ``more`` depends on its accounts."""
    assert found.code == 0, found.ran.stderr
    assert found.outcomes("fail", "unsupported", "not tried") == {**LACKS, **UNTRIED, **more}
    other = {one["name"]: one["otherwise"] for one in found.document["features"] if one["works"] is not True}
    assert other == FALLS_BACK
    assert not found.document["notices"]


@slow
@old
def test_docker_registry_plain(docker_registry: str) -> None:
    found = run(f"{docker_registry}/acme")
    as_expected(found, {"anonymous-write": "not tried", "token-scopes": "not tried"})
    assert tags(docker_registry) == found.document["left"] == []


@old
def test_docs_show_what_it_is_told(docker_registry: str) -> None:
    ran = script(f"{docker_registry}/acme", "--only", "blob-order", COLUMNS="80")
    told = ran.stdout.replace(docker_registry, "localhost:5000")
    told = re.sub(r"Date: .*", "Date: …", re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "…", told))
    [shown] = re.findall(r"\n\n```\n(.*?)```\n", (ROOT / "docs" / "conformance.md").read_text(), re.DOTALL)
    assert shown in told


@slow
@old
def test_docker_registry_with_passwords(tmp_path: Path) -> None:
    with guarded(tmp_path) as host:
        account = ("--username", "me", "--password", SECRET)
        as_expected(run(f"{host}/acme", *account), {"token-scopes": "not tried"})
        wrong = script(f"{host}/acme", "--username", "me", "--password", "wrong")
        nobody = script(f"{host}/acme")
    assert (wrong.code, wrong.stdout, nobody.code, nobody.stdout) == (4, "", 4, "")
    assert wrong.stderr.startswith(f"error: not allowed to push to {host}/{REPOSITORY}: ")
    assert nobody.stderr.count("error: ") == 1


@slow
@old
def test_docker_registry_with_tokens(tmp_path: Path, authority: Authority) -> None:
    files = {name: tmp_path / name for name in ("--junit", "--html")}
    options = [str(word) for pair in files.items() for word in pair]
    with with_tokens(tmp_path, authority) as (host, service):
        account = {"MANIFEST_TOOL_USERNAME": "keeper", "MANIFEST_TOOL_PASSWORD": SECRET}
        found = run(f"{host}/acme", "--debug", *options, **account)
        as_expected(found, {})
        told = "".join([found.ran.stdout, found.ran.stderr, *(path.read_text() for path in files.values())])
        assert service.issued
        assert not [secret for secret in (SECRET, *service.issued) if secret in told]
        reader = script(f"{host}/acme", "--username", "reader", "--password", SECRET)
    assert (reader.code, reader.stdout) == (4, "")
    assert f"hint: no push right on {host}/{REPOSITORY} for the account 'reader' from --username" in reader.stderr


@slow
@old
def test_what_an_account_may_not_delete_is_told(tmp_path: Path, authority: Authority) -> None:
    with with_tokens(tmp_path, authority) as (host, _):
        found = run(f"{host}/acme", "--username", "me", "--password", SECRET)
    assert found.code == 0, found.ran.stdout
    refused = dict.fromkeys(("delete-tag", "delete-manifest", "delete-blob"), "unsupported")
    assert found.outcomes("unsupported").items() >= refused.items()
    assert f"{host}/{REPOSITORY}:" in "".join(found.document["left"])


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = Authority(tmp_path_factory.mktemp("authority"))
    made.found()
    return made


# Registries that do something wrong.

FOUND: dict[str, tuple[int, dict[str, str], dict[str, str]]] = {
    "manifests are written anew": (
        6,
        {
            "manifest-bytes": "GET by tag gives ",
            "manifest-put-digest": "GET by digest gives ",
            "index-oci": "GET by tag gives ",
        },
        {"read manifests by tag and by digest": "", "publish an OCI index": ""},
    ),
    "mounts are taken and nothing is there": (
        0,
        {"mount-cross": "the mount was answered with 201, but GET of the blob with 404"},
        {"mount blobs": "blobs are copied, not mounted"},
    ),
    "mounts are declined": (
        0,
        {"mount-cross": "POST was answered with 202: the registry does not mount the blob"},
        {"mount blobs": "blobs are copied, not mounted"},
    ),
    "tags lag behind": (
        0,
        {"visible-tag": "after ", "visible-readers": "after "},
        {"read a new tag at once": "a push ends before its tags can be read everywhere"},
    ),
    "the digest of another manifest": (
        6,
        {"digest-header": f"Docker-Content-Digest is 'sha256:{'0' * 64}', where '"},
        {"take digests from the registry": ""},
    ),
    "no digests": (
        0,
        {"digest-header": "Docker-Content-Digest is missing from the answer to GET"},
        {"take digests from the registry": "digests are computed from what is read"},
    ),
    "chunks in any order": (
        0,
        {
            "blob-order": "PATCH of a chunk that leaves out a byte was taken (202), where 416 was expected",
            "blob-order-put": "PUT of a chunk that leaves out a byte was taken (201), where 416 was expected",
        },
        {},
    ),
    "tags are immutable": (
        0,
        {"tag-move": "tags are immutable: "},
        {"move a tag": "tags cannot be moved: each version needs a new one"},
    ),
    "blobs are cut off": (6, {"blob-put": "broke off in the middle of its answer"}, {"upload blobs": ""}),
}
"""How a run ends at each of the faults, what it says, and what that means for a push."""
TOGETHER = (
    "mounts are taken and nothing is there",
    "tags lag behind",
    "no digests",
    "chunks in any order",
    "tags are immutable",
)
"""Five of which none hides another."""


def named(found: Run, fault: str) -> None:
    """Hold a run to having found a fault."""
    _, details, features = FOUND[fault]
    for name, detail in details.items():
        assert detail in found.detail(name), name
    for name, otherwise in features.items():
        works, told = found.feature(name)
        assert works is False, name
        assert (told or "").startswith(otherwise), name
        assert bool(told) == bool(otherwise), name


@slow
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found_and_named(embedded: Running, fault: str) -> None:
    FAULTS[fault](embedded.faults)
    found = run(f"{embedded.host}/acme")
    named(found, fault)
    assert found.code == FOUND[fault][0], found.ran.stderr
    assert not embedded.tags(REPOSITORY)


@slow
def test_five_at_once_are_found_and_named(embedded: Running) -> None:
    for fault in TOGETHER:
        FAULTS[fault](embedded.faults)
    found = run(f"{embedded.host}/acme")
    for fault in TOGETHER:
        named(found, fault)
    assert found.code == 0, found.ran.stderr
    assert not embedded.tags(REPOSITORY)


# Registries that mean no good.

EVIL = b'<html><title>\x1b]0;owned\x07\xe2\x80\xae<script>alert(1)</script></title><p onclick="x">\x9b31m</html>'
PAGE = {"Content-Type": "text/html", "X-Evil": "<script>alert(2)</script>", "Docker-Content-Digest": "<b>"}
HOSTILE = {
    "500 for everything": Answer(500, EVIL, PAGE),
    "pages for everything": Answer(200, EVIL, PAGE),
    "404 for everything": Answer(404, EVIL, PAGE),
    "201 for everything": Answer(201, EVIL, {**PAGE, "Location": "http://127.0.0.1:1/<script>"}),
    "redirects elsewhere": Answer(307, b"", {"Location": "http://127.0.0.1:1/elsewhere"}),
    "broken JSON": Answer(400, b'{"errors":[{"code":["\\u001b[31m"],"message":{"a":"\\u202e"},"detail":[[[]]]},7]}'),
}


@slow
@pytest.mark.parametrize("after", [0, 3, 40])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_registry_is_reported_and_nothing_more(tmp_path: Path, name: str, after: int) -> None:
    with serving() as registry:
        registry.faults.add(HOSTILE[name], after=after)
        xml, page = tmp_path / "report.xml", tmp_path / "report.html"
        ran = script(f"{registry.host}/acme", "--retries", "0", "--junit", str(xml), "--html", str(page))
    assert "bug" not in ran.stderr
    if name == "redirects elsewhere" and not after:
        assert (ran.code, ran.stdout) == (5, "")
        assert ran.stderr.startswith("error: cannot connect to 127.0.0.1:1, ")
        return
    assert ran.code == 6, ran.stderr
    assert "what manifest-tool needs does not work here: " in ran.stdout
    for text in (ran.stdout, ran.stderr, xml.read_text(), page.read_text()):
        assert all(c.isprintable() or c == "\n" for c in text)
    root = ET.parse(xml).getroot()
    assert int(root.attrib["failures"]) > 0
    assert not list(root.iter("script"))
    assert not any(word in page.read_text() for word in ("<script", "<p onclick", "<title>\\x1b"))


async def endless(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Send a body that goes on."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"x" * 65536)


@slow
def test_a_body_that_never_ends_is_given_up(tmp_path: Path) -> None:
    with serving() as registry:
        registry.faults.add(endless, method="GET", after=1)
        ran = script(f"{registry.host}/acme", "--retries", "0", "--timeout", "40s")
    assert ran.code == 6, ran.stderr
    assert "the answer is larger than" in ran.stdout


@slow
def test_a_registry_that_hangs_is_waited_for_as_long_as_is_said() -> None:
    with serving() as registry:
        registry.faults.add(Delay(600), after=3)
        ran = script(f"{registry.host}/acme", "--timeout", "2s")
    assert ran.code == 5
    assert ran.stderr.endswith("error: the 2 s that --timeout gives are over\n")
    assert "interrupted: this is what was found until then\n" in ran.stdout


# Where nothing is to be written.


@slow
@old
def test_reading_writes_nothing(docker_registry: str, embedded: Running) -> None:
    kinds: tuple[images.Media, ...] = ("oci", "docker")
    for kind in kinds:
        put_index(embedded.host, kind)
        put_index(docker_registry, kind)
        before = tags(docker_registry, "app")
        embedded.log.clear()
        for host, lacks in ((embedded.host, {}), (docker_registry, READING_LACKS)):
            found = run("--read-only", f"{host}/app:{kind}")
            assert found.code == 0, found.ran.stdout
            assert found.outcomes("fail", "unsupported", "not tried") == lacks
            assert found.outcomes("pass").keys() >= {"read-manifest", "read-digest", "read-children", "read-config"}
        assert len(embedded.log) > 10
        assert not embedded.log.writes()
        assert tags(docker_registry, "app") == before


def put_index(host: str, kind: images.Media) -> None:
    """An index of two images."""
    made = [seeds.build(platform, media=kind) for platform in ("linux/amd64", "linux/arm64/v8")]
    images.push(host, "app", images.index(made, media=kind), kind)


# The script itself.


def test_the_script_tells_how_it_is_used() -> None:
    told, bare = script("--help"), script()
    assert (told.code, bare.code, bare.stdout) == (0, 2, "")
    assert told.stdout.startswith("Usage: test-registry.sh HOST[:PORT]/NAMESPACE [OPTION]...\n")
    assert bare.stderr == told.stdout


@pytest.mark.parametrize("shell", ["sh", "dash", "bash"])
@pytest.mark.parametrize("place", ["venv", "path", "module", "nowhere", "another"])
def test_the_script_finds_the_program(tmp_path: Path, shell: str, place: str) -> None:
    """A program that tells what it is given stands where the real one may."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    root, tools = tmp_path / "a checkout", tmp_path / "bin"
    copy = root / "integration" / "test-registry.sh"
    copy.parent.mkdir(parents=True)
    shutil.copy(SCRIPT, copy)
    tools.mkdir()
    for name in ("dirname", "cat", shell):
        (tools / name).symlink_to(shutil.which(name) or "")
    stand_in = '#!/bin/sh\nfor word; do echo "$word"; done\n'
    if place == "another":
        # The program in Go that has the same name, and knows no such command.
        (tools / "manifest-tool").symlink_to(shutil.which("false") or "")
    elif place != "nowhere":
        names = {"venv": root / ".venv/bin/manifest-tool", "path": tools / "manifest-tool", "module": tools / "python3"}
        names[place].parent.mkdir(parents=True, exist_ok=True)
        names[place].write_text(stand_in.replace("#!/bin/sh", f"#!{shutil.which('sh')}"))
        names[place].chmod(0o755)
    done = subprocess.run(
        [tools / shell, copy, "x/y", "--only", "two words"], capture_output=True, text=True, env={"PATH": str(tools)}
    )
    module = ["-m", "manifest_tool"] if place == "module" else []
    if place in {"nowhere", "another"}:
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("error: manifest-tool is not installed\nhint: ")
    else:
        assert done.stdout.splitlines() == [*module, "registry", "test", "x/y", "--only", "two words"], done.stderr


def test_every_expected_check_is_in_the_catalogue() -> None:
    known = {check.id for group in catalogue.WRITING for check in group.checks}
    assert {*LACKS, *UNTRIED} <= known
    assert {name for _, details, _ in FOUND.values() for name in details} <= known
    assert FAULTS.keys() == FOUND.keys()
