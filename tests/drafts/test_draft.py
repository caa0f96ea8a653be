"""Drafts: which entry is meant, and what becomes of it. Pure."""

from __future__ import annotations

import pytest

from manifest_tool.drafts import draft
from manifest_tool.drafts.draft import Changes, Draft
from manifest_tool.errors import DraftError, InvalidPlatform, SpecError, UsageError
from manifest_tool.oci.platform import Platform
from manifest_tool.oci.reference import Reference
from manifest_tool.spec.edit import Item

TARGET = Reference.parse("r.test/app:1")
A, B, C = (f"sha256:{digit * 64}" for digit in "abc")


def item(name: str, platform: str = "linux/amd64") -> Item:
    return Item(Reference.parse(f"r.test/{name}"), Platform.parse(platform) if platform else Platform())


def made(*items: Item) -> Draft:
    return parsed(draft.new(TARGET, items))


def parsed(data: bytes) -> Draft:
    return Draft.parse(data, TARGET, "d.yaml")


def listed(found: Draft) -> list[str]:
    return [f"{entry.reference} {entry.platform}" for entry in found.spec.entries]


def annotated(found: Draft, image: str, changes: Changes) -> Draft:
    return parsed(found.annotated(Reference.parse(f"r.test/{image}"), changes))


def test_names_are_filled_out() -> None:
    assert str(draft.list_reference("app")) == "docker.io/library/app:latest"
    assert str(draft.image_reference(f"app@{A}")) == f"docker.io/library/app@{A}"
    with pytest.raises(UsageError, match="has a digest"):
        draft.list_reference(f"app:1@{A}")


@pytest.mark.parametrize("name", ["x:1", f"x@{A}", f"x:1@{A}"])
def test_an_image_is_found_by_tag_and_by_digest(name: str) -> None:
    found = made(item(f"x:2@{B}"), item(f"x:1@{A}"))
    assert found.entry(Reference.parse(f"r.test/{name}")).number == 2


@pytest.mark.parametrize("name", ["x:3", f"x@{C}", f"x:2@{A}", "y:1"])
def test_what_is_not_there_is_told_with_what_is(name: str) -> None:
    found = made(item(f"x:2@{B}"), item(f"x@{A}"))
    with pytest.raises(DraftError) as caught:
        found.entry(Reference.parse(f"r.test/{name}"))
    assert str(caught.value) == f"manifest for image r.test/{name} does not exist in r.test/app:1"
    assert caught.value.hint == f"it has r.test/x:2, r.test/x@{A}"


def test_amending_adds_at_the_end_and_looks_again() -> None:
    found = made(item(f"x:1@{A}"), item(f"y:1@{A}"))
    found = parsed(found.amended([item(f"z:1@{A}"), item(f"x:1@{B}", "linux/arm64")]))
    assert listed(found) == [
        f"r.test/x:1@{B} linux/arm64",
        f"r.test/y:1@{A} linux/amd64",
        f"r.test/z:1@{A} linux/amd64",
    ]


def test_amending_keeps_what_was_annotated() -> None:
    found = annotated(made(item(f"x:1@{A}", "linux/arm64/v8")), "x:1", Changes(variant="", os_version="1"))
    found = parsed(found.amended([item(f"x:1@{B}", "linux/arm64/v8")]))
    assert listed(found) == [f"r.test/x:1@{B} linux/arm64:1"]
    assert found.spec.entries[0].complete


@pytest.mark.parametrize(
    ("config", "changes", "expected", "complete"),
    [
        ("linux/amd64", Changes("arm", variant="v7"), "linux/arm/v7", False),
        ("linux/amd64", Changes(architecture="aarch64"), "linux/arm64", False),
        ("linux/arm64/v8", Changes(variant=""), "linux/arm64", True),
        ("linux/arm64", Changes(variant=""), "linux/arm64", False),
        ("windows(1+a+b)/amd64", Changes(os_features=("c", "a")), "windows(1+c+a)/amd64", False),
        ("windows(1+a+b)/amd64", Changes(os_features=()), "windows/amd64:1", True),
        ("windows/amd64:1", Changes(os_version=""), "windows/amd64", True),
        ("", Changes(os="linux", architecture="386"), "linux/386", False),
    ],
)
def test_annotating(config: str, changes: Changes, expected: str, complete: bool) -> None:
    found = annotated(made(item(f"x:1@{A}", config)), "x:1", changes)
    [entry] = found.spec.entries
    assert (str(entry.platform), entry.complete) == (expected, complete)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (Changes(architecture="foo"), "unknown architecture 'foo'; expected "),
        (Changes(variant="v7"), "unknown variant of amd64 'v7'"),
    ],
)
def test_a_platform_that_is_none_is_refused(changes: Changes, reason: str) -> None:
    with pytest.raises(InvalidPlatform, match=f"r.test/x:1 in r.test/app:1: {reason}"):
        annotated(made(item(f"x:1@{A}")), "x:1", changes)


@pytest.mark.parametrize(("config", "changes"), [("linux/amd64", Changes(os="")), ("", Changes(architecture="arm"))])
def test_half_a_platform_is_refused(config: str, changes: Changes) -> None:
    with pytest.raises(InvalidPlatform, match=r"x:1 in r\.test/app:1 needs an os and an architecture") as caught:
        annotated(made(item(f"x:1@{A}", config)), "x:1", changes)
    assert caught.value.hint == "give both, --os and --arch"


SHARED = f"""\
image: r.test/app:1 # mine
manifests:
  # first
  - image: r.test/x:1@{A}
    platform: &p {{os: linux, architecture: arm64}}
  - image: r.test/y:1@{A}
    platform: *p
  - image: r.test/z:1@{A}
    platform: {{<<: *p, variant: v8}}
"""


@pytest.mark.parametrize("number", [0, 1, 2])
def test_entries_that_share_a_platform_part(number: int) -> None:
    found = annotated(parsed(SHARED.encode()), f"{'xyz'[number]}:1", Changes(variant="v9"))
    expected = ["linux/arm64", "linux/arm64", "linux/arm64/v8"]
    expected[number] = "linux/arm64/v9"
    assert [str(entry.platform) for entry in found.spec.entries] == expected
    assert found.data.startswith(b"image: r.test/app:1 # mine\nmanifests:\n  # first\n")


def test_what_a_merge_key_brought_can_be_taken_away() -> None:
    text = SHARED.replace("architecture: arm64", "architecture: arm64, variant: v8")
    assert [
        str(entry.platform) for entry in annotated(parsed(text.encode()), "z:1", Changes(variant="")).spec.entries
    ] == [
        "linux/arm64/v8",
        "linux/arm64/v8",
        "linux/arm64",
    ]


def test_a_draft_is_one_spec_of_its_own_list() -> None:
    for text, reason in (
        (SHARED.replace("app:1", "app:2"), "the spec of r.test/app:2"),
        (SHARED + "---\n" + SHARED, "more than one spec"),
    ):
        with pytest.raises(DraftError, match=reason):
            parsed(text.encode())
    with pytest.raises(SpecError, match=r"d\.yaml:1:1"):
        parsed(b"manifests: []")
