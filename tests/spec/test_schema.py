"""The schema stands by itself: for editors on the raw file, and for us on its text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from manifest_tool.spec import schema, yaml

ENTRY = {"image": "acme/app:1-amd64"}


def properties(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for group in ("properties", "$defs", "patternProperties"):
            yield from node.get(group, {}).items()
        for key, value in node.items():
            if key not in {"examples", "required"}:
                yield from properties(value)
    elif isinstance(node, list):
        for item in node:
            yield from properties(item)


def spec(**changes: Any) -> dict[str, Any]:
    return {"image": "acme/app:1", "manifests": [ENTRY], **changes}


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema.load())
    assert schema.load()["$id"] == "urn:manifest-tool:spec"


def test_every_property_tells_what_it_is() -> None:
    found = dict(properties(schema.load()))
    assert {"image", "tags", "manifests", "platform", "os.version", "osfeatures", "annotations"} <= set(found)
    assert all(value.get("description") for value in found.values())


def test_every_example_is_valid() -> None:
    for key, value in properties(schema.load()):
        for example in value.get("examples", []):
            resolved = {"$defs": schema.load()["$defs"], **value}
            assert Draft202012Validator(resolved).is_valid(example), (key, example)
    assert all(Draft202012Validator(schema.load()).is_valid(example) for example in schema.load()["examples"])


@pytest.mark.parametrize(
    "data",
    [
        spec(),
        spec(tags=[1.10, 1, True, "latest"]),
        spec(tags=None, annotations=None),
        spec(annotations={"a": 1, "b": None, "c": "d"}),
        spec(**{"x-anything": [1], "unknown": 2}),
        spec(manifests=[{**ENTRY, "platform": {"architecture": 386, "os": "linux"}}]),
        spec(manifests=[{**ENTRY, "platform": "linux/arm64/v8", "x-note": 1}]),
        spec(manifests=[{**ENTRY, "platform": None}]),
        spec(manifests=[{**ENTRY, "platform": {"os.version": 10.0, "os.features": ["a"], "osversion": None}}]),
    ],
)
def test_what_an_editor_accepts(data: Any) -> None:
    assert Draft202012Validator(schema.load()).is_valid(data)


@pytest.mark.parametrize(
    "data",
    [
        {},
        [],
        {"image": "a"},
        {"manifests": [ENTRY]},
        spec(manifests=[]),
        spec(manifests=None),
        spec(manifests=ENTRY),
        spec(manifests=["a"]),
        spec(manifests=[{}]),
        spec(image=None),
        spec(image=["a"]),
        spec(image={"{NAME}": None}),
        spec(tags="latest"),
        spec(tags=[["a"]]),
        spec(annotations=["a=b"]),
        spec(annotations={"a": ["b"]}),
        spec(manifests=[{**ENTRY, "platform": ["linux"]}]),
        spec(manifests=[{**ENTRY, "platform": {"os": ["linux"]}}]),
        spec(manifests=[{**ENTRY, "platform": {"os.features": "win32k"}}]),
    ],
)
def test_what_an_editor_marks(data: Any) -> None:
    assert not Draft202012Validator(schema.load()).is_valid(data)


def test_features_of_the_cpu_are_not_taken_for_those_of_the_os() -> None:
    (document,) = yaml.read(b"image: a\nmanifests: [{image: b, platform: {features: [sse4]}}]", "s.yaml")
    assert schema.unknown_keys(document) == [(("manifests", 0, "platform", "features"), "unknown key 'features'", "")]
