"""How an upload becomes a blob of a store, or does not."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic

from manifest_tool.server.sessions import AnySession, Sessions

if TYPE_CHECKING:
    from manifest_tool.oci.digest import Digest
    from manifest_tool.server.limits import Limits


class Uploading(ABC, Generic[AnySession]):
    """The part of a store that has the uploads."""

    def __init__(self, limits: Limits) -> None:
        self._sessions: Sessions[AnySession] = Sessions(limits)

    def begin(self, repository: str) -> AnySession:
        return self._sessions.open(repository, self._session)

    def upload(self, repository: str, identity: str) -> AnySession | None:
        return self._sessions.find(repository, identity)

    def commit(self, repository: str, identity: str, digest: Digest, turn: int | None = None) -> bool:
        upload = self._sessions.close(repository, identity, turn)
        if upload is None:
            return False
        kept = False
        try:
            if not upload.matches(digest):
                return False
            kept = self._keep(repository, digest, upload)
            return True
        finally:
            if not kept:
                upload.drop()

    def discard(self, repository: str, identity: str) -> bool:
        upload = self._sessions.close(repository, identity)
        if upload is not None:
            upload.drop()
        return upload is not None

    def expire(self) -> None:
        self._sessions.expire()

    @abstractmethod
    def _session(self, identity: str) -> AnySession: ...

    @abstractmethod
    def _keep(self, repository: str, digest: Digest, upload: AnySession) -> bool:
        """Make an upload a blob; whether the room that it took is that of the blob now."""
