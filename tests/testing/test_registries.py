"""A registry beside a test, and how images get into it."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from manifest_tool.errors import InvalidReference, UsageError
from manifest_tool.oci import media_type as types
from manifest_tool.testing import (
    Auth,
    Digest,
    Limits,
    Registry,
    Rules,
    StartRegistry,
    attested_index,
    image,
    index,
    registry,
    sbom,
)
from tests import harness


def test_an_image_is_whole(oci_registry: Registry) -> None:
    made = oci_registry.put_image("team/app:1.0", "linux/arm/v7")
    assert str(made.platform) == "linux/arm/v7"
    found = harness.get_manifest(oci_registry.host, "team/app", "1.0")
    assert found == oci_registry.manifest("team/app", "1.0") == (types.OCI_MANIFEST, made.manifest)
    document = json.loads(made.manifest)
    for one, data in zip([document["config"], *document["layers"]], made.blobs, strict=True):
        status, _, body = harness.request(oci_registry.host, "GET", f"/v2/team/app/blobs/{one['digest']}")
        assert (status, body, len(body)) == (200, data, one["size"])


@pytest.mark.parametrize(("media", "media_type"), [("oci", types.OCI_INDEX), ("docker", types.DOCKER_LIST)])
def test_an_index_is_whole(oci_registry: Registry, media: str, media_type: str) -> None:
    made = oci_registry.put_index("app:1", "linux/amd64", "windows(10.0.20348.1)/amd64", media=media)  # type: ignore[arg-type]
    assert oci_registry.manifest("app", "1") == (media_type, made.manifest)
    entries = json.loads(made.manifest)["manifests"]
    assert [entry["platform"]["os"] for entry in entries] == ["linux", "windows"]
    for entry, child in zip(entries, made.images, strict=True):
        assert oci_registry.manifest("app", entry["digest"]) == (child.media_type, child.manifest)
    assert len(oci_registry.put_index("app:2").images) == 2
    two = index([image("linux/amd64"), image("linux/arm64")])
    assert oci_registry.tags("app") == {"1": made.digest, "2": two.digest}


def test_what_was_made_elsewhere(oci_registry: Registry) -> None:
    subject = image("linux/s390x", labels={"a": "b"})
    assert oci_registry.put("app", subject) == subject.digest
    assert oci_registry.tags("app") == {}
    oci_registry.put("app:attested", attested_index(subject))
    referrer = oci_registry.put("app", sbom(subject))
    _, _, body = harness.request(oci_registry.host, "GET", f"/v2/app/referrers/{subject.digest}")
    assert [entry["digest"] for entry in json.loads(body)["manifests"]] == [str(referrer)]
    assert oci_registry.reference("app:attested") == f"{oci_registry.host}/app:attested"


def test_a_folder_may_be_a_string(start_oci_registry: StartRegistry, tmp_path: Path) -> None:
    start_oci_registry(str(tmp_path)).put_image("app:1")
    assert (tmp_path / "repositories" / "app").is_dir()


def test_tokens_need_accounts() -> None:
    with pytest.raises(UsageError, match="tokens need accounts"), registry(auth=Auth.TOKEN):
        pass


@pytest.mark.parametrize(
    "name", ["", ":1", "App:1", "127.0.0.1:5000/app:1", "../app:1", "app@sha256:00", "app:", "app:.x", "app:a:b"]
)
def test_no_name(oci_registry: Registry, name: str) -> None:
    with pytest.raises(InvalidReference):
        oci_registry.put_image(name)
    assert oci_registry.store.repositories() == []


def test_a_reference_of_this_registry_is_a_name_too(oci_registry: Registry) -> None:
    made = oci_registry.put_image(oci_registry.reference("app:1"))
    assert oci_registry.tags("app") == {"1": made.digest}


def test_what_is_in_a_folder_is_there_for_the_next(tmp_path: Path) -> None:
    with registry(tmp_path) as first:
        made = first.put_image("app:1")
    with registry(tmp_path) as second:
        assert second.manifest("app", "1") == (made.media_type, made.manifest)


def test_without_pytest_it_works_too() -> None:
    script = (
        "import sys; sys.modules['pytest'] = None\n"
        "from manifest_tool.testing import registry\n"
        "with registry() as running: print(running.put_image('app:1').digest == running.tags('app')['1'])"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_options_are_passed_on(start_oci_registry: StartRegistry) -> None:
    guarded = start_oci_registry(accounts={"me": "secret"}, rules=Rules(sparse=True))
    account = {"Authorization": "Basic " + base64.b64encode(b"me:secret").decode()}
    made = image()
    headers = {"Content-Type": made.media_type, **account}
    statuses = [harness.request(guarded.host, "GET", "/v2/", headers=given)[0] for given in ({}, account)]
    statuses.append(harness.request(guarded.host, "PUT", "/v2/app/manifests/1", made.manifest, headers)[0])
    assert statuses == [401, 200, 201]
    assert [request.status for request in guarded.log] == statuses


@pytest.mark.parametrize("kept", ["memory", "disk"])
def test_limits_are_passed_on(start_oci_registry: StartRegistry, tmp_path: Path, kept: str) -> None:
    small = start_oci_registry(*([tmp_path] if kept == "disk" else []), limits=Limits(size=1000))
    digest = Digest.of(bytes(2000))
    target = f"/v2/app/blobs/uploads/?digest={digest}"
    assert harness.request(small.host, "POST", target, bytes(2000))[0] == 413
    assert small.blob("app", digest) is None


def test_several_know_nothing_of_each_other(oci_registry: Registry, start_oci_registry: StartRegistry) -> None:
    other = start_oci_registry()
    other.put_image("app:1")
    assert other.host != oci_registry.host
    assert oci_registry.store.repositories() == []
    oci_registry.latency = 0.001
    assert (oci_registry.faults.latency, other.faults.latency) == (0.001, 0)
