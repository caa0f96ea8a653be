"""Arguments to specs, as the Go tool takes them, with problems told in terms of the arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from manifest_tool.errors import SpecError
from manifest_tool.events import Event, Noticed
from manifest_tool.oci.platform import Platform
from manifest_tool.spec.template import expand

if TYPE_CHECKING:
    from manifest_tool.spec.model import Spec


def images(platforms: list[str], template: str) -> list[str]:
    return [str(entry.reference) for entry in expand(platforms, template, "r.example.com/app:1").entries]


@pytest.mark.parametrize(
    ("platforms", "template", "expected"),
    [
        (["linux/amd64,linux/s390x"], "acme/pkg:abc-ARCH", ["acme/pkg:abc-amd64", "acme/pkg:abc-s390x"]),
        (["linux/amd64, linux/arm64"], "acme/app-ARCH", ["acme/app-amd64", "acme/app-arm64"]),
        (["linux/amd64", "linux/arm64"], "acme/app/ARCH:1", ["acme/app/amd64:1", "acme/app/arm64:1"]),
        (["linux/arm/v7,linux/arm64"], "acme/a:b-ARCHVARIANT", ["acme/a:b-armv7", "acme/a:b-arm64"]),
        (["linux/amd64,windows/amd64"], "acme/x:v1__OS_ARCH", ["acme/x:v1__linux_amd64", "acme/x:v1__windows_amd64"]),
        (["linux/amd64"], "acme/ARCH:ARCH-OS-ARCH", ["acme/amd64:amd64-linux-amd64"]),
        (["linux/x86_64,linux/aarch64"], "acme/a:ARCH", ["acme/a:x86_64", "acme/a:aarch64"]),
        (["linux/amd64"], "acme/a:fixed", ["acme/a:fixed"]),
        (["OS/ARCH/VARIANT"], "acme/a:ARCH-OS-VARIANT", []),
        (["windows/amd64:10.0.1"], "acme/a:OS-ARCH", ["acme/a:windows-amd64"]),
        (["windows(10.0.1)/amd64"], "acme/a:OS-ARCH", ["acme/a:windows-amd64"]),
    ],
)
def test_the_template_is_filled_as_it_was_written(platforms: list[str], template: str, expected: list[str]) -> None:
    if not expected:
        with pytest.raises(SpecError, match=r"--platforms \(1st: OS/ARCH/VARIANT\): unknown architecture 'ARCH'"):
            images(platforms, template)
        return
    assert images(platforms, template) == [f"docker.io/{image}" for image in expected]


def test_one_image_for_every_platform_is_told() -> None:
    seen: list[Event] = []
    spec = expand(["linux/amd64,linux/arm64"], "acme/multi:1", "acme/app:1", observe=seen.append)
    assert [(str(e.reference), str(e.platform)) for e in spec.entries] == [
        ("docker.io/acme/multi:1", "linux/amd64"),
        ("docker.io/acme/multi:1", "linux/arm64"),
    ]
    assert seen == [
        Noticed(
            "--template: 'acme/multi:1' has none of ARCH, OS and VARIANT, so every platform is taken from one image"
        )
    ]


def test_no_value_is_taken_for_a_placeholder() -> None:
    with pytest.raises(SpecError, match=r"acme/a:VARIANT-OS-linux"):
        expand(["linux/OS/VARIANT"], "acme/a:VARIANT-ARCH-OS:x", "acme/a:1")


def test_everything() -> None:
    seen: list[Event] = []
    spec: Spec = expand(
        ["linux/amd64", "linux/x86_64"],
        "acme/app:ARCH",
        "acme/app:1",
        ["1, a,b", "c"],
        ["k=v=w", "k=v=w, l="],
        observe=seen.append,
    )
    assert spec.tags == ("1", "a", "b", "c")
    assert spec.annotations == {"k": "v=w", "l": ""}
    assert [entry.platform for entry in spec.entries] == [Platform("amd64", "linux")] * 2
    assert [entry.where for entry in spec.entries] == [
        "--platforms (1st: linux/amd64)",
        "--platforms (2nd: linux/x86_64)",
    ]
    assert seen == [Noticed("--platforms (2nd: linux/x86_64): platform 'linux/x86_64' is taken for linux/amd64")]


def test_a_target_without_a_tag() -> None:
    seen: list[Event] = []
    assert expand(["linux/amd64"], "a:ARCH", "acme/app", observe=seen.append).tags == ("latest",)
    assert seen == [Noticed("--target: docker.io/acme/app has no tag, and becomes docker.io/acme/app:latest")]


P = ["linux/amd64,linux/arm64"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((["linux"], "a:ARCH", "a"), "--platforms (1st: linux): invalid platform 'linux': expected os/arch"),
        (
            (["linux/amd64,linux/amd46"], "a:ARCH", "a"),
            "--platforms (2nd: linux/amd46): unknown architecture 'amd46' (did",
        ),
        (([], "a:ARCH", "a"), "--platforms: no platform is given"),
        (([" , "], "a:ARCH", "a"), "--platforms: no platform is given"),
        ((["linux/amd64,"], "a:ARCH", "a"), "--platforms (2nd: ): invalid platform ''"),
        ((P, "a:ARCH", "a", ["b,,c"]), "--tags (2nd: ): invalid tag ''"),
        ((P, "", "a"), "--template (for linux/amd64): invalid reference '': it is empty"),
        ((P, "a:${TAG}-ARCH", "a"), "--template (for linux/amd64): invalid reference 'a:${TAG}-amd64'"),
        ((P, "a:${TAG}-ARCH", "a"), "(${TAG} looks like a placeholder that was never filled in)"),
        ((P, "dir:ARCH", "a"), "--template (for linux/arm64): dir: is another tool's transport"),
        ((P, "a:ARCH", "A"), "--target: invalid reference 'A': a repository's name is in lower case"),
        ((P, "a:ARCH", ""), "--target: invalid reference '': it is empty"),
        ((P, "a:ARCH", "a@sha256:" + "1" * 64), "--target: the target has a digest"),
        ((P, "a:ARCH", "a", ["ok,a:b"]), "--tags (2nd: a:b): 'a:b' is a whole reference, and tags take the tag alone"),
        ((P, "a:ARCH", "a", ["-"]), "--tags (1st: -): invalid tag '-'"),
        ((P, "a:ARCH", "a", [], ["k=a,b"]), "--annotations (2nd: b): expected key=value, found 'b' (commas separate"),
        ((P, "a:ARCH", "a", [], ["=b"]), "--annotations (1st: =b): expected key=value"),
        ((P, "a:ARCH", "a", [], ["k=a,k=b"]), "--annotations (2nd: k=b): 'k' is given twice, with two values"),
    ],
)
def test_problems(arguments: tuple[list[str], str, str], expected: str) -> None:
    with pytest.raises(SpecError) as caught:
        expand(*arguments)
    assert expected in str(caught.value)


def test_all_problems_at_once() -> None:
    with pytest.raises(SpecError) as caught:
        expand(["linux", "linux/amd46"], "a:b", "A", ["b:c"], ["d"])
    assert len(caught.value.problems) == 5
