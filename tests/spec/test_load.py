"""Files, pipes and standard input."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from manifest_tool.errors import ExitCode, SpecError, UsageError
from manifest_tool.spec import load, yaml
from tests.spec.parts import one

TEXT = b"image: acme/app:1\nmanifests: [{image: 'acme/app:1-amd64'}]\n"


@pytest.mark.parametrize("name", ["spec.yaml", "spec", "a b.json", "ü.txt"])
def test_a_file_of_any_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(TEXT)
    spec = one(load.load(str(path)))
    assert spec.entries[0].where == f"{path}:2:13"
    assert str(spec.reference) == "docker.io/acme/app:1"


def test_a_pipe_is_read_once() -> None:
    reading, writing = os.pipe()
    os.write(writing, TEXT)
    os.close(writing)
    try:
        assert one(load.load(f"/dev/fd/{reading}")).tags == ("1",)
    finally:
        os.close(reading)


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT)))
    assert one(load.load("-")).entries[0].where == "<stdin>:2:13"


def test_no_more_is_read_than_a_spec_may_have() -> None:
    with pytest.raises(SpecError, match="/dev/zero: the file is larger than 1024 KiB"):
        one(load.load("/dev/zero"))


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(TEXT + b"#" * yaml.MAX_SIZE)
    with pytest.raises(SpecError, match="larger than 1024 KiB") as caught:
        one(load.load(str(path)))
    assert caught.value.exit_code is ExitCode.INVALID


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "the path of the spec is empty"),
        ("no/such/spec.yaml", "cannot read no/such/spec.yaml: there is no such file"),
        ("tests", "cannot read tests: it is a folder"),
        ("pyproject.toml/spec.yaml", "cannot read pyproject.toml/spec.yaml: Not a directory"),
        ("x" * 5000, "File name too long"),
        ("a\0b", "embedded null byte"),
    ],
)
def test_what_cannot_be_read(path: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    with pytest.raises(UsageError) as caught:
        one(load.load(path))
    assert message in str(caught.value)
    assert caught.value.exit_code is ExitCode.INVALID


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(TEXT)
    path.chmod(0)
    with pytest.raises(UsageError, match="Permission denied"):
        one(load.load(str(path)))
