"""The schema: which shape a spec has; the only place with jsonschema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from manifest_tool.spec.document import Data, Document, Path, shown

if TYPE_CHECKING:
    from jsonschema import ValidationError

_FREE = "x-"
_RESERVED = frozenset({"features"})
"""Features of the CPU: a key of Docker's lists, reserved in the image-spec; no other key means the same."""
_MAX_FINDINGS = 50
_NOUNS = {"object": "a map", "array": "a list", "string": "text"}
_HINTS: Mapping[str | int, str] = {
    "manifests": "an entry is a map: - image: acme/app:1.0-arm64",
    "tags": "write a list: tags: [1.0, latest]",
    "os.features": "write a list: [win32k]",
    "osfeatures": "write a list: [win32k]",
    "annotations": "write each as key: value",
}

Finding = tuple[Path, str, str]
"""Where, what was found and expected, and a hint."""


@cache
def load() -> dict[str, Any]:
    """The schema as data."""
    text = (files("manifest_tool.schemas") / "spec.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(load())


def check(document: Document) -> list[Finding]:
    """Where the document has not the shape of a spec; at most so many findings as a person reads."""
    errors = islice(_validator().iter_errors(document.data), _MAX_FINDINGS)
    # Of several missing keys, jsonschema makes one error each that does not name its key.
    return list(dict.fromkeys(finding for error in errors for finding in _findings(error, document)))


def unknown_keys(document: Document) -> list[Finding]:
    """The keys that mean nothing here, with the nearest that does; at most so many as a person reads."""
    return list(islice(_unknown(document.data, load(), ()), _MAX_FINDINGS))


def _unknown(data: Data, schema: Mapping[str, Any], path: Path) -> Iterator[Finding]:
    if isinstance(data, list):
        for number, item in enumerate(data):
            yield from _unknown(item, schema.get("items", {}), (*path, number))
    elif isinstance(data, dict) and (known := schema.get("properties")):
        for key, value in data.items():
            if key in known:
                yield from _unknown(value, known[key], (*path, key))
            elif not key.startswith(_FREE):
                near = _nearest(key, known)
                yield (*path, key), f"unknown key {shown(key)}", f"did you mean {near}?" if near else ""


def _nearest(key: str, known: Mapping[str, Any]) -> str:
    if key in _RESERVED:
        return ""
    near = get_close_matches(key[:40].lower(), list(known), 1)
    return near[0] if near else ""


def _findings(error: ValidationError, document: Document) -> Iterator[Finding]:
    path = tuple(error.absolute_path)
    found: Any = error.instance
    expected: Any = error.validator_value
    match error.validator:
        case "required":
            for key in (key for key in expected if key not in found):
                yield path, f"{key}: is missing", _misspelt(key, error, document)
        case "minItems":
            yield path, "the list is empty", "an index needs at least one entry"
        case "maxLength":
            yield path, f"{shown(found)} is longer than {expected} characters", ""
        case _:
            yield path, f"expected {_expected(expected)}, found {_kind(found)}", _hint(path, found)


def _misspelt(missing: str, error: ValidationError, document: Document) -> str:
    schema: Any = error.schema
    found: Any = error.instance
    known = schema["properties"]
    for key in islice(found, _MAX_FINDINGS):
        if key not in known and _nearest(key, known) == missing:
            return f"did you mean {missing} by {shown(key)} at {document.where_key((*error.absolute_path, key))}?"
    return ""


def _expected(types: str | list[str]) -> str:
    nouns = [_NOUNS[name] for name in ([types] if isinstance(types, str) else types) if name in _NOUNS]
    return " or ".join(nouns)


def _kind(found: Data) -> str:
    match found:
        case None:
            return "nothing"
        case str():
            return f"the text {shown(found)}"
        case list():
            return "a list"
        case _:
            return "a map"


def _hint(path: Path, found: Data) -> str:
    if path and isinstance(path[-1], int):
        path = path[:-1] if path[-2] == "manifests" else ()
    elif isinstance(found, dict) and path[-1:] == ("image",):
        return "put a value with braces or a colon in quotes"
    return _HINTS.get(path[-1], "") if path else ""
