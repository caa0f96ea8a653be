"""Where a store on disk keeps what.

::

    blobs/sha256/ab/abcd…                           the bytes of blobs and manifests, once for all repositories
    repositories/<name>/_blobs/sha256/abcd…         empty; this repository has the blob
    repositories/<name>/_manifests/sha256/abcd…     this repository has the manifest; its media type, what it is about
    repositories/<name>/_tags/<tag>                 a digest
    uploads/<id>                                    what was received so far
    temporary/                                      what is being written
    lock                                            held by the process that has the store
    version                                         of this layout
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from manifest_tool.errors import InvalidDigest
from manifest_tool.oci.digest import Digest
from manifest_tool.server.names import is_name

VERSION = 1
BLOBS, MANIFESTS, TAGS = "_blobs", "_manifests", "_tags"
"""The folders of a repository; no part of a name begins with an underscore."""

_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_HEX = re.compile(r"[0-9a-f]{1,32}")

Found: TypeAlias = Iterator[tuple[Digest, "os.DirEntry[str]"]]


class Layout:
    """The paths below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lock = root / "lock"
        self.version = root / "version"
        self.blobs = root / "blobs"
        self.repositories = root / "repositories"
        self.uploads = root / "uploads"
        self.temporary = root / "temporary"
        self.folders = (self.blobs, self.repositories, self.uploads, self.temporary)

    @property
    def names(self) -> frozenset[str]:
        """All that there is in the folder itself."""
        return frozenset(path.name for path in (self.lock, self.version, *self.folders))

    def bytes(self, digest: Digest) -> Path:
        return self.blobs / digest.algorithm / digest.hex[:2] / digest.hex

    def link(self, repository: str, kind: str, digest: Digest) -> Path:
        return self._folder(repository) / kind / digest.algorithm / digest.hex

    def tags(self, repository: str) -> Path:
        return self._folder(repository) / TAGS

    def tag(self, repository: str, tag: str) -> Path:
        return self.tags(repository) / tag_file(tag)

    def all_bytes(self) -> Found:
        for algorithm in _entries(self.blobs):
            for part in _entries(algorithm.path):
                found = _digests(algorithm.name, part.path)
                yield from ((digest, entry) for digest, entry in found if digest.hex[:2] == part.name)

    def all_links(self, repository: str, kind: str) -> Found:
        for algorithm in _entries(self._folder(repository) / kind):
            yield from _digests(algorithm.name, algorithm.path)

    def all_tags(self, repository: str) -> Iterator[tuple[str, str]]:
        for entry in _entries(self.tags(repository)):
            if (tag := tag_of(entry.name)) is not None:
                yield tag, entry.path

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
    names = [entry.name for entry in _entries(folder) if entry.is_dir(follow_symlinks=False)]
    if prefix and {BLOBS, MANIFESTS} & set(names):
        yield prefix.rstrip("/")
    for name in names:
        if is_name(f"{prefix}{name}"):
            yield from _names(folder / name, f"{prefix}{name}/")


def _entries(folder: Path | str) -> list[os.DirEntry[str]]:
    """What is in a folder, if it is one; all at once, so that some of it may be removed meanwhile."""
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        return list(entries)
    return []


def _digests(algorithm: str, folder: str) -> Found:
    """The files of a folder that have a digest for a name; others are none of ours."""
    for entry in _entries(folder):
        with suppress(InvalidDigest):
            yield Digest.parse(f"{algorithm}:{entry.name}"), entry
