"""How long a run may take, as people write it."""

from __future__ import annotations

import pytest

from manifest_tool.cli.settings import seconds
from manifest_tool.errors import UsageError
from tests.conftest import Program


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90", 90.0),
        ("90s", 90.0),
        ("0.5", 0.5),
        ("10m", 600.0),
        ("1h30m", 5400.0),
        ("1h5s", 3605.0),
        ("1.5h", 5400.0),
        ("2h3m4.5s", 7384.5),
    ],
)
def test_a_time(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize(
    "text",
    ["0", "0s", "", "s", "-1", "1 m", "1m1h", "1h30", "1d", "1e9", "inf", "nan", ".5", "5.", "٣", "9" * 10, "8761h"],
)
def test_no_time(text: str) -> None:
    with pytest.raises(UsageError, match="is no length of time") as caught:
        seconds(text)
    assert caught.value.hint == "write it as 90s, 10m or 1h30m"


def test_no_time_is_a_usage_error_wherever_it_stands(program: Program) -> None:
    ran = program("inspect", "localhost:1/app", "-timeout", "soon")
    assert (ran.code, ran.stdout) == (2, "")
    assert ran.stderr.startswith("error: --timeout: 'soon' is no length of time\n")
