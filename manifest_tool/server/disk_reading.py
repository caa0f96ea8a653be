"""What is read of a store on disk: the names from memory, and the bytes from their files."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from manifest_tool.server.cache import Cache
from manifest_tool.server.named import Named
from manifest_tool.server.store import Stored

if TYPE_CHECKING:
    from manifest_tool.oci.digest import Digest
    from manifest_tool.server.layout import Layout
    from manifest_tool.server.limits import Limits

_HOT = 32 * 1024 * 1024
"""Bytes of manifests that are held in memory."""


@dataclass(frozen=True, slots=True)
class DiskBlob:
    """A blob of a `DiskStore`."""

    path: Path
    size: int

    def open(self) -> BinaryIO:
        return self.path.open("rb")


class Reading(Named):
    """The half of a `DiskStore` that changes nothing."""

    def __init__(self, layout: Layout, limits: Limits) -> None:
        super().__init__(limits)
        self._layout = layout
        self._manifests: Cache[Digest] = Cache(_HOT)

    def blob(self, repository: str, digest: Digest) -> DiskBlob | None:
        with self._lock:
            found = digest in self._contents.repository(repository).blobs
            size = self._contents.size(digest) if found else None
        if size is None:
            return None
        path = self._layout.bytes(digest)
        try:
            return DiskBlob(path, size) if path.stat().st_size == size else None
        except FileNotFoundError:
            return None  # deleted just now, or lost

    def manifest(self, repository: str, digest: Digest) -> Stored | None:
        with self._lock:
            entry = self._contents.repository(repository).manifests.get(digest)
            raw = self._manifests.get(digest)
        if entry is None:
            return None
        if raw is None:
            try:
                raw = self._layout.bytes(digest).read_bytes()
            except FileNotFoundError:
                return None  # deleted just now
            if not digest.matches(raw):
                raise OSError(errno.EIO, f"the bytes of {digest} are damaged")
            with self._lock:
                self._manifests.put(digest, raw)
        return Stored(entry.media_type, raw)
