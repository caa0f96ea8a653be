"""The example specs: each is valid as it stands, and each can be published."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from integration import samples
from integration.trial import HOST
from manifest_tool.cli import app
from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.spec import load
from manifest_tool.spec.model import Spec
from tests import harness
from tests.spec.parts import one

SPECS = sorted((Path(__file__).parents[1] / "specs").glob("*.yaml"))
MODELINE = "# yaml-language-server: $schema=../schemas/spec.schema.json"


@pytest.fixture(params=SPECS, ids=lambda path: str(path.stem))
def path(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


def read(path: Path) -> Spec:
    return one(load.load(str(path), strict=True))


def test_it_begins_with_what_it_is_for_and_its_schema(path: Path) -> None:
    purpose, modeline, first, *_ = path.read_text().splitlines()
    assert re.fullmatch(r"# [A-Z].*\.", purpose)
    assert modeline == MODELINE
    assert not first.startswith("#")


def test_the_schema_that_it_names_accepts_it(path: Path) -> None:
    schema = path.parent / MODELINE.partition("=")[2]
    Draft202012Validator(json.loads(schema.read_text())).validate(YAML(typ="safe", pure=True).load(path.read_text()))


def test_every_reference_is_at_the_host_that_is_replaced(path: Path) -> None:
    spec = read(path)
    references = [spec.reference, *(entry.reference for entry in spec.entries)]
    assert {reference.repository.registry.host for reference in references} == {HOST}


@pytest.mark.parametrize("kind", ["docker", "oci"])
def test_it_is_published(
    path: Path, kind: str, any_registry: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    if kind == "docker" and read(path).annotations:
        kind_is_told(path, capfd)
        return
    samples.seed(any_registry)
    copy = tmp_path / path.name
    copy.write_text(path.read_text().replace(HOST, any_registry))

    code = app.run(["push", "from-spec", str(copy), "--type", kind, "--strict"])

    stdout, stderr = capfd.readouterr()
    assert code == 0, stderr
    spec = read(copy)
    found = {tag: harness.get_manifest(any_registry, spec.repository.name, tag) for tag in spec.tags}
    published = found[spec.tags[0]]
    assert published
    assert set(found.values()) == {published}
    assert published[0] == {"docker": types.DOCKER_LIST, "oci": types.OCI_INDEX}[kind]
    assert stdout == f"Digest: {Digest.of(published[1])} {len(published[1])}\n"


def kind_is_told(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A Docker manifest list has no annotations, which is said before any request."""
    assert app.run(["push", "from-spec", str(path)]) == 2
    assert "pass --type oci" in capfd.readouterr().err
