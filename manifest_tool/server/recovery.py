"""What a store on disk finds when it is opened: everything that was acknowledged, and nothing that is half there."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path

from manifest_tool.errors import InvalidDigest
from manifest_tool.oci.digest import Digest
from manifest_tool.server.contents import Contents, Entry
from manifest_tool.server.layout import BLOBS, MANIFESTS, Layout
from manifest_tool.server.sessions import is_id


def look(layout: Layout, contents: Contents) -> list[Path]:
    """Read all names, and change nothing; gives the litter: names of what is not there, and bytes without a name."""
    sizes = {digest: entry.stat().st_size for digest, entry in layout.all_bytes()}
    litter = list[Path]()
    for repository in layout.all_repositories():
        contents.make(repository)
        for read in (_blobs, _manifests):
            litter.extend(Path(path) for path in read(layout, repository, sizes, contents))
        litter.extend(Path(path) for path in _tags(layout, repository, contents))
    litter.extend(layout.bytes(digest) for digest in sizes if contents.size(digest) is None)
    return litter


def uploads(layout: Layout) -> Iterator[tuple[Path, float]]:
    """The uploads that can be gone on with, and how many seconds nobody has."""
    now = time.time()
    for path in layout.uploads.iterdir():
        if is_id(path.name):
            yield path, max(now - path.stat().st_mtime, 0.0)


def _blobs(layout: Layout, repository: str, sizes: dict[Digest, int], contents: Contents) -> Iterator[str]:
    """What is read is put into the contents; gives the files that are litter. So do the next ones."""
    for digest, link in layout.all_links(repository, BLOBS):
        size = sizes.get(digest)
        if size is None:
            yield link.path
        else:
            contents.add_blob(repository, digest, size)


def _manifests(layout: Layout, repository: str, sizes: dict[Digest, int], contents: Contents) -> Iterator[str]:
    for digest, link in layout.all_links(repository, MANIFESTS):
        size, entry = sizes.get(digest), read_entry(_text(link.path))
        if size is None or entry is None:
            yield link.path
        else:
            contents.add_manifest(repository, digest, entry, size)


def _tags(layout: Layout, repository: str, contents: Contents) -> Iterator[str]:
    manifests = contents.repository(repository).manifests
    for tag, path in layout.all_tags(repository):
        try:
            target = Digest.parse(_text(path))
        except InvalidDigest:
            target = None
        if target in manifests:
            contents.move(repository, [tag], target)
        else:
            yield path


def _text(path: str) -> str:
    with io.FileIO(path) as file:
        return file.readall().decode(errors="replace")


def write_entry(entry: Entry) -> bytes:
    """What a file says of a manifest: its media type, and in the next line what it is about."""
    return f"{entry.media_type}\n{entry.subject or ''}\n".encode()


def read_entry(text: str) -> Entry | None:
    """The opposite of `write_entry`; none where that is not what it is."""
    media_type, *rest = text.split("\n")
    if len(rest) != 2:
        return None
    try:
        return Entry(media_type, Digest.parse(rest[0]) if rest[0] else None)
    except InvalidDigest:
        return None
