"""JSON as Docker prints it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from manifest_tool.cli import docker_json
from manifest_tool.drafts.view import View
from manifest_tool.oci import media_type as types
from manifest_tool.oci.descriptor import Descriptor
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.manifest import Manifest
from manifest_tool.oci.platform import Platform
from manifest_tool.oci.reference import Reference

TEXT = st.text(st.characters(blacklist_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT | st.sampled_from(['"', "\\", "{", "]", ":", ",", "\\u003c"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def view(raw: bytes, media_type: str = types.OCI_MANIFEST) -> View:
    manifest = Manifest(raw, Digest.of(raw), media_type)
    return View(Reference.parse("r.test/app:1"), manifest.descriptor, manifest)


@given(JSON, st.sampled_from([None, 0, 2, "\t"]))
def test_only_white_space_is_changed(document: Any, indent: int | str | None) -> None:
    raw = json.dumps(document, indent=indent, ensure_ascii=False)
    assert docker_json.image(view(raw.encode())) == json.dumps(document, indent="\t", ensure_ascii=False) + "\n"


@given(JSON)
def test_the_whole_of_an_image_holds_its_manifest(document: Any) -> None:
    shown = docker_json.verbose(view(json.dumps(document).encode()))
    assert json.loads(shown)["OCIManifest"] == document
    assert not set(shown) & set("<>&\u2028\u2029")


def test_a_list_says_of_itself_what_its_first_image_is() -> None:
    first = Descriptor(types.OCI_MANIFEST, Digest.of(b"1"), 1, Platform.parse("linux/amd64"), {"a": "b"})
    second = Descriptor(types.DOCKER_MANIFEST, Digest.of(b"2"), 2)
    views = [View(Reference.parse("r.test/app:1"), descriptor) for descriptor in (first, second)]
    shown = json.loads(docker_json.listing(views))
    assert shown["mediaType"] == types.OCI_INDEX
    assert [list(entry) for entry in shown["manifests"]] == [["mediaType", "size", "digest", "platform"]] * 2
    assert json.loads(docker_json.listing(views[::-1]))["mediaType"] == types.DOCKER_LIST
    assert json.loads(docker_json.listing([])) == {"schemaVersion": 2, "mediaType": types.DOCKER_LIST, "manifests": []}
