"""Documents to specs: what is read, what is noticed, and every problem with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from manifest_tool.errors import SpecError
from manifest_tool.events import Event, Noticed
from manifest_tool.oci.platform import Platform
from manifest_tool.spec import load
from tests.spec.parts import one

if TYPE_CHECKING:
    from manifest_tool.spec.model import Spec

HEAD = "image: acme/app:1\nmanifests:\n- image: acme/app:1-amd64\n"
DIGEST = "sha256:" + "1" * 64


def read(text: str, *, strict: bool = False) -> tuple[Spec, list[str]]:
    seen: list[Event] = []
    spec = one(load.parse(text.encode(), "s.yaml", strict=strict, observe=seen.append))
    return spec, [event.message for event in seen if isinstance(event, Noticed)]


def problems(text: str, *, strict: bool = False) -> list[str]:
    with pytest.raises(SpecError) as caught:
        read(text, strict=strict)
    return [str(problem) for problem in caught.value.problems]


def test_a_whole_spec() -> None:
    spec, noticed = read(
        "image: reg.example.com:5000/acme/app:1.10\n"
        "tags: [1, 1.10, latest, 1]\n"
        "annotations: {a: 1.0, b: }\n"
        "manifests:\n"
        f"- image: other.example.com/x@{DIGEST}\n"
        "- {image: 'acme/app:v1', platform: {os: linux, architecture: arm, variant: v7}}\n"
        "- {image: alpine, platform: linux/386}\n"
    )
    assert str(spec.reference) == "reg.example.com:5000/acme/app:1.10"
    assert spec.tags == ("1.10", "1", "latest")
    assert spec.annotations == {"a": "1.0", "b": ""}
    assert [str(entry.reference) for entry in spec.entries] == [
        f"other.example.com/x@{DIGEST}",
        "docker.io/acme/app:v1",
        "docker.io/library/alpine",
    ]
    assert [entry.platform for entry in spec.entries] == [
        Platform(),
        Platform("arm", "linux", "v7"),
        Platform("386", "linux"),
    ]
    assert [(entry.number, entry.where) for entry in spec.entries] == [
        (1, "s.yaml:5:3"),
        (2, "s.yaml:6:3"),
        (3, "s.yaml:7:3"),
    ]
    assert noticed == []


@pytest.mark.parametrize(
    ("target", "tags", "expected"),
    [
        ("acme/app:a", "[]", ("a",)),
        ("acme/app:a", "[b, a, c, b]", ("a", "b", "c")),
        ("acme/app", "[b, c]", ("b", "c")),
        ("acme/app", "", ("latest",)),
        ("acme/app", "[~]", ("latest",)),
    ],
)
def test_the_first_tag(target: str, tags: str, expected: tuple[str, ...]) -> None:
    spec, noticed = read(f"image: {target}\ntags: {tags}\nmanifests: [{{image: a}}]\n")
    assert spec.tags == expected
    latest = ["s.yaml:1:8: image: docker.io/acme/app has no tag, and becomes docker.io/acme/app:latest"]
    assert noticed == (latest if expected == ("latest",) else [])


@pytest.mark.parametrize(
    ("platform", "expected", "noticed"),
    [
        ("{os: linux, architecture: amd64}", Platform("amd64", "linux"), []),
        ("{architecture: s390x}", Platform("s390x"), []),
        ("{os: windows}", Platform(os="windows"), []),
        ("{variant: v8}", Platform(variant="v8"), []),
        ("{}", Platform(), []),
        ("", Platform(), []),
        ("{os: , architecture: ~}", Platform(), []),
        (
            "{architecture: x86_64, os: linux}",
            Platform("amd64", "linux"),
            ["s.yaml:4:28: manifests[0].platform.architecture: architecture 'x86_64' is taken for amd64"],
        ),
        (
            "{architecture: armhf, os: macos}",
            Platform("arm", "darwin", "v7"),
            [
                "s.yaml:4:28: manifests[0].platform.architecture: architecture 'armhf' is taken for arm",
                "s.yaml:4:39: manifests[0].platform.os: os 'macos' is taken for darwin",
                "s.yaml:4:13: manifests[0].platform.variant: the missing variant is taken for v7",
            ],
        ),
        ("{os: windows, os.version: 10.0}", Platform(os="windows", os_version="10.0"), []),
        ("{os: windows, osversion: 10.0, os.version: 10.0}", Platform(os="windows", os_version="10.0"), []),
        ("{os: windows, os.features: [a, ~, b]}", Platform(os="windows", os_features=("a", "b")), []),
        ("{os: windows, osfeatures: [win32k]}", Platform(os="windows", os_features=("win32k",)), []),
        ("linux/arm64/v8", Platform("arm64", "linux", "v8"), []),
        (
            "linux/aarch64",
            Platform("arm64", "linux"),
            ["s.yaml:4:13: manifests[0].platform: platform 'linux/aarch64' is taken for linux/arm64"],
        ),
        ("windows/amd64:10.0.1", Platform("amd64", "windows", os_version="10.0.1"), []),
    ],
)
def test_platforms(platform: str, expected: Platform, noticed: list[str]) -> None:
    spec, messages = read(f"{HEAD}  platform: {platform}\n")
    assert spec.entries[0].platform == expected
    assert sorted(messages) == sorted(noticed)


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("{os: linx}", "4:18: manifests[0].platform.os: unknown os 'linx' (did you mean linux?)"),
        ("{os: Linux}", "4:18: manifests[0].platform.os: unknown os 'Linux' (did you mean linux?)"),
        ("{architecture: amd46}", "4:28: manifests[0].platform.architecture: unknown architecture 'amd46' (did you"),
        (
            "{architecture: arm, variant: armv7hf}",
            "4:42: manifests[0].platform.variant: unknown variant of arm 'armv7hf' (did you mean v7?)",
        ),
        ("{architecture: s390x, variant: v1}", "4:44: manifests[0].platform.variant: unknown variant of s390x"),
        ("linux", "4:13: manifests[0].platform: invalid platform 'linux': expected os/arch"),
        ("linux/amd46", "4:13: manifests[0].platform.architecture: unknown architecture 'amd46'"),
        ("[linux]", "4:13: manifests[0].platform: expected a map or text, found a list"),
        ("{os: [a]}", "4:18: manifests[0].platform.os: expected text, found a list"),
        (f"{{os: {'x' * 200}}}", "4:18: manifests[0].platform.os: 'xxx"),
        (
            "{os.version: 1, osversion: 2}",
            "4:40: manifests[0].platform.osversion: os.version and osversion are one thing and differ (keep one",
        ),
        (
            "{os.features: win32k}",
            "4:27: manifests[0].platform.os.features: expected a list, found the text 'win32k' (write a list: ",
        ),
    ],
)
def test_platforms_that_are_none(platform: str, expected: str) -> None:
    found = problems(f"{HEAD}  platform: {platform}\n")
    assert any(problem.startswith(f"s.yaml:{expected}") for problem in found), found
    assert all(problem.startswith("s.yaml:4:") for problem in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("imgae: a\nmanifests: [{image: a}]", "1:1: image: is missing (did you mean image by 'imgae' at s.yaml:1:1?)"),
        ("image: a\nmanifest: [{image: a}]", "1:1: manifests: is missing (did you mean manifests by 'manifest' at s"),
        ("image: a\nmanifests: [{img: b}]", "2:13: manifests[0]: image: is missing (did you mean image by 'img' at"),
        ("image: a\nmanifests: []", "2:12: manifests: the list is empty (an index needs at least one entry)"),
        ("image: a\nmanifests:", "2:1: manifests: expected a list, found nothing"),
        ("image: a\nmanifests: {image: b}", "2:12: manifests: expected a list, found a map (an entry is a map: - im"),
        ("image: a\nmanifests: [b]", "2:13: manifests[0]: expected a map, found the text 'b' (an entry is a map"),
        ("image:\nmanifests: [{image: a}]", "1:1: image: expected text, found nothing"),
        ("image: {a: b}\nmanifests: [{image: a}]", "1:8: image: expected text, found a map (put a value with braces"),
        ("image: a\ntags: b\nmanifests: [{image: a}]", "2:7: tags: expected a list, found the text 'b' (write a li"),
        ("image: a\ntags: [[b]]\nmanifests: [{image: a}]", "2:8: tags[0]: expected text, found a list"),
        ("image: a\nannotations: [b=c]\nmanifests: [{image: a}]", "2:14: annotations: expected a map, found a list"),
        ("image: ''\nmanifests: [{image: a}]", "1:8: image: invalid reference '': it is empty"),
        (f"image: {'a' * 2000}\nmanifests: [{{image: a}}]", "1:8: image: 'aaaaaaaaaaaaaa"),
        ("image: Acme/app\nmanifests: [{image: a}]", "1:8: image: invalid reference 'Acme/app': a repository's name "),
        (f"image: a@{DIGEST}\nmanifests: [{{image: a}}]", "1:8: image: the target has a digest, but an index has one"),
        ("image: oci:a\nmanifests: [{image: a}]", "1:8: image: oci: is another tool's transport, and the index goes"),
        ("image: a\nmanifests: [{image: 'a:b:c'}]", "2:21: manifests[0].image: invalid reference 'a:b:c': there are"),
        ("image: a\nmanifests: [{image: 'docker-daemon:a:b'}]", "docker-daemon: is another tool's transport, and on"),
        ("image: a\nmanifests: [{image: 'containers-storage:a'}]", "containers-storage: is another tool's transport"),
        ("image: a\nmanifests: [{image: 'oci-archive:/a.tar'}]", "oci-archive: is another tool's transport"),
        ("image: a\nmanifests: [{image: 'docker-archive:a.tar'}]", "docker-archive: is another tool's transport"),
        ("image: a\nmanifests: [{image: 'docker://a'}]", "docker:// is another tool's transport for a registry (writ"),
        ("image: a\ntags: ['acme/app:1']\nmanifests: [{image: a}]", "2:8: tags[0]: 'acme/app:1' is a whole referenc"),
        ("image: a\ntags: [-b]\nmanifests: [{image: a}]", "2:8: tags[0]: invalid tag '-b': '-b' is no tag"),
        ("image: a\ntags: ['${T}']\nmanifests: [{image: a}]", "(${T} looks like a placeholder that was never fil"),
    ],
)
def test_problems_have_a_place_a_path_and_a_reason(text: str, expected: str) -> None:
    found = problems(text)
    assert any(expected in problem for problem in found), found
    assert all(problem.startswith("s.yaml:") for problem in found)


@pytest.mark.parametrize("image", ["oci:5000/app", "dir:80/a/b", "docker-daemon/app", "acme/oci:1"])
def test_what_only_looks_like_a_transport(image: str) -> None:
    assert read(f"image: a:1\nmanifests: [{{image: '{image}'}}]")[0].entries


def test_all_problems_at_once_in_the_order_of_the_text() -> None:
    found = problems(
        "image: Acme/app\n"
        "tags: [a b, x:y]\n"
        "manifests:\n"
        "- image: a:b:c\n"
        "  platform: {os: linx, architecture: amd46}\n"
        "- platform: {architecture: arm, variant: v99}\n"
        "annotations: [a]\n"
    )
    places = [problem.split(": ")[0] for problem in found]
    assert places == [
        f"s.yaml:{place}" for place in ("1:8", "2:8", "2:13", "4:10", "5:18", "5:38", "6:3", "6:42", "7:14")
    ]


@pytest.mark.parametrize("platform", ["{os: X}", "{architecture: X}", "{variant: X}", "X"])
def test_a_huge_value_is_told_once_and_in_short(platform: str) -> None:
    (found,) = problems(f"{HEAD}  platform: {platform}\n".replace("X", "x" * 100_000))
    assert found.endswith("…' is longer than 128 characters")
    assert len(found) < 200


def test_no_more_problems_than_one_can_read() -> None:
    entries = "".join("- image: A\n" for _ in range(400))
    found = problems(f"image: a\nmanifests:\n{entries}")
    assert len(found) == 51
    assert found[-1] == "s.yaml: and 350 more problems"


UNKNOWN = HEAD + "  platfrom: linux/amd64\n  platform: {version: 1809, os: windows}\ntag: [a]\nx-y: 1\nzzzzzz: 1\n"


@pytest.mark.parametrize(("written", "expected"), [("true", True), ("True", True), ("false", False), ("", False)])
def test_a_complete_platform(written: str, expected: bool) -> None:
    spec, noticed = read(f"{HEAD}  platform: {{os: linux, architecture: arm64, complete: {written}}}")
    assert (spec.entries[0].complete, noticed) == (expected, [])


def test_complete_is_true_or_false() -> None:
    [problem] = problems(f"{HEAD}  platform: {{complete: maybe}}")
    assert problem == "s.yaml:4:24: manifests[0].platform.complete: 'maybe' is neither true nor false"


def test_unknown_keys_are_noticed() -> None:
    assert read(UNKNOWN)[1] == [
        "s.yaml:4:3: manifests[0].platfrom: unknown key 'platfrom' (did you mean platform?)",
        "s.yaml:5:14: manifests[0].platform.version: unknown key 'version' (did you mean osversion?)",
        "s.yaml:6:1: tag: unknown key 'tag' (did you mean tags?)",
        "s.yaml:8:1: zzzzzz: unknown key 'zzzzzz'",
    ]


def test_unknown_keys_are_problems_where_asked() -> None:
    assert len(problems(UNKNOWN, strict=True)) == 4
    assert read(HEAD + "x-y: 1\n", strict=True)[1] == []
