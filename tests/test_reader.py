"""What is read of an index, and how it is told."""

from __future__ import annotations

from manifest_tool import reader
from manifest_tool.oci.platform import Platform


def test_platforms_are_named_once_and_on_one_line() -> None:
    platforms = [Platform("amd64", "linux"), None, Platform("a\nerror: forged", "b"), Platform("amd64", "linux")]
    assert reader.named(platforms) == "linux/amd64, b/a error: forged"


def test_not_all_of_very_many_platforms_are_named() -> None:
    platforms = [Platform(f"a{count}", "linux") for count in range(52)]
    assert reader.named(platforms).endswith("linux/a48, linux/a49, 2 more")


def test_no_platform_is_named_as_such() -> None:
    assert reader.named([None, Platform()]) == "no platform"
