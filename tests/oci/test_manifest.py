"""Manifests and indexes, from whatever bytes travel."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.manifest import Manifest
from tests.oci.strategies import JSON

CONFIG = {"mediaType": types.OCI_CONFIG, "digest": str(Digest.of(b"config")), "size": 6}
LAYER = {"mediaType": types.OCI_LAYER, "digest": str(Digest.of(b"layer")), "size": 5}
FOREIGN = {"mediaType": types.DOCKER_FOREIGN_LAYER, "digest": str(Digest.of(b"foreign")), "size": 7}
IMAGE: dict[str, Any] = {"schemaVersion": 2, "mediaType": types.OCI_MANIFEST, "config": CONFIG, "layers": [LAYER]}
INDEX: dict[str, Any] = {"schemaVersion": 2, "mediaType": types.OCI_INDEX, "manifests": [CONFIG]}
FIELDS = ("schemaVersion", "mediaType", "config", "layers", "manifests", "annotations", "subject")
MEDIA_TYPES = st.sampled_from([*types.INDEXES, *types.MANIFESTS, types.DOCKER_SCHEMA1, "", "text/html; charset=utf-8"])


def parse(document: object, content_type: str = "") -> Manifest:
    return Manifest.parse(json.dumps(document).encode(), content_type)


@given(st.binary() | JSON.map(json.dumps).map(str.encode), MEDIA_TYPES | st.text())
def test_any_bytes_are_a_manifest_or_a_value_error(raw: bytes, content_type: str) -> None:
    with contextlib.suppress(ValueError):
        Manifest.parse(raw, content_type)


@given(st.sampled_from([IMAGE, INDEX]), st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=2), MEDIA_TYPES)
def test_fields_of_any_json(document: dict[str, Any], changes: dict[str, object], content_type: str) -> None:
    with contextlib.suppress(ValueError):
        found = parse({**document, **changes}, content_type)
        assert found.blobs is not None
        assert found.is_index == (found.media_type in types.INDEXES)


def test_a_manifest_is_its_bytes() -> None:
    raw = json.dumps(IMAGE, indent=7).encode()
    found = Manifest.parse(raw)
    assert (found.raw, found.digest, found.size) == (raw, Digest.of(raw), len(raw))
    assert found.descriptor.digest == found.digest


def test_foreign_layers_are_left_out_and_blobs_come_once() -> None:
    found = parse({**IMAGE, "layers": [LAYER, FOREIGN, LAYER]})
    assert [str(blob.digest) for blob in found.blobs] == [CONFIG["digest"], LAYER["digest"]]


@pytest.mark.parametrize("content_type", ["", "application/json", "text/plain; charset=utf-8"])
def test_the_structure_tells_the_type_where_nothing_else_does(content_type: str) -> None:
    image = {key: value for key, value in IMAGE.items() if key != "mediaType"}
    index = {key: value for key, value in INDEX.items() if key != "mediaType"}
    assert parse(image, content_type).media_type == types.OCI_MANIFEST
    assert parse(index, content_type).media_type == types.OCI_INDEX


@pytest.mark.parametrize(
    ("document", "content_type", "reason"),
    [
        ({**INDEX, "layers": []}, "", "both manifests and layers"),
        ({**IMAGE, "manifests": []}, "", "calls itself an image and has manifests"),
        ({**IMAGE, "schemaVersion": 1}, "", "schema 1 manifest"),
        (IMAGE, types.DOCKER_MANIFEST, "but the registry sent it as"),
        ({**IMAGE, "mediaType": "a/b"}, "", "neither an image manifest's nor an index's"),
        ([], "", "not a JSON object"),
        ({}, "", "neither manifests nor a config with layers"),
        ({**IMAGE, "layers": {}}, "", "its layers are not a list"),
    ],
)
def test_reasons(document: object, content_type: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(document, content_type)


@pytest.mark.parametrize(
    ("raw", "reason"), [(b"<html>", "HTML or XML"), (b"{", "not JSON"), (b"[" * 10**6, "not JSON")]
)
def test_what_is_no_json(raw: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Manifest.parse(raw)
