"""The wheel: what is in it, and that it works where it is installed; and that an editable install works too."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from email import message_from_string
from importlib.resources import files
from pathlib import Path

import pytest

from manifest_tool import __version__

ROOT = Path(__file__).parents[1]
SCHEMA = (ROOT / "schemas" / "spec.schema.json").read_bytes()
NOT_COPIED = shutil.ignore_patterns(".*", "*.egg-info", "__pycache__", "build", "dist", "tests")
READ_SCHEMA = """
import manifest_tool, sys
from importlib.resources import files
assert manifest_tool.__file__.startswith(sys.path[0]), manifest_tool.__file__
sys.stdout.buffer.write((files("manifest_tool.schemas") / "spec.schema.json").read_bytes())
"""


def pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the checkout, for a build leaves files behind."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, folder / "copy", ignore=NOT_COPIED)
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, folder / "copy")
    [found] = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel in a folder of its own, without what it depends on."""
    folder = tmp_path_factory.mktemp("installed")
    pip("install", "--no-deps", "--no-index", "--target", folder, wheel)
    return folder


def fresh(folder: Path, *arguments: str) -> bytes:
    """What a fresh interpreter prints that finds the package in ``folder`` first, far from the checkout."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"}
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, cwd=folder.parent, env=environment, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_it_holds_every_module_and_nothing_else(wheel: Path) -> None:
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "manifest_tool").rglob("*.py")}
    schemas = {"manifest_tool/schemas/__init__.py", "manifest_tool/schemas/spec.schema.json"}
    assert held == modules | schemas | {"manifest_tool/py.typed"}


def test_it_says_what_it_is(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    about = f"manifest_tool-{__version__}.dist-info"
    text = archive.read(f"{about}/METADATA").decode()
    metadata = message_from_string(text)
    assert (metadata["Name"], metadata["Version"]) == ("manifest-tool", __version__)
    assert metadata["License-Expression"] == "Apache-2.0"
    assert archive.read(f"{about}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    assert "manifest-tool = manifest_tool.__main__:main" in archive.read(f"{about}/entry_points.txt").decode()
    assert text.endswith((ROOT / "README.md").read_text())


def test_the_schema_is_found_where_it_is_installed(installed: Path) -> None:
    assert fresh(installed, "-c", f"import sys; sys.path.insert(0, {str(installed)!r}){READ_SCHEMA}") == SCHEMA


def test_the_program_runs_where_it_is_installed(installed: Path, tmp_path: Path) -> None:
    assert fresh(installed, "-m", "manifest_tool", "--version").decode() == f"manifest-tool version {__version__}\n"


def test_the_schema_is_found_in_the_checkout() -> None:
    assert json.loads((files("manifest_tool.schemas") / "spec.schema.json").read_text()) == json.loads(SCHEMA)
