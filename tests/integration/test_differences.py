"""The differences from the Go manifest-tool, in the order of the README's table."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from integration import images
from integration.images import Image, Index
from manifest_tool.cli import app
from manifest_tool.oci import media_type as types
from manifest_tool.oci.platform import Platform
from manifest_tool.server.actions import Answer
from manifest_tool.server.serve import Running, serving
from tests import seeds

AMD64, ARM64, ARMV7 = images.sample_images()[:3]
TWO = "image: HOST/app:1\nmanifests: [{image: 'HOST/app:a'}, {image: 'HOST/app:b'}]\n"

Push: TypeAlias = Callable[..., tuple[int, str]]


@pytest.fixture
def push(embedded: Running, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Push:
    """Publish a spec in which HOST is the embedded registry; gives the exit code and what stderr says."""

    def run(spec: str, *options: str) -> tuple[int, str]:
        path = tmp_path / "spec.yaml"
        path.write_text(spec.replace("HOST", embedded.host))
        code = app.run(["--retries", "0", "push", "from-spec", str(path), *options])
        return code, capfd.readouterr().err

    return run


def seed(registry: Running, **found: Image | Index) -> None:
    """Push to tags of ``app``."""
    for tag, image in found.items():
        images.push(registry.host, "app", image, tag)


def platforms(registry: Running, repository: str, tag: str) -> list[str]:
    found = registry.manifest(repository, tag)
    assert found
    manifests: list[dict[str, Any]] = json.loads(found[1])["manifests"]
    return [str(Platform.from_json(entry["platform"])) for entry in manifests]


def writes(registry: Running) -> list[str]:
    return [request.method for request in registry.log if request.method not in {"GET", "HEAD"}]


@pytest.mark.parametrize(("status", "code"), [(403, 4), (500, 5)])
def test_ignore_missing_stops_at_what_is_refused_or_broken(
    embedded: Running, push: Push, status: int, code: int
) -> None:
    seed(embedded, a=AMD64, b=ARM64)
    embedded.faults.add(Answer(status), method="GET", path="/v2/app/manifests/b")
    assert push(TWO, "--ignore-missing")[0] == code
    assert "1" not in embedded.tags("app")


def test_ignore_missing_leaves_out_what_is_not_there(embedded: Running, push: Push) -> None:
    seed(embedded, a=AMD64)
    assert push(TWO)[0] == 3
    assert push(TWO, "--ignore-missing")[0] == 0
    assert platforms(embedded, "app", "1") == ["linux/amd64"]


@pytest.mark.parametrize("status", [202, 400, 401, 403, 404, 405])
def test_what_cannot_be_mounted_is_copied(embedded: Running, push: Push, status: int) -> None:
    seed(embedded, a=AMD64)
    if status == 202:
        embedded.faults.add(_declined, method="POST", path="mount=")
    else:
        embedded.faults.add(Answer(status), method="POST", path="mount=")
    assert push("image: HOST/other:1\nmanifests: [{image: 'HOST/app:a'}]")[0] == 0
    assert platforms(embedded, "other", "1") == ["linux/amd64"]


async def _declined(request: Any, handler: Any) -> Any:
    """Open an upload in place of the mount."""
    return await handler(request.clone(rel_url=request.rel_url.with_query(None)))


def test_sources_may_lie_in_another_registry(embedded: Running, push: Push) -> None:
    with serving() as other:
        seed(other, a=AMD64)
        assert push(f"image: HOST/new:1\nmanifests: [{{image: '{other.host}/app:a'}}]")[0] == 0
    assert platforms(embedded, "new", "1") == ["linux/amd64"]


@pytest.mark.parametrize("manifests", ["[]", "", "null"])
def test_an_index_of_nothing_is_an_error(embedded: Running, push: Push, manifests: str) -> None:
    assert push(f"image: HOST/app:1\nmanifests: {manifests}\n")[0] == 2
    assert not list(embedded.log)


def test_a_target_without_a_tag_takes_the_first_of_the_tags(embedded: Running, push: Push) -> None:
    seed(embedded, a=AMD64)
    assert push("image: HOST/app\ntags: [x, y]\nmanifests: [{image: 'HOST/app:a'}]")[0] == 0
    assert set(embedded.tags("app")) == {"a", "x", "y"}


def test_a_target_without_any_tag_is_latest(embedded: Running, push: Push) -> None:
    seed(embedded, a=AMD64)
    code, stderr = push("image: HOST/app\nmanifests: [{image: 'HOST/app:a'}]")
    assert code == 0
    assert "has no tag, and becomes" in stderr
    assert set(embedded.tags("app")) == {"a", "latest"}


def test_a_bad_tag_is_found_before_anything_is_written(embedded: Running, push: Push) -> None:
    seed(embedded, a=AMD64)
    before = len(writes(embedded))
    assert push("image: HOST/app:1\ntags: [ok, 'no good']\nmanifests: [{image: 'HOST/app:a'}]")[0] == 2
    assert len(writes(embedded)) == before


@pytest.mark.parametrize(
    "keys", ["os.version: 10.0.1, os.features: [win32k]", "osversion: 10.0.1, osfeatures: [win32k]"]
)
def test_versions_and_features_of_the_system_are_published(embedded: Running, push: Push, keys: str) -> None:
    seed(embedded, a=AMD64)
    platform = f"{{os: windows, architecture: amd64, {keys}}}"
    assert push(f"image: HOST/app:1\nmanifests: [{{image: 'HOST/app:a', platform: {platform}}}]")[0] == 0
    found = embedded.manifest("app", "1")
    assert found
    published = json.loads(found[1])["manifests"][0]["platform"]
    assert (published["os.version"], published["os.features"]) == ("10.0.1", ["win32k"])


def test_an_unknown_key_is_told_with_the_nearest(embedded: Running, push: Push) -> None:
    seed(embedded, a=AMD64)
    spec = "image: HOST/app:1\ntag: [x]\nmanifests: [{image: 'HOST/app:a'}]"
    code, stderr = push(spec)
    assert code == 0
    assert "unknown key 'tag' (did you mean tags?)" in stderr
    assert push(spec, "--strict")[0] == 2


@pytest.mark.parametrize(
    "platform", ["linux/amd64/v2", "linux/amd64/v3", "linux/arm64/v9", "linux/riscv64/rva22u64", "linux/arm/v8"]
)
def test_every_variant_of_the_image_spec_is_published(embedded: Running, push: Push, platform: str) -> None:
    seed(embedded, a=seeds.build(platform))
    assert push(f"image: HOST/app:1\nmanifests: [{{image: 'HOST/app:a', platform: {platform}}}]")[0] == 0
    assert platforms(embedded, "app", "1") == [platform]


def test_a_platform_selects_from_an_index(embedded: Running, push: Push) -> None:
    seed(embedded, all=images.index(images.sample_images()))
    assert push("image: HOST/app:1\nmanifests: [{image: 'HOST/app:all', platform: linux/arm/v7}]")[0] == 0
    assert platforms(embedded, "app", "1") == ["linux/arm/v7"]
    code, stderr = push("image: HOST/app:2\nmanifests: [{image: 'HOST/app:all', platform: linux/riscv64}]")
    assert (code, "has no image for linux/riscv64" in stderr) == (3, True)


def test_what_attests_to_a_selected_image_comes_along(embedded: Running, push: Push) -> None:
    seed(embedded, all=images.attested_index(images.sample_images(media="oci")[0]))
    assert push("image: HOST/app:1\nmanifests: [{image: 'HOST/app:all', platform: linux/amd64}]")[0] == 0
    assert platforms(embedded, "app", "1") == ["linux/amd64", "unknown/unknown"]


def test_an_index_inside_an_index_is_opened(embedded: Running, push: Push) -> None:
    inner = images.index([AMD64, ARM64])
    seed(embedded, inner=inner)
    outer, media_type = seeds.index_of([seeds.descriptor(inner.manifest, types.OCI_INDEX), ARMV7.descriptor])
    seed(embedded, armv7=ARMV7)
    embedded.put_manifest("app", outer, media_type, "outer")
    assert push("image: HOST/app:1\nmanifests: [{image: 'HOST/app:outer'}]")[0] == 0
    assert platforms(embedded, "app", "1") == ["linux/amd64", "linux/arm64/v8", "linux/arm/v7"]


def test_an_image_of_an_index_that_has_no_platform_is_named(embedded: Running, push: Push) -> None:
    seed(embedded, a=AMD64)
    index, media_type = seeds.index_of([seeds.descriptor(AMD64.manifest, AMD64.media_type)])
    embedded.put_manifest("app", index, media_type, "bare")
    code, stderr = push("image: HOST/app:1\nmanifests: [{image: 'HOST/app:bare'}]")
    assert code == 5
    assert f"does not tell the platform of {AMD64.digest}" in stderr


def test_arm64_and_its_v8_are_the_same_platform(embedded: Running, push: Push) -> None:
    seed(embedded, a=seeds.build("linux/arm64"), b=ARM64)
    code, stderr = push(TWO)
    assert code == 2
    assert "is for linux/arm64/v8, which" in stderr


def test_a_template_may_name_a_placeholder_twice(embedded: Running) -> None:
    images.push(embedded.host, "amd64/app", AMD64, "1-amd64")
    arguments = ["--platforms", "linux/amd64", "--template", f"{embedded.host}/ARCH/app:1-ARCH"]
    assert app.run(["push", "from-args", *arguments, "--target", f"{embedded.host}/app:1"]) == 0
    assert platforms(embedded, "app", "1") == ["linux/amd64"]


def test_a_source_without_a_tag_is_latest(embedded: Running, push: Push) -> None:
    seed(embedded, latest=AMD64)
    assert push("image: HOST/app:1\nmanifests: [{image: 'HOST/app'}]")[0] == 0
    assert platforms(embedded, "app", "1") == ["linux/amd64"]


@pytest.mark.parametrize(
    ("spec", "options", "told"),
    [
        (
            "image: HOST/app:1@sha256:" + "1" * 64 + "\nmanifests: [{image: 'HOST/app:a'}]\n",
            (),
            "the target has a digest",
        ),
        (TWO, ("--type", "bogus"), "'bogus'"),
    ],
)
def test_what_the_original_passes_over_is_an_error(
    embedded: Running, push: Push, spec: str, options: tuple[str, ...], told: str
) -> None:
    seed(embedded, a=AMD64, b=ARM64)
    code, said = push(spec, *options)
    assert (code, told in said) == (2, True)
    assert "1" not in embedded.tags("app")


def test_each_document_of_a_file_is_a_spec(embedded: Running, push: Push) -> None:
    seed(embedded, a=AMD64, b=ARM64)
    one = "image: HOST/app:1\nmanifests: [{image: 'HOST/app:a'}]\n"
    assert push(f"{one}---\nimage: b\n")[0] == 2
    assert "1" not in embedded.tags("app")
    assert push(f"{one}---\n{one.replace('app:1', 'app:2')}")[0] == 0
    assert {"1", "2"} <= set(embedded.tags("app"))


def test_a_put_that_was_not_done_is_no_success(embedded: Running, push: Push) -> None:
    seed(embedded, a=AMD64, b=ARM64)
    embedded.faults.add(Answer(200, b"<html>hello"), method="PUT")
    code, said = push(TWO)
    assert (code, "the registry did not store" in said) == (5, True)
