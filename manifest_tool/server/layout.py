"""Where a store on disk keeps what.

::

    blobs/sha256/ab/abcd…                           the bytes of blobs and manifests, once for all repositories
    repositories/<name>/_blobs/sha256/abcd…         empty; this repository has the blob
    repositories/<name>/_manifests/sha256/abcd…     this repository has the manifest; its media type, what it is about
    repositories/<name>/_tags/<tag>                 a digest
    uploads/<id>                                    what was received so far
    temporary/                                      what is being written
    lock                                            held by the process that has the store
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from manifest_tool.errors import InvalidDigest
from manifest_tool.oci.digest import Digest
from manifest_tool.server.names import is_name

BLOBS, MANIFESTS, TAGS = "_blobs", "_manifests", "_tags"
"""The folders of a repository; no part of a name begins with an underscore."""

_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_HEX = re.compile(r"[0-9a-f]{1,32}")

Found: TypeAlias = Iterator[tuple[Digest, Path]]


class Layout:
    """The paths below one folder."""

    def __init__(self, root: Path) -> None:
        self.lock = root / "lock"
        self.blobs = root / "blobs"
        self.repositories = root / "repositories"
        self.uploads = root / "uploads"
        self.temporary = root / "temporary"
        self.folders = (self.blobs, self.repositories, self.uploads, self.temporary)

    def bytes(self, digest: Digest) -> Path:
        return self.blobs / digest.algorithm / digest.hex[:2] / digest.hex

    def link(self, repository: str, kind: str, digest: Digest) -> Path:
        return self._folder(repository) / kind / digest.algorithm / digest.hex

    def tag(self, repository: str, tag: str) -> Path:
        return self._folder(repository) / TAGS / tag_file(tag)

    def all_bytes(self) -> Found:
        return _digests(self.blobs.glob("*/*/*"))

    def all_links(self, repository: str, kind: str) -> Found:
        return _digests((self._folder(repository) / kind).glob("*/*"))

    def all_tags(self, repository: str) -> Iterator[Path]:
        return (self._folder(repository) / TAGS).glob("*")

    def all_repositories(self) -> Iterator[str]:
        return _names(self.repositories, "")

    def _folder(self, repository: str) -> Path:
        if not is_name(repository):
            raise ValueError(f"{repository!r} is no name of a repository")
        return self.repositories / repository


def tag_file(tag: str) -> str:
    """The name of a tag's file: lower case, and which letters are not, for systems to which both are the same."""
    capitals = sum(1 << place for place, letter in enumerate(tag) if letter.isupper())
    return f"{tag.lower()},{capitals:x}" if capitals else tag


def tag_of(file: str) -> str | None:
    """The opposite of `tag_file`; none for a file that is none of ours."""
    tag, _, capitals = file.partition(",")
    upper = int(capitals, 16) if _HEX.fullmatch(capitals) else 0
    tag = "".join(letter.upper() if upper >> place & 1 else letter for place, letter in enumerate(tag))
    return tag if _TAG.fullmatch(tag) and tag_file(tag) == file else None


def _names(folder: Path, prefix: str) -> Iterator[str]:
    """The repositories below a folder that have ever had something; links to elsewhere are not followed."""
    names = [path.name for path in folder.iterdir() if path.is_dir() and not path.is_symlink()]
    if prefix and {BLOBS, MANIFESTS} & set(names):
        yield prefix.rstrip("/")
    for name in names:
        if is_name(f"{prefix}{name}"):
            yield from _names(folder / name, f"{prefix}{name}/")


def _digests(paths: Iterator[Path]) -> Found:
    """Those paths that have a digest for a name; others are none of ours."""
    for path in paths:
        try:
            yield Digest.parse(f"{_algorithm(path)}:{path.name}"), path
        except InvalidDigest:
            continue


def _algorithm(path: Path) -> str:
    """The folder of a digest, below which bytes are spread over more folders."""
    above = path.parent.name
    return path.parent.parent.name if path.name.startswith(above) else above
