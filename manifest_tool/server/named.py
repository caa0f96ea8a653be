"""The names that a store has, for whoever asks."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from manifest_tool.server.contents import Contents

if TYPE_CHECKING:
    from manifest_tool.oci.digest import Digest
    from manifest_tool.server.limits import Limits


class Named:
    """The part of a store that names alone answer."""

    def __init__(self, limits: Limits) -> None:
        self._lock = threading.Lock()
        """Of the contents; never held for as long as a disk takes."""
        self._contents = Contents(limits.names)

    def repositories(self) -> list[str]:
        with self._lock:
            return self._contents.names()

    def has_repository(self, repository: str) -> bool:
        with self._lock:
            return self._contents.has(repository)

    def has_manifest(self, repository: str, digest: Digest) -> bool:
        with self._lock:
            return digest in self._contents.repository(repository).manifests

    def manifests(self, repository: str) -> list[Digest]:
        with self._lock:
            return list(self._contents.repository(repository).manifests)

    def referrers(self, repository: str, subject: Digest) -> list[Digest]:
        with self._lock:
            return list(self._contents.repository(repository).referrers.get(subject, ()))

    def tag(self, repository: str, tag: str) -> Digest | None:
        with self._lock:
            return self._contents.repository(repository).tags.get(tag)

    def tags(self, repository: str) -> Mapping[str, Digest]:
        with self._lock:
            return dict(self._contents.repository(repository).tags)
