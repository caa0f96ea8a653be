"""The sample images, and a second client that puts images into any registry."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from urllib.parse import urlsplit

from manifest_tool.oci.digest import Digest
from manifest_tool.oci.platform import Platform
from manifest_tool.testing.images import Image, Index, Media, attested_index, image, index, root_file_system, sbom

__all__ = (
    "PLATFORMS",
    "Image",
    "Index",
    "Media",
    "attested_index",
    "image",
    "index",
    "push",
    "root_file_system",
    "sample_images",
    "sbom",
)

PLATFORMS = tuple(
    Platform.parse(text)
    for text in ("linux/amd64", "linux/arm64/v8", "linux/arm/v7", "linux/386", "linux/ppc64le", "linux/s390x")
)


def sample_images(*, media: Media = "docker") -> tuple[Image, ...]:
    """The same small program for six platforms; each names its platform in ``/etc/motd``."""
    return tuple(image(platform, media=media) for platform in PLATFORMS)


def push(host: str, repository: str, image: Image | Index, tag: str = "") -> Digest:
    """Push over plain HTTP with the standard library alone, under a tag or by digest; gives the digest back."""
    connection = http.client.HTTPConnection(host, timeout=30)
    try:
        children = image.images if isinstance(image, Index) else ()
        for one in children or (image,):
            if isinstance(one, Image):
                _push_blobs(connection, repository, one)
        for child in children:
            _put(connection, f"/v2/{repository}/manifests/{child.digest}", child.manifest, child.media_type)
        which = tag or image.digest
        _put(connection, f"/v2/{repository}/manifests/{which}", image.manifest, image.media_type)
        return image.digest
    finally:
        connection.close()


def _push_blobs(connection: http.client.HTTPConnection, repository: str, image: Image) -> None:
    for blob in image.blobs:
        location = _request(connection, "POST", f"/v2/{repository}/blobs/uploads/", expected=202)
        parts = urlsplit(location)
        query = f"{parts.query}&digest={Digest.of(blob)}".lstrip("&")
        _put(connection, f"{parts.path}?{query}", blob, "application/octet-stream")


def _put(connection: http.client.HTTPConnection, target: str, body: bytes, media_type: str) -> None:
    _request(connection, "PUT", target, body, {"Content-Type": media_type}, expected=201)


def _request(
    connection: http.client.HTTPConnection,
    method: str,
    target: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    expected: int,
) -> str:
    connection.request(method, target, body, {"Content-Length": str(len(body)), **(headers or {})})
    response = connection.getresponse()
    answer = response.read()
    if response.status != expected:
        raise ConnectionError(f"{method} {target}: {response.status} {answer.decode(errors='replace')[:500]}")
    return response.headers.get("Location", "")
