"""The images that are pushed: as many platforms as are wanted, five small layers each."""

from __future__ import annotations

import http.client
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from integration import images
from manifest_tool.oci.platform import Platform

if TYPE_CHECKING:
    from integration.images import Image

LAYERS = 5
_MOUNTED = 201
_LINUX = ("amd64", "arm64", "arm/v7", "386", "ppc64le", "s390x", "riscv64", "arm/v6", "arm/v5", "mips64le", "mips64")
_BSD = ("freebsd/amd64", "freebsd/386", "freebsd/arm", "netbsd/amd64", "openbsd/amd64")
_OTHER = ("darwin/amd64", "darwin/arm64", "windows/amd64", "solaris/amd64")
PLATFORMS = tuple(map(Platform.parse, (*(f"linux/{name}" for name in _LINUX), *_BSD, *_OTHER)))
"""All that ``docker manifest`` knows, too."""


def make(count: int) -> tuple[Image, ...]:
    """The images for the first platforms."""
    return tuple(
        images.image(platform, [_layer(platform, one) for one in range(LAYERS)], media="docker")
        for platform in PLATFORMS[:count]
    )


def _layer(platform: Platform, number: int) -> bytes:
    return images.root_file_system({f"opt/{number}": f"{platform} {number}\n".encode() * 20})


@dataclass(frozen=True, slots=True)
class Sources:
    """Images in a registry, each in a repository of its own or all in one."""

    names: tuple[str, ...]
    """Repository and tag of each."""
    images: tuple[Image, ...]


class Shelf:
    """Puts images into a registry, through its direct door."""

    def __init__(self, direct: str) -> None:
        self._direct = direct
        self._all: tuple[Sources, ...] = ()
        self._numbers = itertools.count(1)
        self._sets: list[tuple[str, ...]] = []

    def fresh(self) -> str:
        """A repository that nobody has used."""
        return f"bench/target-{next(self._numbers)}"

    def apart(self, count: int) -> Sources:
        """Images in repositories of their own; put there once."""
        for made in make(count)[len(self._all) :]:
            name = f"bench/source-{len(self._all)}"
            images.push(self._direct, name, made, "1")
            self._all += (Sources((f"{name}:1",), (made,)),)
        chosen = self._all[:count]
        return Sources(tuple(one.names[0] for one in chosen), tuple(one.images[0] for one in chosen))

    def together(self, count: int, repository: str) -> Sources:
        """The same in one repository, mounted there."""
        found = self.apart(count)
        connection = http.client.HTTPConnection(self._direct, timeout=30)
        try:
            for number, (name, image) in enumerate(zip(found.names, found.images, strict=True)):
                _mount(connection, repository, name.partition(":")[0], image, f"image-{number}")
        finally:
            connection.close()
        return Sources(tuple(f"{repository}:image-{number}" for number in range(count)), found.images)

    def sets(self, count: int, platforms: int) -> list[tuple[str, ...]]:
        """So many sets of images, each image of each in a repository of its own; put there once."""
        found = self.apart(platforms)
        connection = http.client.HTTPConnection(self._direct, timeout=30)
        try:
            while len(self._sets) < count:
                names = [f"bench/set-{len(self._sets)}/{number}" for number in range(platforms)]
                for repository, name, image in zip(names, found.names, found.images, strict=True):
                    _mount(connection, repository, name.partition(":")[0], image, "1")
                self._sets.append(tuple(f"{name}:1" for name in names))
        finally:
            connection.close()
        return self._sets[:count]

    def index(self, count: int, repository: str) -> str:
        """An index of such images; gives its name."""
        self.together(count, repository)
        images.push(self._direct, repository, images.index(make(count), media="docker"), "1")
        return f"{repository}:1"


def _mount(connection: http.client.HTTPConnection, repository: str, source: str, image: Image, tag: str) -> None:
    manifest = json.loads(image.manifest)
    for blob in (manifest["config"], *manifest["layers"]):
        _send(connection, "POST", f"/v2/{repository}/blobs/uploads/?mount={blob['digest']}&from={source}")
    _send(connection, "PUT", f"/v2/{repository}/manifests/{tag}", image.manifest, image.media_type)


def _send(connection: http.client.HTTPConnection, method: str, target: str, body: bytes = b"", kind: str = "") -> None:
    headers = {"Content-Length": str(len(body)), **({"Content-Type": kind} if kind else {})}
    connection.request(method, target, body, headers)
    response = connection.getresponse()
    answer = response.read()
    if response.status != _MOUNTED:
        raise ConnectionError(f"{method} {target}: {response.status} {answer.decode(errors='replace')[:300]}")


def spec(host: str, target: str, sources: Sequence[str]) -> str:
    """A spec that publishes sources; their configs tell the platforms."""
    entries = [{"image": f"{host}/{name}"} for name in sources]
    return json.dumps({"image": f"{host}/{target}", "manifests": entries})
