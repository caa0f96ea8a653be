"""What the Dockerfile and the spec of a release say about the version, and what the build is shown of a checkout."""

from __future__ import annotations

import re

from integration.image import BASE
from integration.trial import HOST, ROOT
from manifest_tool import __version__
from manifest_tool.spec import load
from tests.spec.parts import one

DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_the_label_has_the_version_of_the_package() -> None:
    assert re.findall(r'image\.version="(.*)"', DOCKERFILE) == [__version__]


def test_the_usual_base_is_the_one_that_is_tried_first() -> None:
    assert re.findall(r"^ARG BASE=(.*)$", DOCKERFILE, re.MULTILINE) == [BASE]


def test_the_release_is_of_the_version_of_the_package() -> None:
    spec = one(load.load(str(ROOT / "specs" / "manifest-tool.yaml"), strict=True))
    assert str(spec.reference) == f"{HOST}/manifest-tool:{__version__}"
    assert spec.annotations["org.opencontainers.image.version"] == __version__
    assert spec.tags == (__version__, __version__.rpartition(".")[0], "latest")
    assert [entry.reference.tag for entry in spec.entries] == [f"{__version__}-amd64", f"{__version__}-arm64"]


def test_the_build_sees_what_the_wheel_is_made_of() -> None:
    shown = re.findall(r"^!(.*)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    assert sorted(shown) == ["LICENSE", "README.md", "manifest_tool", "pyproject.toml", "schemas"]
