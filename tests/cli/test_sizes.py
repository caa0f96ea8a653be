"""Sizes on the command line."""

from __future__ import annotations

import pytest
import typer

from manifest_tool.cli import sizes


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1),
        ("10b", 10),
        ("500M", 500 << 20),
        ("20g", 20 << 30),
        ("1 TiB", 1 << 40),
        ("1.5k", 1536),
        ("2GB", 2 << 30),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert sizes.parse(text) == size


@pytest.mark.parametrize("text", ["", "0", "-1", "G", "1X", "1e9", "0.0001", "1.5.2", "٣", "1" * 40])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is no size, such as 500M"):
        sizes.parse(text)
