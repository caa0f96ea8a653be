"""Specs that the program changes: what people wrote in them stays."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_tool.errors import SpecError
from manifest_tool.oci.platform import Platform
from manifest_tool.oci.reference import Reference
from manifest_tool.spec import load
from manifest_tool.spec.edit import Editor, Item
from manifest_tool.spec.model import Spec
from tests.oci.strategies import PLATFORMS

TARGET = Reference.parse("r.test:5000/app:1")
DIGESTS = ("sha256:" + "1" * 64, "sha256:" + "2" * 64)

BY_HAND = """\
# the release
image: r.test:5000/app:1   # what is pulled
tags: [1.10, 0755, 1e3, yes, 2026-01-02]
x-note: "kept"
x-nothing:
x-platform: &p {os: linux, architecture: arm64}
manifests:
  # the first
  - x-mine: 1
    image: r.test:5000/app:a@sha256:1111111111111111111111111111111111111111111111111111111111111111 # a
    platform:
      architecture: 386 # old
      x-free: 0x1F
      os: linux
  - image: r.test:5000/app:b
    platform: *p
  - image: r.test:5000/app:c
    platform: *p
annotations:
  text: >-
    folded
    text
# the end
"""


def read(data: bytes) -> Spec:
    [spec] = load.parse(data, "s.yaml")
    assert isinstance(spec, Spec), spec
    return spec


def item(tag: str, platform: str = "", digest: str = DIGESTS[0]) -> Item:
    reference = Reference.parse(f"r.test:5000/app:{tag}@{digest}")
    return Item(reference, Platform.parse(platform) if platform else Platform())


def test_a_new_one() -> None:
    editor = Editor.empty(TARGET)
    editor.add(item("a", "linux/arm/v7"))
    editor.add(item("w", "windows(10.0+win32k)/amd64"))
    editor.add(item("x"))
    assert (
        editor.write().decode()
        == f"""\
image: r.test:5000/app:1
manifests:
  - image: r.test:5000/app:a@{DIGESTS[0]}
    platform: {{os: linux, architecture: arm, variant: v7}}
    x-config: linux/arm/v7
  - image: r.test:5000/app:w@{DIGESTS[0]}
    platform: {{os: windows, architecture: amd64, os.version: 10.0, os.features: [win32k]}}
    x-config: windows(10.0+win32k)/amd64
  - image: r.test:5000/app:x@{DIGESTS[0]}
"""
    )


def test_what_is_not_changed_stays_to_the_byte() -> None:
    assert Editor.read(BY_HAND.encode(), "s.yaml").write().decode() == BY_HAND


def test_only_what_changed_is_another() -> None:
    editor = Editor.read(BY_HAND.encode(), "s.yaml")
    editor.declare(1, Platform.parse("linux/amd64/v2"), complete=False)
    changed = BY_HAND.replace("architecture: 386 # old", "architecture: amd64 # old")
    assert editor.write().decode() == changed.replace("      os: linux\n", "      os: linux\n      variant: v2\n")


def test_another_spelling_is_gone_on_with() -> None:
    editor = Editor.read(b"image: a\nmanifests: [{image: b, platform: {osversion: 1.0, osfeatures: [x]}}]\n", "s.yaml")
    editor.declare(1, Platform(os="windows", architecture="amd64", os_version="2.0"), complete=False)
    expected = "{osversion: 2.0, os: windows, architecture: amd64}"
    assert editor.write().decode() == f"image: a\nmanifests: [{{image: b, platform: {expected}}}]\n"


def test_a_shared_platform_is_written_anew() -> None:
    editor = Editor.read(BY_HAND.encode(), "s.yaml")
    editor.declare(2, Platform.parse("linux/arm/v7"), complete=True, anew=True)
    entries = read(editor.write()).entries
    assert [str(entry.platform) for entry in entries] == ["linux/386", "linux/arm/v7", "linux/arm64"]
    assert [entry.complete for entry in entries] == [False, True, False]


def test_entries_of_nothing_are_not_counted() -> None:
    editor = Editor.read(b"image: a\nmanifests:\n  -\n  - image: b\n", "s.yaml")
    editor.declare(1, Platform.parse("linux/amd64"), complete=False)
    assert [str(entry.platform) for entry in read(editor.write()).entries] == ["linux/amd64"]


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("windows(10.0.1)/amd64", "windows(10.0.2)/amd64"),
        ("windows(9)/amd64", "windows(9)/amd64"),
        ("windows(10.0.1)/arm64", "windows(10.0.2)/arm64"),
    ],
)
def test_an_image_that_moved_keeps_what_was_declared(declared: str, expected: str) -> None:
    editor = Editor.empty(TARGET)
    editor.add(item("w", "windows(10.0.1)/amd64"))
    editor.declare(1, Platform.parse(declared), complete=False)
    editor.move(1, item("w", "windows(10.0.2)/amd64", DIGESTS[1]), Platform.parse(declared), complete=False)
    [entry] = read(editor.write()).entries
    assert (str(entry.reference.digest), entry.platform) == (DIGESTS[1], Platform.parse(expected))


SOUND = PLATFORMS.filter(lambda platform: not platform.problem())


@given(st.lists(SOUND, min_size=1, max_size=3), SOUND)
def test_what_is_written_is_read_again(written: list[Platform], other: Platform) -> None:
    editor = Editor.empty(TARGET)
    for number, platform in enumerate(written):
        editor.add(Item(Reference.parse(f"r.test/app:{number}@{DIGESTS[0]}"), platform.spelled()))
    assert [entry.platform for entry in read(editor.write()).entries] == [platform.spelled() for platform in written]
    editor = Editor.read(editor.write(), "s.yaml")
    editor.declare(1, other.spelled(), complete=False)
    assert read(editor.write()).entries[0].platform == other.spelled()


PLAIN = "image: a\nmanifests:\n  - image: b\n"


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (PLAIN.replace("- ", "-\t").encode(), "s.yaml:3:4"),
        (PLAIN.encode("utf-16"), "s.yaml"),
        (f"x-a: !!int many\n{PLAIN}".encode(), "s.yaml"),
        (f"x-a: !!bool maybe\n{PLAIN}".encode(), "s.yaml"),
    ],
)
def test_what_only_our_own_reader_understands_is_told(data: bytes, place: str) -> None:
    assert len(read(data).entries) == 1
    with pytest.raises(SpecError, match=rf"{re.escape(place)}: this cannot be edited") as caught:
        Editor.read(data, "s.yaml")
    assert caught.value.problems[0].hint == "write it in UTF-8, without tabs and tags"
