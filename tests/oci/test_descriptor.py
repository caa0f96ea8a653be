"""Descriptors."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_tool.oci.descriptor import Descriptor
from manifest_tool.oci.digest import Digest
from tests.oci.strategies import JSON

DIGEST = Digest.of(b"")
MINIMAL = {"mediaType": "a/b", "digest": str(DIGEST), "size": 0}
FIELDS = ("mediaType", "digest", "size", "platform", "annotations", "urls", "data", "artifactType")


@given(JSON | st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_any_json_is_a_descriptor_or_a_value_error(value: object) -> None:
    with contextlib.suppress(ValueError):
        Descriptor.from_json(value)


@given(st.sampled_from(FIELDS), JSON)
def test_one_field_of_any_json(field: str, value: object) -> None:
    with contextlib.suppress(ValueError):
        Descriptor.from_json({**MINIMAL, field: value})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"size": -1}, "the size of a descriptor is '-1'"),
        ({"size": True}, "the size of a descriptor is 'True'"),
        ({"size": 2**63}, "the size of a descriptor"),
        ({"size": "1"}, "the size of a descriptor"),
        ({"digest": "sha256:0"}, "64 lower-case hexadecimal digits"),
        ({"digest": None}, "expected sha256:"),
        ({"mediaType": 1}, "mediaType of a descriptor is not a string"),
        ({"urls": 1}, "urls of a descriptor are not a list of strings"),
        ({"urls": "https://example.com"}, "urls of a descriptor are not a list of strings"),
        ({"annotations": {"a": 1}}, "annotations of a descriptor are not strings by name"),
    ],
)
def test_reasons(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Descriptor.from_json({**MINIMAL, **changes})


def test_an_attestation_says_what_it_is_about() -> None:
    annotations = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": str(DIGEST)}
    found = Descriptor.from_json({**MINIMAL, "annotations": annotations})
    assert found.is_attestation
    assert found.describes == str(DIGEST)
    assert not Descriptor.from_json(MINIMAL).is_attestation
