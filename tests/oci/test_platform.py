"""Platforms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_tool.errors import InvalidPlatform
from manifest_tool.oci.platform import Platform
from tests.oci.strategies import JSON, PLATFORMS


@given(PLATFORMS)
def test_text_and_value_reverse_each_other(platform: Platform) -> None:
    assert Platform.parse(str(platform)) == platform


@given(PLATFORMS)
def test_json_and_value_reverse_each_other(platform: Platform) -> None:
    assert Platform.from_json(platform.to_json()) == platform


@given(st.dictionaries(st.sampled_from(["os", "architecture", "variant", "os.version", "os.features"]), JSON))
def test_any_json_is_read(data: dict[str, object]) -> None:
    assert isinstance(Platform.from_json(data), Platform)


@given(PLATFORMS)
def test_a_platform_satisfies_itself_and_what_is_open(platform: Platform) -> None:
    assert platform.satisfies(platform)
    assert platform.satisfies(Platform())
    assert platform.satisfies(Platform(platform.architecture, platform.os))


@given(PLATFORMS)
def test_normalizing_twice_changes_nothing(platform: Platform) -> None:
    assert platform.normalized().normalized() == platform.normalized()
    assert platform.spelled().spelled() == platform.spelled()


@given(st.text() | st.text("linux/arm64v8:,()+=%", max_size=30))
def test_any_text_is_a_platform_or_refused(text: str) -> None:
    try:
        platform = Platform.parse(text)
    except InvalidPlatform:
        return
    assert isinstance(platform.problem(), str)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("linux/amd64", Platform("amd64", "linux")),
        ("linux/x86_64", Platform("amd64", "linux")),
        ("Linux/aarch64", Platform("arm64", "linux")),
        ("linux/armhf", Platform("arm", "linux", "v7")),
        ("linux/arm/6", Platform("arm", "linux", "v6")),
        ("macos/arm64", Platform("arm64", "darwin")),
        ("windows/amd64:10.0.1", Platform("amd64", "windows", os_version="10.0.1")),
        ("windows/amd64,osver=10.0.1", Platform("amd64", "windows", os_version="10.0.1")),
        ("windows(10.0.1+win32k)/amd64", Platform("amd64", "windows", "", "10.0.1", ("win32k",))),
    ],
)
def test_spellings(text: str, expected: Platform) -> None:
    assert Platform.parse(text) == expected


@pytest.mark.parametrize(
    ("have", "want", "satisfied"),
    [
        ("linux/arm64", "linux/arm64/v8", True),
        ("linux/arm64/v8", "linux/arm64", True),
        ("linux/arm/v6", "linux/arm", True),
        ("linux/arm", "linux/arm/v7", True),
        ("linux/arm", "linux/arm/v6", False),
        ("linux/amd64", "linux/amd64/v1", True),
        ("linux/amd64/v3", "linux/amd64/v2", False),
        ("windows/amd64:10.0.1", "windows/amd64", True),
        ("windows/amd64", "windows/amd64:10.0.1", False),
        ("linux/amd64", "darwin/amd64", False),
    ],
)
def test_what_satisfies_what(have: str, want: str, satisfied: bool) -> None:
    assert Platform.parse(have).satisfies(Platform.parse(want)) is satisfied


@pytest.mark.parametrize(
    "text",
    ["linux/amd64", "linux/arm/v5", "linux/arm/v8", "linux/arm64/v9", "linux/amd64/v3", "linux/riscv64/rva22u64"],
)
def test_what_an_index_may_carry(text: str) -> None:
    assert Platform.parse(text).problem() == ""


@pytest.mark.parametrize(
    ("text", "tip"),
    [
        ("linux/amd46", "did you mean amd64?"),
        ("linx/amd64", "did you mean linux?"),
        ("linux/arm/v9", "did you mean v8?"),
        ("linux/arm/armv7hf", "did you mean v7?"),
        ("linux/s390x/v1", "expected none"),
        ("linux/vax", "unknown architecture 'vax'"),
    ],
)
def test_what_an_index_must_not_carry(text: str, tip: str) -> None:
    assert tip in Platform.parse(text).problem()
