"""Specs as they stand in public repositories: read as their authors meant them, or refused with a reason."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from manifest_tool.errors import SpecError
from manifest_tool.events import Noticed
from manifest_tool.spec import load, schema, yaml
from tests.spec.parts import one

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
INDEX: list[dict[str, Any]] = json.loads((CORPUS / "index.json").read_text()) if CORPUS.is_dir() else []
RENDERED = [item for item in INDEX if item["kind"] in {"spec", "synthetic", "template"}]
REFUSED = {  # of the raw files: where, and what the message must say
    "02-annotations-trailing-spaces.yaml": ("1:8", "__REGISTRY__ looks like a placeholder that was never filled in"),
    "06-nonstandard-variant-armv7hf.yaml": ("12:16", "unknown variant of arm 'armv7hf' (did you mean v7?)"),
    "11-arm-v8-for-arm64-image-s390x.yaml": ("1:8", "$FULLVERSION looks like a placeholder"),
    "17-invalid-double-tag.yaml": ("3:12", "there are two tags, latest and amd64; a reference has one"),
    "23-envsubst-braces.yaml": ("1:8", "${FINAL_TAG} looks like a placeholder"),
    "25-same-image-two-os-int386.yaml": ("1:8", "__IMAGE_PREFIX__ looks like a placeholder"),
    "27-windows-unknown-key-version.yaml": ("1:8", "$3 looks like a placeholder"),
    "29-heredoc-indented-int386.yaml": ("1:14", "${CONTAINER_TAG} looks like a placeholder"),
    "37-local-transport-prefix.yaml": ("4:12", "dir: is another tool's transport, and only an image in a registry"),
    "38-blank-lines-between-sections.yaml": ("1:22", "{{#if build.tag}} looks like a template that was never rendered"),
    "39-drone-canonical-windows-version.yaml": ("1:17", "{{#if build.tag}} looks like a template"),
    "41-drone-old-trimprefix-order-int386.yaml": ("1:22", "{{#if build.tag}} looks like a template"),
    "42-drone-variant-before-os.yaml": ("1:20", "{{#if build.tag}} looks like a template"),
    "43-drone-plain-buildtag.yaml": ("1:8", "{{build.tag}} looks like a placeholder"),
    "45-drone-latest-or-develop.yaml": ("1:8", "{{#if build.tag}} looks like a placeholder"),
    "48-single-brace-slip.yaml": ("2:1", "{{#if build.tags}} looks like a template"),
    "49-repo-owner-and-slice.yaml": ("1:8", "{{ repo.owner }} looks like a template"),
    "51-whole-reference-from-env.yaml": ("4:12", "{{TROW_ARMV7_IMAGE}} looks like a template"),
}

pytestmark = pytest.mark.skipif(not INDEX, reason=f"no corpus at {CORPUS}")


def name_of(item: dict[str, Any]) -> str:
    return str(item["file"])


def rendered(item: dict[str, Any]) -> bytes:
    text: str = (CORPUS / item["file"]).read_bytes().decode()
    for placeholder, value in (item["substitutions"] or {}).items():
        text = text.replace(placeholder, value)
    return text.encode()


@pytest.mark.parametrize("item", RENDERED, ids=name_of)
def test_it_reads_as_the_original_reads_it(item: dict[str, Any]) -> None:
    (document,) = yaml.read(rendered(item), item["file"])
    data, expected = document.data, item["expected"]
    assert isinstance(data, dict)
    known = set(schema.load()["properties"])
    assert [key for key in data if key not in known] == expected["unknown_top_level"]
    assert data["image"] == expected["image"]
    assert data.get("tags", []) == expected["tags"]
    assert data.get("annotations", {}) == expected["annotations"]
    entries = data["manifests"]
    assert isinstance(entries, list)
    assert entries == expected["manifests"]


@pytest.mark.parametrize("item", [item for item in RENDERED if "unknown-variant" not in item["lint"]], ids=name_of)
def test_it_becomes_a_spec(item: dict[str, Any]) -> None:
    seen: list[Any] = []
    spec = one(load.parse(rendered(item), item["file"], observe=seen.append))
    assert len(spec.entries) == len(item["expected"]["manifests"])
    assert [entry.number for entry in spec.entries] == list(range(1, len(spec.entries) + 1))
    assert list(spec.tags[-len(item["expected"]["tags"]) :]) == item["expected"]["tags"] or not item["expected"]["tags"]
    messages = [event.message for event in seen if isinstance(event, Noticed)]
    strange = "unknown-key" in item["lint"] or "features-not-in-oci" in item["lint"]
    assert any("unknown key" in message for message in messages) == (strange and item["kind"] != "synthetic")
    assert all(message.startswith(f"{item['file']}:") for message in messages)


@pytest.mark.parametrize("item", INDEX, ids=name_of)
def test_raw_it_is_read_or_refused_with_reason(item: dict[str, Any]) -> None:
    path = CORPUS / item["file"]
    if item["file"] not in REFUSED:
        assert item["kind"] in {"spec", "synthetic"} or item["file"] == "22-sed-TAGNAME.yaml"
        assert one(load.load(str(path))).entries
        return
    place, message = REFUSED[item["file"]]
    with pytest.raises(SpecError) as caught:
        one(load.load(str(path)))
    assert caught.value.problems[0].where == f"{path}:{place}"
    assert message in str(caught.value.problems[0])


def test_a_placeholder_that_the_rendering_missed() -> None:
    text = (CORPUS / "48-single-brace-slip.yaml").read_text()
    lines = [line for line in text.splitlines() if not re.search(r"\{\{|^tags:", line)]
    with pytest.raises(SpecError, match=r"48\.yaml:4:12: manifests\[0\]\.image: .*\{build\.tag\} looks like a placeh"):
        one(load.parse("\n".join(lines).encode(), "48.yaml"))
