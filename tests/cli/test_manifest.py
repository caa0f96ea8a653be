"""``manifest``: the commands of ``docker manifest``, and what is better here."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from integration import images
from manifest_tool.drafts.store import Store
from manifest_tool.oci import media_type as types
from manifest_tool.oci.reference import Reference
from manifest_tool.server.actions import Body
from manifest_tool.server.serve import Running, serving
from tests import harness, seeds
from tests.conftest import Program
from tests.harness import Ran
from tests.registry.tokens import basic

ESCAPE = "\x1b]0;owned\x07 [bold]\u202e"


@pytest.fixture(autouse=True)
def drafts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "drafts"
    monkeypatch.setenv("MANIFEST_TOOL_DRAFTS", str(folder))
    return folder


class Session:
    """The commands, with names of one registry."""

    def __init__(self, registry: Running, program: Program) -> None:
        self.registry = registry
        self.host = registry.host
        self._program = program

    def __call__(self, command: str, *arguments: str) -> Ran:
        ran = self._program("manifest", command, *(word.replace("HOST", self.host) for word in arguments))
        return Ran(ran.code, ran.stdout.replace(self.host, "HOST"), ran.stderr.replace(self.host, "HOST"))

    def image(self, reference: str, platform: str, *, media: images.Media = "docker", name: str = "") -> str:
        repository, _, tag = reference.partition(":")
        image = seeds.build(platform, name=name or reference, media=media)
        return str(seeds.put(self.registry, repository, tag, image))

    def index(self, tag: str = "1") -> list[dict[str, Any]]:
        found = self.registry.manifest("app", tag)
        assert found
        listed: list[dict[str, Any]] = json.loads(found[1])["manifests"]
        return listed

    def draft(self) -> str:
        return self("export", "HOST/app:1").stdout


@pytest.fixture
def run(embedded: Running, program: Program) -> Session:
    return Session(embedded, program)


def test_create_writes_a_spec_and_says_so(run: Session) -> None:
    arm, windows = run.image("app:arm", "linux/arm/v7"), run.image("win:1", "windows(10.0+win32k)/amd64")
    ran = run("create", "HOST/app:1", "HOST/app:arm", f"HOST/win@{windows}")
    assert (ran.code, ran.stdout) == (0, "Created manifest list HOST/app:1\n")
    assert (
        run.draft()
        == f"""\
image: HOST/app:1
manifests:
  - image: HOST/app:arm@{arm}
    platform: {{os: linux, architecture: arm, variant: v7}}
    x-config: linux/arm/v7
  - image: HOST/win@{windows}
    platform: {{os: windows, architecture: amd64, os.version: 10.0, os.features: [win32k]}}
    x-config: windows(10.0+win32k)/amd64
"""
    )


def test_create_takes_a_list_and_an_image_at_least(run: Session) -> None:
    ran = run("create", "HOST/app:1")
    assert (ran.code, ran.stdout) == (2, "")
    assert "Missing argument 'MANIFEST...'" in ran.stderr


def test_names_are_filled_out(run: Session) -> None:
    digest = run.image("app:latest", "linux/amd64")
    assert run("create", "HOST/app", "HOST/app").stdout == "Created manifest list HOST/app:latest\n"
    assert f"image: HOST/app:latest@{digest}\n" in run("export", "HOST/app").stdout


def test_a_draft_is_amended_only_where_that_is_asked_for(run: Session) -> None:
    run.image("app:a", "linux/amd64")
    run("create", "HOST/app:1", "HOST/app:a")
    before = run.draft()
    log = len(run.registry.log)
    ran = run("create", "HOST/app:1", "HOST/app:b")
    assert (ran.code, ran.stdout) == (1, "")
    assert "refusing to amend an existing manifest list with no --amend flag" in ran.stderr
    assert "hint: pass --amend" in ran.stderr
    assert (run.draft(), len(run.registry.log)) == (before, log)


def test_amending_adds_and_refreshes_and_keeps_what_was_annotated(run: Session) -> None:
    run.image("app:a", "linux/amd64")
    run.image("app:b", "linux/arm64/v8")
    run("create", "HOST/app:1", "HOST/app:b")
    run("annotate", "HOST/app:1", "HOST/app:b", "--variant", "")
    moved = run.image("app:b", "linux/arm64/v8", name="moved")
    assert run("create", "--amend", "HOST/app:1", "HOST/app:a", "HOST/app:b").code == 0
    assert run("push", "HOST/app:1").code == 0
    arm, amd = run.index()
    assert (arm["digest"], arm["platform"]) == (moved, {"architecture": "arm64", "os": "linux"})
    assert amd["platform"] == {"architecture": "amd64", "os": "linux"}


def test_all_that_is_missing_is_told_and_nothing_is_written(run: Session, drafts: Path) -> None:
    run.image("app:a", "linux/amd64")
    ran = run("create", "HOST/app:1", "HOST/app:x", "HOST/app:a", "HOST/none:1")
    assert (ran.code, ran.stdout) == (3, "")
    assert "error: 2 sources failed\n  HOST/app:x: cannot pull HOST/app:x, it is not there" in ran.stderr
    assert "\n  HOST/none:1: cannot pull HOST/none:1, it is not there" in ran.stderr
    assert not drafts.exists()


def test_what_is_denied_is_told(program: Program, drafts: Path) -> None:
    with serving(middlewares=[basic({"me": "hunter2"})]) as guarded:
        seeds.put_image(guarded, "app:a", "linux/amd64")
        run = Session(guarded, program)
        for command in (("create", "HOST/app:1", "HOST/app:a"), ("inspect", "HOST/app:a")):
            ran = run(*command)
            assert (ran.code, ran.stdout) == (4, "")
        assert not drafts.exists()
        account = ["-u", "me", "-p", "hunter2"]
        assert program(*account, "manifest", "create", f"{run.host}/app:1", f"{run.host}/app:a").code == 0
        assert run("push", "HOST/app:1").code == 4
        assert program(*account, "manifest", "push", "-p", f"{run.host}/app:1").code == 0
    assert Store(drafts).targets() == []


def test_a_damaged_manifest_is_told(run: Session, drafts: Path) -> None:
    run.registry.put_manifest("app", b"[]", types.OCI_MANIFEST, "a")
    for command in (("create", "HOST/app:1", "HOST/app:a"), ("inspect", "HOST/app:a")):
        ran = run(*command)
        assert (ran.code, ran.stdout) == (5, "")
        assert "it is not a JSON object" in ran.stderr
    assert not drafts.exists()


def test_what_was_damaged_after_it_was_listed_is_not_published(run: Session) -> None:
    run.image("app:a", "linux/amd64")
    run("create", "HOST/app:1", "HOST/app:a")
    run.registry.faults.add(Body(b"{}"), path="/manifests/sha256:")
    for command in ("push", "inspect"):
        ran = run(command, "HOST/app:1")
        assert (ran.code, ran.stdout) == (5, "")
        assert "hint: the registry, or something on the way to it, changed the content" in ran.stderr
    assert set(run.registry.tags("app")) == {"a"}


def test_an_index_of_one_image_is_that_image(run: Session) -> None:
    index = images.attested_index(seeds.build("linux/arm64", media="oci"))
    digest = seeds.put(run.registry, "app", "arm64", index)
    run.image("app:amd64", "linux/amd64", media="oci")
    assert run("create", "HOST/app:1", "HOST/app:arm64", "HOST/app:amd64").code == 0
    assert f"app:arm64@{digest}\n    platform: {{os: linux, architecture: arm64}}\n" in run.draft()
    shown = json.loads(run("inspect", "-v", "HOST/app:1", "HOST/app:arm64").stdout)
    assert shown["Descriptor"]["digest"] == str(index.images[0].digest)
    assert run("push", "HOST/app:1").code == 0
    image, other, attestation = run.index()
    assert (image["platform"]["architecture"], other["platform"]["architecture"]) == ("arm64", "amd64")
    assert attestation["annotations"]["vnd.docker.reference.digest"] == image["digest"] == str(index.images[0].digest)


def test_an_index_of_many_images_is_one_entry(run: Session) -> None:
    platforms = ["linux/amd64", "linux/arm64", "linux/s390x"]
    seeds.put(run.registry, "base", "1", images.index([seeds.build(platform) for platform in platforms]))
    run("create", "HOST/app:1", "HOST/base:1")
    assert "platform:" not in run.draft()
    assert len(json.loads(run("inspect", "HOST/app:1", "HOST/base:1").stdout)["manifests"]) == 3
    run("annotate", "HOST/app:1", "HOST/base:1", "--os", "linux", "--arch", "s390x")
    run("push", "HOST/app:1")
    assert [entry["platform"]["architecture"] for entry in run.index()] == ["s390x"]


def test_an_index_of_500(run: Session) -> None:
    child = seeds.build("linux/amd64")
    seeds.put(run.registry, "big", "", child)
    versions = [f"10.0.{number}" for number in range(500)]
    entries = [
        {**child.descriptor, "platform": {"os": "windows", "architecture": "amd64", "os.version": version}}
        for version in versions
    ]
    run.registry.put_manifest("big", *seeds.index_of(entries), "1")
    assert run("create", "HOST/app:1", "HOST/big:1").code == 0
    for arguments in (["HOST/big:1"], ["HOST/app:1"]):
        listed = json.loads(run("inspect", *arguments).stdout)["manifests"]
        assert [entry["platform"]["os.version"] for entry in listed] == versions
    assert run("push", "HOST/app:1").code == 0
    assert len(run.index()) == 500


def test_annotating(run: Session) -> None:
    run.image("app:a", "linux/amd64")
    run("create", "HOST/app:1", "HOST/app:a")
    options = ["--os", "windows", "--arch", "arm64", "--variant", "v8", "--os-version", "10.0", "--os-features", "a,b"]
    ran = run("annotate", "HOST/app:1", "HOST/app:a", *options)
    assert (ran.code, ran.stdout, ran.stderr) == (0, "", "")
    assert run("annotate", "HOST/app:1", "HOST/app:a", "--os-features", "b", "--os-features=c").code == 0
    run("push", "HOST/app:1")
    assert run.index()[0]["platform"] == {
        "architecture": "arm64",
        "os": "windows",
        "os.version": "10.0",
        "os.features": ["b", "c"],
        "variant": "v8",
    }
    for option in ("--os-features=", "--os-version=", "--variant="):
        assert run("annotate", "HOST/app:1", "HOST/app:a", option).code == 0
    run("push", "HOST/app:1")
    assert run.index()[0]["platform"] == {"architecture": "arm64", "os": "windows"}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("HOST/app:1", "HOST/app:b", "--arch=arm"), 1, "manifest for image HOST/app:b does not exist in HOST/app:1"),
        (("HOST/app:2", "HOST/app:a", "--arch=arm"), 1, "manifest for image HOST/app:a does not exist in HOST/app:2"),
        (("HOST/app:1", "HOST/app:a", "--arch=foo"), 2, "unknown architecture 'foo'"),
        (("HOST/app:1", "HOST/app:a", "--os="), 2, "needs an os and an architecture"),
        (("HOST/app:1", "HOST/app:A B"), 2, "invalid reference"),
    ],
)
def test_what_cannot_be_annotated(run: Session, arguments: tuple[str, ...], code: int, message: str) -> None:
    run.image("app:a", "linux/amd64")
    run("create", "HOST/app:1", "HOST/app:a")
    before = run.draft()
    ran = run("annotate", *arguments)
    assert (ran.code, ran.stdout) == (code, "")
    assert message in ran.stderr
    assert run.draft() == before
    assert run("ls").stdout == "HOST/app:1\n"


def test_what_was_edited_by_hand_stays(run: Session, drafts: Path) -> None:
    run.image("app:a", "linux/amd64")
    run("create", "HOST/app:1", "HOST/app:a")
    path = Store(drafts).path(Reference.parse(f"{run.host}/app:1"))
    path.write_text(
        path.read_text().replace("manifests:\n", "tags: [1.10, latest] # also\nx-mine: 0x1F\nmanifests:\n  # the one\n")
    )
    before = run.draft()
    run("annotate", "HOST/app:1", "HOST/app:a", "--variant=v2")
    assert run.draft() == before.replace("architecture: amd64}", "architecture: amd64, variant: v2}")
    run("push", "HOST/app:1")
    assert set(run.registry.tags("app")) == {"1", "1.10", "a", "latest"}


def test_a_draft_that_was_damaged_by_hand_is_told_with_its_place(run: Session, drafts: Path) -> None:
    run.image("app:a", "linux/amd64")
    run("create", "HOST/app:1", "HOST/app:a")
    path = Store(drafts).path(Reference.parse(f"{run.host}/app:1"))
    path.write_text(path.read_text().replace("amd64", "amr64"))
    for command in (
        ("push", "HOST/app:1"),
        ("create", "--amend", "HOST/app:1", "HOST/app:a"),
        ("inspect", "HOST/app:1"),
    ):
        ran = run(*command)
        assert (ran.code, ran.stdout) == (2, "")
        assert "app/:1.yaml:4:" in ran.stderr
    assert run("rm", "HOST/app:1").code == 0


def test_push_tells_what_it_pushed_and_the_digest_last(run: Session) -> None:
    here, there = run.image("app:a", "linux/amd64"), run.image("other:a", "linux/arm64")
    run("create", "HOST/app:1", "HOST/app:a", "HOST/other:a")
    ran = run("push", "HOST/app:1")
    digest = run.registry.tags("app")["1"]
    assert (ran.code, ran.stdout) == (0, f"Pushed ref HOST/app@{there} with digest: {there}\n{digest}\n")
    again = run("push", "HOST/app:1")
    assert (again.code, again.stdout) == (0, f"{digest}\n")
    assert [entry["digest"] for entry in run.index()] == [here, there]


def test_purge_removes_the_draft_once_it_is_pushed(run: Session) -> None:
    run.image("app:a", "linux/amd64")
    run("create", "HOST/app:1", "HOST/app:a")
    tags = run.registry.tags("app")
    stored = run.registry.store.manifest("app", tags["a"])
    assert stored
    run.registry.store.delete_manifest("app", tags["a"])
    assert run("push", "-p", "HOST/app:1").code == 3
    assert run("ls").stdout == "HOST/app:1\n"
    run.registry.put_manifest("app", stored.raw, stored.media_type)
    assert run("push", "-p", "HOST/app:1").code == 0
    assert run("ls").stdout == ""
    ran = run("push", "--purge", "HOST/app:1")
    assert (ran.code, ran.stdout) == (1, "")
    assert ran.stderr.startswith("error: No such manifest: HOST/app:1\n")


def test_a_draft_that_was_changed_meanwhile_is_not_purged(run: Session, drafts: Path) -> None:
    run.image("app:a", "linux/amd64")
    run("create", "HOST/app:1", "HOST/app:a")
    path = Store(drafts).path(Reference.parse(f"{run.host}/app:1"))

    async def meddle(request: web.Request, handler: Handler) -> web.StreamResponse:
        path.write_text(path.read_text() + "# more\n")
        return await handler(request)

    run.registry.faults.add(meddle, method="PUT", path="/manifests/1$")
    ran = run("push", "--purge", "HOST/app:1")
    assert (ran.code, ran.stdout) == (0, f"{run.registry.tags('app')['1']}\n")
    assert "warning: the draft of HOST/app:1 was changed meanwhile, and is left as it is\n" in ran.stderr
    assert run.draft().endswith("# more\n")


@pytest.mark.parametrize(
    ("media", "options", "expected"),
    [
        (("docker", "docker"), (), types.DOCKER_LIST),
        (("oci", "docker"), (), types.DOCKER_LIST),
        (("oci", "oci"), (), types.OCI_INDEX),
        (("oci", "oci"), ("--type", "docker"), types.DOCKER_LIST),
        (("docker", "docker"), ("--type", "oci"), types.OCI_INDEX),
    ],
)
def test_what_is_published(
    run: Session, media: tuple[images.Media, images.Media], options: tuple[str, ...], expected: str
) -> None:
    for name, platform, one in zip("ab", ("linux/amd64", "linux/arm64"), media, strict=True):
        run.image(f"app:{name}", platform, media=one)
    run("create", "HOST/app:1", "HOST/app:a", "HOST/app:b")
    assert run("push", "HOST/app:1", *options).code == 0
    found = run.registry.manifest("app", "1")
    assert found
    assert found[0] == expected


@pytest.mark.parametrize(("media", "kind"), [("docker", "docker"), ("oci", "oci")])
def test_what_is_exported_is_published_to_the_same_digest(run: Session, media: images.Media, kind: str) -> None:
    for name, platform in (("a", "linux/amd64"), ("b", "linux/arm64/v8"), ("w", "windows(10.0+win32k)/amd64")):
        run.image(f"app:{name}", platform, media=media)
    run("create", "HOST/app:1", "HOST/app:w", "HOST/app:b", "HOST/app:a")
    run("annotate", "HOST/app:1", "HOST/app:b", "--variant=")
    run("annotate", "HOST/app:1", "HOST/app:w", "--os-features=")
    digest = run("push", "HOST/app:1").stdout.splitlines()[-1]
    spec = run.draft().replace("HOST/app:1\n", "HOST/again:1\n").replace("HOST", run.host)
    ran = harness.program(["push", "from-spec", "--type", kind, "-"], stdin=spec)
    assert (ran.code, ran.stdout.split()[1]) == (0, digest)


def test_inspecting_an_image(run: Session) -> None:
    image = seeds.build("linux/arm64/v8")
    seeds.put(run.registry, "app", "a", image)
    run("create", "HOST/app:1", "HOST/app:a")
    run("annotate", "HOST/app:1", "HOST/app:a", "--variant=v9")
    document = json.loads(image.manifest)
    for arguments, variant in ((["HOST/app:a"], "v8"), (["HOST/app:1", "HOST/app:a"], "v9")):
        plain, whole = run("inspect", *arguments), run("inspect", "--verbose", *arguments)
        assert plain.stdout == json.dumps(document, indent="\t") + "\n"
        assert json.loads(whole.stdout) == {
            "Ref": "HOST/app:a",
            "Descriptor": {
                "mediaType": image.media_type,
                "digest": str(image.digest),
                "size": len(image.manifest),
                "platform": {"architecture": "arm64", "os": "linux", "variant": variant},
            },
            "Raw": base64.b64encode(image.manifest).decode(),
            "SchemaV2Manifest": document,
        }


def test_a_draft_comes_before_what_is_published(run: Session) -> None:
    run.image("app:1", "linux/amd64")
    a = run.image("app:a", "linux/arm64")
    assert "layers" in run("inspect", "HOST/app:1").stdout
    run("create", "HOST/app:1", "HOST/app:a", "HOST/app:1")
    assert json.loads(run("inspect", "HOST/app:1").stdout)["manifests"][0]["digest"] == a
    assert [entry["Ref"] for entry in json.loads(run("inspect", "-v", "HOST/app:1").stdout)] == [
        "HOST/app:a",
        "HOST/app:1",
    ]


def test_a_draft_of_equal_platforms_can_be_looked_at(run: Session) -> None:
    for name in "ab":
        run.image(f"app:{name}", "linux/amd64")
    run("create", "HOST/app:1", "HOST/app:a", "HOST/app:b")
    assert len(json.loads(run("inspect", "HOST/app:1").stdout)["manifests"]) == 2
    ran = run("push", "HOST/app:1")
    assert ran.code == 2
    assert "HOST/app:a" in ran.stderr


def test_what_is_odd_in_an_index(run: Session) -> None:
    image = seeds.build("linux/amd64")
    seeds.put(run.registry, "app", "", image)
    nested = seeds.index_of([])
    run.registry.put_manifest("app", *nested)
    entries = [
        seeds.descriptor(image.manifest, image.media_type),
        seeds.descriptor(*nested),
        seeds.descriptor(b"odd", "text/x-odd"),
    ]
    run.registry.put_manifest("app", *seeds.index_of(entries), "1")
    listed = json.loads(run("inspect", "HOST/app:1").stdout)["manifests"]
    assert [entry["platform"] for entry in listed] == [{"architecture": "", "os": ""}] * 3
    whole = json.loads(run("inspect", "-v", "HOST/app:1").stdout)
    assert [sorted(entry) for entry in whole] == [
        ["Descriptor", "Raw", "Ref", "SchemaV2Manifest"],
        ["Descriptor", "Raw", "Ref"],
        ["Descriptor", "Ref"],
    ]
    assert whole[0]["Ref"] == f"HOST/app:1@{image.digest}"


def test_inspecting_what_is_not_there(run: Session) -> None:
    assert run("inspect", "HOST/app:1").code == 3
    ran = run("inspect", "HOST/app:1", "HOST/app:a")
    assert (ran.code, ran.stdout) == (1, "")
    assert "No such manifest: HOST/app:1" in ran.stderr
    run.image("app:a", "linux/amd64")
    run("create", "HOST/app:1", "HOST/app:a")
    assert (
        "manifest for image HOST/app:b does not exist in HOST/app:1"
        in run("inspect", "HOST/app:1", "HOST/app:b").stderr
    )
    ran = run("inspect", "HOST/app:1", "HOST/app:a", "HOST/app:b")
    assert (ran.code, ran.stdout) == (2, "")


def test_nothing_reaches_the_terminal(run: Session) -> None:
    config = json.dumps({"os": "windows", "architecture": "amd64", "os.version": ESCAPE}).encode()
    run.registry.put_blob("app", config)
    document = {
        "schemaVersion": 2,
        "mediaType": types.OCI_MANIFEST,
        "config": seeds.descriptor(config, types.OCI_CONFIG),
        "layers": [],
        "annotations": {ESCAPE: ESCAPE},
    }
    raw = json.dumps(document, ensure_ascii=False).replace("\x1b", "\\u001b").replace("\x07", "\\u0007").encode()
    run.registry.put_manifest("app", raw, types.OCI_MANIFEST, "a")
    entry = seeds.descriptor(raw, types.OCI_MANIFEST, platform={"os": ESCAPE, "architecture": ESCAPE})
    run.registry.put_manifest("app", *seeds.index_of([entry]), "index")
    assert run("create", "HOST/app:1", "HOST/app:a").code == 0
    for command in (
        ("inspect", "HOST/app:a"),
        ("inspect", "-v", "HOST/app:a"),
        ("inspect", "HOST/app:index"),
        ("inspect", "-v", "HOST/app:index"),
        ("inspect", "-v", "HOST/app:1"),
        ("export", "HOST/app:1"),
    ):
        ran = run(*command)
        assert ran.code == 0
        assert all(character in "\n\t" or character.isprintable() for character in ran.stdout), command
    assert json.loads(run("inspect", "HOST/app:a").stdout) == document
    assert json.loads(run("inspect", "-v", "HOST/app:index").stdout)[0]["OCIManifest"] == document
    assert "platform:" not in run.draft()


def test_the_manifest_is_shown_as_it_was_written(run: Session) -> None:
    raw = b'{ "schemaVersion":2,"layers":[ ],"config":{},"x":[1.0,1e3,"a<b\\u003c\\"}"],"mediaType":"%b" }\n' % (
        types.OCI_MANIFEST.encode()
    )
    raw = raw.replace(b'"config":{},', b"")
    run.registry.put_manifest("app", raw, types.OCI_MANIFEST, "a")
    assert run("inspect", "HOST/app:a").stdout == (
        '{\n\t"schemaVersion": 2,\n\t"layers": [],\n\t"x": [\n\t\t1.0,\n\t\t1e3,\n\t\t"a<b\\u003c\\"}"\n\t],\n'
        f'\t"mediaType": "{types.OCI_MANIFEST}"\n}}\n\n'
    )
    whole = run("inspect", "-v", "HOST/app:a").stdout
    assert '\t\t\t1e3,\n\t\t\t"a\\u003cb\\u003c\\"}"\n' in whole


def test_rm_removes_what_is_there_and_tells_what_is_not(run: Session) -> None:
    run.image("app:a", "linux/amd64")
    for tag in ("1", "2", "3"):
        run("create", f"HOST/app:{tag}", "HOST/app:a")
    ran = run("rm", "HOST/app:x", "HOST/app:1", "HOST/app:y", "HOST/app:3")
    assert (ran.code, ran.stdout) == (1, "")
    assert ran.stderr.startswith("error: No such manifest: HOST/app:x\nNo such manifest: HOST/app:y\n")
    assert run("ls").stdout == "HOST/app:2\n"
    ran = run("rm", "HOST/app:2")
    assert (ran.code, ran.stdout, ran.stderr) == (0, "", "")


def test_ls_names_the_lists_in_order(run: Session) -> None:
    run.image("app:a", "linux/amd64")
    names = ["HOST/b/c:2", "HOST/b/c:10", "HOST/a_b:v2", "HOST/a/b:v2"]
    for name in names:
        run("create", name, "HOST/app:a")
    assert run("ls").stdout.splitlines() == sorted(names)


def test_export_of_nothing(run: Session) -> None:
    ran = run("export", "HOST/app:1")
    assert (ran.code, ran.stdout) == (1, "")


def test_what_the_command_alone_does(program: Program) -> None:
    ran = program("manifest")
    assert (ran.code, ran.stdout) == (0, program("manifest", "--help").stdout)


FORKING = """
import os, sys
from manifest_tool import pipeline
from manifest_tool.cli import app, progress
from manifest_tool.drafts import draft, images, store

children = []
for name in sys.argv[2:]:
    child = os.fork()
    if not child:
        os._exit(app.run(["manifest", "create", "--amend", sys.argv[1], name]))
    children.append(child)
sys.exit(any(os.waitpid(child, 0)[1] for child in children))
"""


def test_fifty_at_once_lose_nothing(run: Session) -> None:
    """Each is a process of its own; what they import is imported once, before they part."""
    names = [f"HOST/app:{number}" for number in range(100, 150)]
    for name in names:
        run.image(name.removeprefix("HOST/"), "linux/amd64")
    words = [name.replace("HOST", run.host) for name in ("HOST/app:1", *names)]
    done = subprocess.run([sys.executable, "-c", FORKING, *words], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, f"Created manifest list {run.host}/app:1\n" * 50), done.stderr
    assert sorted(re.findall(r"image: (HOST/app:\d+)@sha256:", run.draft())) == names


WAITING = """
import os, signal, sys
from manifest_tool.cli import app

def stay(_):
    print("writing", flush=True)
    signal.pause()

os.fsync = stay
app.run(sys.argv[1:])
"""


@pytest.fixture
def writing(run: Session) -> Iterator[subprocess.Popen[str]]:
    """A process that adds another image to a draft, and stops before what it wrote is in its place."""
    for name in "ab":
        run.image(f"app:{name}", "linux/amd64")
    run("create", "HOST/app:1", "HOST/app:a")
    words = ["manifest", "create", "--amend", f"{run.host}/app:1", f"{run.host}/app:b"]
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_who_is_killed_leaves_the_old_draft_and_no_lock(run: Session, writing: subprocess.Popen[str]) -> None:
    before = run.draft()
    assert writing.stdout
    assert writing.stdout.readline() == "writing\n"
    writing.kill()
    writing.wait()
    assert run.draft() == before
    assert run("ls").stdout == "HOST/app:1\n"
    assert run("create", "--amend", "HOST/app:1", "HOST/app:b").code == 0
    assert run.draft().count("- image:") == 2
