"""Real images: Debian's static busybox for six architectures.

apt fetches and verifies the packages, with lists and a cache of its own below ``.cache/``, so that nothing of the
machine changes and no privilege is needed. What was fetched is kept there.
"""

from __future__ import annotations

import fcntl
import io
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from integration import images
from integration.trial import ROOT
from manifest_tool.oci.platform import Platform

if TYPE_CHECKING:
    from integration.images import Image, Media

CACHE = ROOT / ".cache" / "busybox"
PLATFORMS = {
    "amd64": Platform.parse("linux/amd64"),
    "arm64": Platform.parse("linux/arm64/v8"),
    "armhf": Platform.parse("linux/arm/v7"),
    "i386": Platform.parse("linux/386"),
    "ppc64el": Platform.parse("linux/ppc64le"),
    "s390x": Platform.parse("linux/s390x"),
}
"""By Debian's names of architectures."""

_PACKAGE = "busybox-static"
_SOURCES = Path("/etc/apt")
_DEBIAN = re.compile(r"debian-archive-keyring|://\S+/debian/?\s")
_SECONDS = 120
_CONFIG = """\
Dir::State "{folder}";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Etc::sourcelist "{sources}";
Dir::Etc::sourceparts "/dev/null";
APT::Architectures {{ {architectures} }};
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::http::Timeout "15";
"""


class Unavailable(Exception):
    """The packages can not be fetched here."""


def build(media: Media = "docker") -> tuple[Image, ...]:
    """An image for each platform; raises `Unavailable`."""
    packages = fetch()
    return tuple(images.image(PLATFORMS[name], [_layer(path)], media=media) for name, path in packages.items())


def fetch() -> dict[str, Path]:
    """The package of each architecture, from the cache where it is there."""
    packages = {name: CACHE / f"{name}.deb" for name in PLATFORMS}
    with _alone():
        if not all(path.exists() for path in packages.values()):
            _download(packages)
    return packages


@contextmanager
def _alone() -> Iterator[None]:
    """One process at a time, as tests run in several."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _download(packages: dict[str, Path]) -> None:
    with tempfile.TemporaryDirectory(dir=CACHE) as name:
        folder = Path(name)
        for part in ("lists/partial", "cache/archives/partial"):
            (folder / part).mkdir(parents=True)
        (folder / "status").touch()
        architectures = " ".join(f'"{architecture}";' for architecture in packages)
        text = _CONFIG.format(folder=folder, sources=_debian(), architectures=architectures)
        (folder / "apt.conf").write_text(text)
        # One list of many that fails does no harm; what is missing then is told by the download.
        _apt(folder, "update", check=False)
        _apt(folder, "download", *(f"{_PACKAGE}:{architecture}" for architecture in packages))
        for architecture, path in packages.items():
            next(folder.glob(f"{_PACKAGE}_*_{architecture}.deb")).replace(path)


def _debian() -> Path:
    """The machine's own list of Debian's archives."""
    for path in (_SOURCES / "sources.list", *sorted((_SOURCES / "sources.list.d").glob("*"))):
        if path.suffix in {".list", ".sources"} and path.is_file() and _DEBIAN.search(path.read_text()):
            return path
    raise Unavailable("apt knows no Debian archive")


def _apt(folder: Path, *arguments: str, check: bool = True) -> None:
    program = shutil.which("apt-get")
    if program is None:
        raise Unavailable("apt-get is not installed")
    environment = {**os.environ, "APT_CONFIG": str(folder / "apt.conf"), "LC_ALL": "C"}
    try:
        done = subprocess.run(
            [program, "--quiet", *arguments],
            capture_output=True,
            check=False,
            cwd=folder,
            env=environment,
            text=True,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"apt-get {arguments[0]} takes too long") from None
    if check and done.returncode:
        raise Unavailable(f"apt-get {arguments[0]} cannot fetch {_PACKAGE}")


def _layer(package: Path) -> bytes:
    """The program as a root file system that can be run."""
    program = _program(package)
    hello = b"#!/bin/sh\nexec /bin/busybox uname -m\n"
    files = {"bin/busybox": program, "bin/hello": hello, "bin/sh": program}
    return images.root_file_system(files, executables=list(files))


def _program(package: Path) -> bytes:
    if (dpkg := shutil.which("dpkg-deb")) is None:
        raise Unavailable("dpkg-deb is not installed")
    unpacked = subprocess.run([dpkg, "--fsys-tarfile", package], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(unpacked)) as archive:
        file = archive.extractfile("./bin/busybox")
        if file is None:
            raise Unavailable(f"{package.name} has no bin/busybox")
        return file.read()
