"""docs/testing.md: its example runs as it stands there, and its tables name what there is."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from manifest_tool import testing
from manifest_tool.server.log import Request, RequestLog
from manifest_tool.server.serve import serving

PAGE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text()
FILES = dict(re.findall(r"^```python\n# (\S+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


def pytest_in(folder: Path, *arguments: str) -> str:
    """What pytest prints in a project that has nothing but the example."""
    for name, text in FILES.items():
        (folder / name).write_text(text)
    command = [sys.executable, "-m", "pytest", "-W", "error", "-p", "no:cacheprovider", *arguments]
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=folder, env=alone, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.stdout


def test_the_example(tmp_path: Path) -> None:
    assert set(FILES) == {"conftest.py", "client.py", "test_client.py"}
    assert len(re.findall("^```python$", PAGE, re.MULTILINE)) == len(FILES)
    output = pytest_in(tmp_path, "-q")
    count = FILES["test_client.py"].count("def test_")
    assert re.search(rf"^{count} passed in ", output, re.MULTILINE), output


def test_a_failure_shows_the_requests(tmp_path: Path) -> None:
    (tmp_path / "test_failing.py").write_text(
        "from client import get_manifest\n"
        "def test_it(oci_registry):\n"
        "    oci_registry.put_image('app:1')\n"
        "    get_manifest(oci_registry.host, 'app', '1')\n"
        "    assert not 'shown'\n"
        "def test_other(oci_registry):\n"
        "    pass\n"
    )
    output = pytest_in(tmp_path, "-q", "test_failing.py")
    shown = re.search(r"^-+ Captured requests to 127\.0\.0\.1:\d+ teardown -+\n(.*)$", output, re.MULTILINE)
    assert shown, output
    assert shown[1] == "GET /v2/app/manifests/1 200"
    assert "1 failed, 1 passed" in output


def test_the_plugin_is_not_there_unless_it_is_asked_for(tmp_path: Path) -> None:
    output = pytest_in(tmp_path, "--fixtures", "--noconftest")
    assert "oci_registry" not in output


def cells(text: str) -> list[str]:
    """The code in the first column of the tables below a heading."""
    [section] = re.findall(rf"^## {text}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    rows = [row.split(" | ")[0] for row in section.splitlines() if row.startswith(("| `", "| a "))]
    return [code for row in rows for code in re.findall(r"`([^`]+)`", row)]


def test_the_tables_name_what_there_is() -> None:
    fixtures, options = {"oci_registry", "start_oci_registry"}, set(inspect.signature(serving).parameters)
    assert {re.split(r"\W", code)[0] for code in cells("Fixtures")} - fixtures - {"Path", "ssl"} <= options
    assert set(re.findall(r"\b(?:Auth|Limits|Rules)\b", PAGE)) <= set(testing.__all__)
    members = {re.split(r"\W", code)[0] for code in cells("The registry")}
    actions = set(testing.faults.__all__) - {"Action", "Fault", "Faults"}
    assert actions <= members
    assert all(hasattr(testing.Registry(), name) for name in members - actions)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (Request(method="", path=""), "method path query status headers body_bytes"),
        (RequestLog(), "by_method reads writes where rounds clear"),
        (testing.image(), "manifest config layers digest media_type platform descriptor"),
        (testing.index([]), "manifest digest media_type images"),
    ],
)
def test_what_is_told_of_values_is_there(kind: object, names: str) -> None:
    for name in names.split():
        assert hasattr(kind, name)
        assert f"`{name}" in PAGE
