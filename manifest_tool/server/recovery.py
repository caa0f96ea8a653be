"""What a store on disk finds when it is opened: everything that was acknowledged, and nothing that is half there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from manifest_tool.errors import InvalidDigest
from manifest_tool.oci.digest import Digest
from manifest_tool.server.contents import Contents, Entry
from manifest_tool.server.layout import BLOBS, MANIFESTS, Layout, tag_of
from manifest_tool.server.sessions import is_id


def contents(layout: Layout) -> Contents:
    """Read all names; those of what is not there go, and so do bytes that nobody has a name for."""
    sizes = {digest: path.stat().st_size for digest, path in layout.all_bytes()}
    found = Contents()
    for repository in layout.all_repositories():
        found.make(repository)
        _blobs(layout, repository, sizes, found)
        _manifests(layout, repository, sizes, found)
        _tags(layout, repository, found)
    for digest, path in list(layout.all_bytes()):
        if found.size(digest) is None:
            path.unlink()
    return found


def uploads(layout: Layout) -> Iterator[tuple[Path, float]]:
    """The uploads that can be gone on with, and how many seconds nobody has."""
    now = time.time()
    for path in layout.uploads.iterdir():
        if is_id(path.name):
            yield path, max(now - path.stat().st_mtime, 0.0)


def _blobs(layout: Layout, repository: str, sizes: dict[Digest, int], found: Contents) -> None:
    for digest, path in list(layout.all_links(repository, BLOBS)):
        if digest in sizes:
            found.add_blob(repository, digest, sizes[digest])
        else:
            path.unlink()


def _manifests(layout: Layout, repository: str, sizes: dict[Digest, int], found: Contents) -> None:
    for digest, path in list(layout.all_links(repository, MANIFESTS)):
        entry = read_entry(_text(path))
        if digest in sizes and entry is not None:
            found.add_manifest(repository, digest, entry, sizes[digest])
        else:
            path.unlink()


def _tags(layout: Layout, repository: str, found: Contents) -> None:
    kept = found.repository(repository)
    for path in list(layout.all_tags(repository)):
        tag = tag_of(path.name)
        if tag is None:
            continue
        try:
            target = Digest.parse(_text(path))
        except InvalidDigest:
            target = None
        if target in kept.manifests:
            kept.tags[tag] = target
        else:
            path.unlink()


def _text(path: Path) -> str:
    return path.read_bytes().decode(errors="replace")


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
