"""The sample images, put where the example specs look for them: ``python -m integration.samples localhost:5000``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from integration import images
from manifest_tool import __version__

if TYPE_CHECKING:
    from manifest_tool.oci.platform import Platform


def seed(host: str) -> None:
    """Push every source of the example specs to a registry that speaks plain HTTP."""
    docker, oci = images.sample_images(), images.sample_images(media="oci")
    for image in docker:
        images.push(host, f"acme/app-{suffix(image.platform)}", image, "1.10")
    for image in docker[:3]:
        images.push(host, "acme/tool", image, f"2.0-{suffix(image.platform)}")
    for image in oci[:2]:
        images.push(host, f"acme/web-{suffix(image.platform)}", image, "3.1")
        images.push(host, f"acme/api-{suffix(image.platform)}", images.attested_index(image), "1.0")
        images.push(host, "manifest-tool", image, f"{__version__}-{suffix(image.platform)}")
    images.push(host, "acme/web-arm64", images.sbom(oci[1]), "")
    images.push(host, "acme/base", images.index(oci), "1.0")


def suffix(platform: Platform) -> str:
    """The platform as it ends the names of repositories and tags: ``amd64``, ``armv7``."""
    variant = platform.variant if platform.architecture == "arm" else ""
    return platform.architecture + variant


if __name__ == "__main__":
    seed(sys.argv[1] if len(sys.argv) > 1 else "localhost:5000")
