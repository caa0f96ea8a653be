"""``query``: what it prints, to the letter, and what it asks for."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from integration import images
from integration.trial import ROOT
from manifest_tool.oci import media_type as types
from manifest_tool.oci.descriptor import ATTESTATION, REFERENCE_TYPE
from manifest_tool.server.actions import Answer
from manifest_tool.server.serve import Running
from tests import harness, seeds
from tests.conftest import Program
from tests.registry import tokens

ESCAPE = "\x1b]0;owned\x07"
HOSTILE = f"evil{ESCAPE}\n   - linux/forged\x9b\u202e[red]x[/red]"
SHOWN = r"evil\x1b]0;owned\x07\n   - linux/forged\x9b\u202e[red]x[/red]"

LIST = """\
Image: {name} (digest: {digest})
 * Manifest List: Yes (Image type: application/vnd.docker.distribution.manifest.list.v2+json)
 * Supported platforms:
   - linux/amd64
   - linux/arm64/v8
   - windows/amd64:10.0.17763.2300

"""
IMAGE = """\
Image: {name} (digest: {digest})
 * Manifest List: No (Image type: application/vnd.docker.distribution.manifest.v2+json)
 * Supports: linux/arm

"""


def put_list(registry: Running, tag: str = "1") -> dict[str, str]:
    platforms = ("linux/amd64", "linux/arm64/v8", "windows(10.0.17763.2300+win32k)/amd64")
    index = images.index([seeds.build(platform) for platform in platforms], media="docker")
    return {"digest": str(seeds.put(registry, "app", tag, index)), "name": f"{registry.host}/app:{tag}"}


def put_image(registry: Running, tag: str = "image") -> dict[str, str]:
    digest = seeds.put_image(registry, f"app:{tag}", "linux/arm/v7")
    return {"digest": str(digest), "name": f"{registry.host}/app:{tag}"}


def put_index(registry: Running, *entries: dict[str, Any]) -> str:
    registry.put_manifest("app", *seeds.index_of(entries), tag="index")
    return f"{registry.host}/app:index"


def test_a_list(embedded: Running, program: Program) -> None:
    values = put_list(embedded)
    ran = program("query", values["name"])
    assert (ran.code, ran.stdout, ran.stderr) == (0, LIST.format_map(values), "")


def test_an_image_whose_variant_is_not_told(embedded: Running, program: Program) -> None:
    values = put_image(embedded)
    ran = program("query", values["name"])
    assert (ran.code, ran.stdout, ran.stderr) == (0, IMAGE.format_map(values), "")


def test_the_name_is_what_was_written(embedded: Running, program: Program) -> None:
    values = put_list(embedded, "latest")
    for name in (f"{embedded.host}/app", f"{embedded.host}/app@{values['digest']}"):
        assert program("query", name).stdout == LIST.format(name=name, digest=values["digest"])


def test_what_attests_is_left_out(embedded: Running, program: Program) -> None:
    image = seeds.build("linux/amd64", media="oci")
    unknown = {"architecture": "unknown", "os": "unknown"}
    about = {"platform": unknown, "annotations": {REFERENCE_TYPE: ATTESTATION}}
    name = put_index(embedded, image.descriptor, seeds.descriptor(b"about", types.OCI_MANIFEST, **about))
    assert program("query", name).stdout.splitlines()[2:] == [" * Supported platforms:", "   - linux/amd64", ""]


def test_what_has_no_platform(embedded: Running, program: Program) -> None:
    nested = seeds.descriptor(b"nested", types.OCI_INDEX)
    name = put_index(embedded, nested, {**nested, "platform": {}}, {**nested, "platform": {"os": "linux"}})
    shown = program("query", name).stdout.splitlines()
    assert shown[3:] == ["   - unknown/unknown", "   - unknown/unknown", "   - linux/unknown", ""]


def test_several_come_in_the_order_in_which_they_are_given(embedded: Running, program: Program) -> None:
    one, other = put_list(embedded), put_image(embedded)
    ran = program("query", other["name"], one["name"], other["name"])
    shown = IMAGE.format_map(other) + LIST.format_map(one) + IMAGE.format_map(other)
    assert (ran.code, ran.stdout) == (0, shown)
    assert len(embedded.log) == 3


def test_several_are_asked_for_at_once(embedded: Running, program: Program) -> None:
    for number in range(8):
        put_list(embedded, str(number))
    embedded.latency = 0.05
    program("query", *(f"{embedded.host}/app:{number}" for number in range(8)))
    assert (len(embedded.log), embedded.log.rounds()) == (8, 1)


def test_what_fails_keeps_nothing_else_from_being_told(embedded: Running, program: Program) -> None:
    values = put_list(embedded)
    embedded.faults.add(Answer(403), path="/secret/")
    ran = program("query", f"{embedded.host}/gone", values["name"], f"{embedded.host}/secret:1", "App")
    assert (ran.code, ran.stdout) == (4, LIST.format_map(values))
    errors = [line for line in ran.stderr.splitlines() if line.startswith("error: ")]
    assert [text in line for text, line in zip(("app/gone"[4:], "/secret:1", "'App'"), errors, strict=True)] == [
        True
    ] * 3


@pytest.mark.parametrize(("status", "code"), [(404, 3), (401, 4), (403, 4), (429, 5), (500, 5)])
def test_refused(embedded: Running, program: Program, status: int, code: int) -> None:
    embedded.faults.add(Answer(status, b'{"errors":[{"code":"X","message":"because"}]}'), path="/app/")
    ran = program("query", f"{embedded.host}/app:1")
    assert (ran.code, ran.stdout) == (code, "")
    assert "X: because" in ran.stderr


@pytest.mark.parametrize(
    "raw", [b"{", b"[]", b"<html>", b'{"manifests":[{}]}', b'{"manifests":[],"layers":[]}'], ids=repr
)
def test_a_damaged_manifest(embedded: Running, program: Program, raw: bytes) -> None:
    embedded.put_manifest("app", raw, types.OCI_INDEX, "1")
    ran = program("query", f"{embedded.host}/app:1")
    assert (ran.code, ran.stdout) == (5, "")
    assert ran.stderr.startswith(f"error: {embedded.host}/app:1 is not a manifest that can be used: ")


def test_an_index_of_500_images(embedded: Running, program: Program) -> None:
    platform = {"architecture": "amd64", "os": "linux"}
    entries = [
        seeds.descriptor(str(number).encode(), types.OCI_MANIFEST, platform={**platform, "variant": f"v{number}"})
        for number in range(500)
    ]
    ran = program("query", put_index(embedded, *entries))
    assert ran.code == 0
    assert ran.stdout.splitlines()[3:] == [f"   - linux/amd64/v{number}" for number in range(500)] + [""]
    assert len(embedded.log) == 1


def put_hostile(registry: Running) -> str:
    platform = dict.fromkeys(("os", "architecture", "variant", "os.version"), HOSTILE)
    entry = seeds.descriptor(b"", types.OCI_MANIFEST, platform=platform, annotations={HOSTILE: HOSTILE})
    windows = seeds.descriptor(b"", HOSTILE, platform={"os": "windows", "architecture": "amd64", "os.version": HOSTILE})
    return put_index(registry, entry, windows)


def test_nothing_reaches_the_terminal(embedded: Running, program: Program) -> None:
    ran = program("query", put_hostile(embedded))
    assert ran.code == 0
    assert ran.stdout.splitlines()[3:] == [
        f"   - {SHOWN}/{SHOWN}/{SHOWN}",
        f"   - windows/amd64:{SHOWN}",
        "",
    ]


def test_nothing_in_the_json_reaches_the_terminal(embedded: Running, program: Program) -> None:
    ran = program("query", "--format", "json", put_hostile(embedded))
    assert all(character == "\n" or character.isprintable() for character in ran.stdout)
    [result] = json.loads(ran.stdout)["results"]
    assert result["manifests"][0]["platform"]["variant"] == HOSTILE


def test_the_json_tells_everything(embedded: Running, program: Program) -> None:
    image = seeds.build("windows(10.0.17763.1+win32k)/amd64")
    seeds.put(embedded, "app", "latest", image)
    ran = program("query", "--format", "json", f"{embedded.host}/app", f"{embedded.host}/gone:1")
    itself = seeds.descriptor(image.manifest, image.media_type)
    platform = {"architecture": "amd64", "os": "windows", "os.version": "10.0.17763.1", "os.features": ["win32k"]}
    document = json.loads(ran.stdout)
    [failure] = document.pop("failures")
    assert document == {
        "schemaVersion": 1,
        "results": [
            {
                "name": f"{embedded.host}/app",
                "reference": f"{embedded.host}/app:latest",
                "cached": False,
                **itself,
                "manifests": [{**itself, "platform": platform}],
                "attestations": 0,
                "missing": [],
            }
        ],
    }
    assert (failure["name"], failure["exitCode"], ran.code) == (f"{embedded.host}/gone:1", 3, 3)
    assert failure["error"] in ran.stderr


def test_the_page_describes_the_json_key_by_key() -> None:
    page = (ROOT / "docs" / "query.md").read_text()
    [shown] = re.findall(r"^\$ .* --format json .*\n(?:.*\n)*?^(\{\n(?:.*\n)*?\})$", page, re.MULTILINE)
    document = json.loads(shown)
    keys = {*document, *(f"results[].{key}" for key in document["results"][0])}
    told = re.findall(
        r"`([a-z]+(?:\[\]\.)?[a-zA-Z]*)(?:\[\])?`", "".join(re.findall(r"^\| (`.*?) \| ", page, re.MULTILINE))
    )
    assert keys <= set(told)


def test_required_platforms(embedded: Running, program: Program) -> None:
    values = put_list(embedded)
    ran = program("query", values["name"], "--require", "linux/amd64,linux/arm64", "--require", "windows/amd64")
    assert (ran.code, ran.stderr) == (0, "")
    lacking = program("query", values["name"], "--require", "linux/s390x,linux/amd64,linux/arm/v7")
    assert (lacking.code, lacking.stdout) == (3, LIST.format_map(values))
    assert lacking.stderr == f"error: {values['name']} has no image for linux/s390x, linux/arm/v7\n"


def test_missing_platforms_in_json(embedded: Running, program: Program) -> None:
    name = put_list(embedded)["name"]
    ran = program("query", name, "--format", "json", "--require", "linux/s390x")
    assert (ran.code, json.loads(ran.stdout)["results"][0]["missing"]) == (3, ["linux/s390x"])


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("App:1",),
        ("app:1", "--require", "linux"),
        ("app:1", "--max-age", "soon"),
        ("--serve", "app:1"),
        ("--serve", "--require", "linux/amd64"),
        ("--serve", "--username", "me", "--password", "secret"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_meant(program: Program, arguments: Sequence[str]) -> None:
    ran = program("query", *arguments)
    assert (ran.code, ran.stdout) == (2, "")
    assert ran.stderr.startswith("error: ")
    assert "secret" not in ran.stderr


def test_another_run_needs_no_request(embedded: Running, program: Program) -> None:
    values = put_list(embedded)
    first = program("query", values["name"])
    embedded.log.clear()
    assert program("query", values["name"]) == first
    assert json.loads(program("query", values["name"], "--format", "json").stdout)["results"][0]["cached"]
    assert list(embedded.log) == []
    assert program("query", values["name"], "--max-age", "0") == first
    assert [request.method for request in embedded.log] == ["HEAD"]


def test_the_cache_holds_what_is_still_said_where_the_registry_is_gone(program: Program, tmp_path: Path) -> None:
    from manifest_tool.server.serve import serving

    with serving() as registry:
        values = put_list(registry)
        program("query", values["name"])
    ran = program("query", values["name"], f"{registry.host}/app:other")
    assert (ran.code, ran.stdout) == (5, LIST.format_map(values))


def test_an_answer_is_renewed_at_each_registry(any_registry: str, program: Program) -> None:
    index = images.index([seeds.build("linux/amd64"), seeds.build("linux/arm64/v8")])
    images.push(any_registry, "app", index, "1")
    first = program("query", f"{any_registry}/app:1")
    renewed = program("--debug", "query", f"{any_registry}/app:1", "--max-age", "0")
    assert (first.code, renewed.stdout) == (0, first.stdout)
    assert re.findall(r"^debug: (\w+) ", renewed.stderr, re.MULTILINE) == ["HEAD"]


def test_no_cache_neither_reads_nor_writes(embedded: Running, program: Program) -> None:
    name = put_list(embedded)["name"]
    folder = Path(os.environ["XDG_CACHE_HOME"])
    program("query", "--no-cache", name)
    assert list(folder.iterdir()) == []
    program("query", name)
    program("query", "--no-cache", name)
    assert [request.method for request in embedded.log] == ["GET"] * 3


def test_a_cache_that_cannot_be_written(
    embedded: Running, program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    values = put_list(embedded)
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    ran = program("query", values["name"])
    assert (ran.code, ran.stdout, ran.stderr) == (0, LIST.format_map(values), "")
    assert "warning: cannot write to the cache " in program("--debug", "query", values["name"]).stderr


def test_what_was_said_without_proof_is_not_taken_for_proven(embedded: Running, program: Program) -> None:
    name = put_list(embedded)["name"]
    program("--insecure", "query", name)
    program("query", name)
    assert [request.method for request in embedded.log] == ["GET", "GET"]


def test_an_account_is_asked_whether_it_may_still_see_it(program: Program, tmp_path: Path) -> None:
    with tokens.guarded(anonymous={}) as (registry, service):
        service.add("you", "other", {"*": "pull"})
        values = put_list(registry)

        def asked(name: str, password: str) -> tuple[int, str]:
            ran = program("--username", name, "--password", password, "query", values["name"])
            return ran.code, ran.stdout

        assert asked("you", "other") == (0, LIST.format_map(values))
        registry.log.clear()
        assert asked("you", "other") == (0, LIST.format_map(values))
        assert {request.method for request in registry.log} == {"HEAD"}
        assert asked("you", "wrong") == (4, "")
        assert program("query", values["name"]).code == 4
    kept = b"".join(path.read_bytes() for path in Path(os.environ["XDG_CACHE_HOME"]).rglob("*.json"))
    assert b'"account": "you"' in kept
    assert b"other" not in kept


def test_an_account_is_for_one_registry(embedded: Running, program: Program) -> None:
    ran = program("--username", "me", "--password", "x", "query", f"{embedded.host}/app", "alpine")
    assert (ran.code, "one registry" in ran.stderr) == (2, True)


def test_twenty_at_once_all_print_the_same(embedded: Running) -> None:
    values = put_list(embedded)
    command = [sys.executable, "-m", "manifest_tool", "query", values["name"]]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(20)]
    assert {process.communicate(timeout=60)[0] for process in running} == {LIST.format_map(values)}
    assert {process.returncode for process in running} == {0}
    [path] = [path for path in Path(os.environ["XDG_CACHE_HOME"]).rglob("*") if path.is_file()]
    embedded.log.clear()
    assert harness.program(["query", values["name"]]).stdout == LIST.format_map(values)
    assert (list(embedded.log), json.loads(path.read_bytes())["reference"]) == ([], values["name"])


def test_what_is_known_is_told_without_loading_http(embedded: Running) -> None:
    name = put_list(embedded)["name"]
    harness.program(["query", name])
    script = "import sys; from manifest_tool.cli.app import run; run(sys.argv[1:]); sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script, "query", name], stdout=subprocess.DEVNULL).returncode == 0
