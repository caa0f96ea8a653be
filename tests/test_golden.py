"""Recorded runs of the Go manifest-tool: the same bytes under the same tags, the same line on stdout."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from manifest_tool.cli import app
from manifest_tool.oci.digest import Digest
from tests import harness

GOLDEN = harness.SHARED / "golden"
CASES = sorted(path.stem for path in GOLDEN.glob("*.json"))

pytestmark = pytest.mark.skipif(not CASES, reason="the recorded runs of shared/golden are not beside the checkout")

# Where the original fails, and where it publishes what nobody can want: how we fail.
FAILS = {
    ("args-annotations", "docker"): 2,
    ("args-bad-platform", "docker"): 2,
    ("args-bad-platform", "oci"): 2,
    **{
        (name, kind): code
        for kind in ("docker", "oci")
        for name, code in {
            "bad-architecture": 2,
            "duplicate-platform": 2,
            "empty-manifests": 2,
            "ignore-missing-all": 3,
            "missing-fails": 3,
            "not-yaml": 2,
            "other-registry": 5,
            "upper-case-name": 2,
        }.items()
    },
}


@pytest.fixture(params=CASES or ["none"])
def case(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GOLDEN / f"{request.param}.json").read_text())
    return {**found, "name": request.param}


@pytest.mark.parametrize("kind", ["docker", "oci"])
def test_the_same_bytes_tags_and_line(
    case: dict[str, Any],
    kind: str,
    any_registry: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    name, recorded = case["name"], case["runs"][kind]
    seed(any_registry, case["images"])

    code = app.run(["--retries", "0", "push", "--type", kind, *arguments(case, any_registry, tmp_path)])
    stdout, stderr = capfd.readouterr()

    assert "Traceback" not in stderr
    if failing := FAILS.get((name, kind)):
        assert code == failing, stderr
        assert stdout == ""
        assert stderr.startswith("error: ") or "\nerror: " in stderr
        assert pushed(any_registry, recorded["pushed"]) == dict.fromkeys(recorded["pushed"])
        return
    expected = expectation(case, kind)
    assert (code, stdout) == (0, expected["stdout"]), stderr
    assert pushed(any_registry, recorded["pushed"]) == expected["pushed"]


def seed(host: str, images: dict[str, Any]) -> None:
    for reference, parts in images.items():
        repository, _, tag = reference.partition(":")
        for position, part in enumerate(parts):
            for digest, data in part["blobs"].items():
                harness.put_blob(host, repository, base64.b64decode(data), digest)
            which = tag if position == len(parts) - 1 else part["digest"]
            harness.put_manifest(host, repository, which, part["manifest"].encode(), part["mediaType"])


def arguments(case: dict[str, Any], host: str, folder: Path) -> list[str]:
    if case["spec"] is None:
        return ["from-args", *(argument.replace("HOST", host) for argument in [*case["opts"], *case["args"]])]
    path = folder / "spec.yaml"
    path.write_text(case["spec"].replace("HOST", host))
    return ["from-spec", *case["opts"], str(path)]


def pushed(host: str, references: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for reference in references:
        repository, _, tag = reference.partition(":")
        manifest = harness.get_manifest(host, repository, tag)
        found[reference] = manifest and (manifest[0], manifest[1].decode())
    return found


def expectation(case: dict[str, Any], kind: str) -> dict[str, Any]:
    """What the original recorded; for what is different on purpose, the recording that fits the better meaning."""
    recorded = case["runs"][kind]
    stdout, published = recorded["stdout"], recorded["pushed"]
    if case["name"] == "no-target-tag":
        # `latest` instead of no tag: the same bytes.
        other = load("ignore-missing", kind)["app:some"]
        assert recorded["stdout"].split()[1] == other["digest"]
        published = {"app:latest": other}
    if case["name"] == "source-without-tag":
        # `latest` is read: the index is that of `ignore-missing`, over this case's image.
        other = index_over(case["images"]["app:latest"][-1], kind)
        stdout = f"Digest: {other['digest']} {len(other['bytes'])}\n"
        published = {"app:t": other}
    return {
        "stdout": stdout,
        "pushed": {name: entry and (entry["mediaType"], entry["bytes"]) for name, entry in published.items()},
    }


def load(name: str, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text())["runs"][kind]["pushed"]
    return found


def index_over(image: dict[str, Any], kind: str) -> dict[str, Any]:
    """The recorded index of `ignore-missing` with another image in its one entry."""
    other = load("ignore-missing", kind)["app:some"]
    document = json.loads(other["bytes"])
    document["manifests"][0]["digest"] = image["digest"]
    document["manifests"][0]["size"] = len(image["manifest"].encode())
    raw = json.dumps(document, indent=2)
    return {"mediaType": other["mediaType"], "bytes": raw, "digest": str(Digest.of(raw.encode()))}
