"""What a registry keeps: the interface of a store."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Protocol

from manifest_tool.oci.descriptor import Descriptor
from manifest_tool.server.contents import Entry

if TYPE_CHECKING:
    from manifest_tool.oci.digest import Digest, Hasher

ALGORITHM = "sha256"
"""What an upload is digested with as it comes, where nobody says which digest it will get."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A manifest as it was put: its bytes, and the type they are served with."""

    media_type: str
    raw: bytes = field(repr=False)


class Blob(Protocol):
    """Bytes that can be opened as often as needed."""

    @property
    def size(self) -> int: ...

    def open(self) -> BinaryIO: ...


class Upload(Protocol):
    """The session of one blob's upload; see `manifest_tool.server.sessions.Session`."""

    @property
    def id(self) -> str: ...

    @property
    def size(self) -> int:
        """How many bytes were received so far."""

    def expect(self, hasher: Hasher) -> None: ...

    def take_over(self) -> int: ...

    def write(self, data: bytes, turn: int | None = None) -> None: ...


class Store(Protocol):
    """Repositories of blobs, manifests and tags; safe to use from several threads.

    A blob that was pushed to one repository is not in another one until it is mounted there, as in registries that
    guard repositories one by one; its bytes are kept once. What others need is not looked at when something is deleted.
    What changes something may take its time, and raise `Full` of `manifest_tool.server.room`. The disk of one that lies
    on a disk may fail with an `OSError`.
    """

    def repositories(self) -> list[str]:
        """Every repository that ever held a blob or a manifest, sorted."""

    def has_repository(self, repository: str) -> bool: ...

    def blob(self, repository: str, digest: Digest) -> Blob | None: ...

    def mount(self, repository: str, digest: Digest, source: str = "") -> bool:
        """Make a blob of ``source``, or of any repository, a blob of ``repository`` too, where there is one."""

    def delete_blob(self, repository: str, digest: Digest) -> bool: ...

    def room(self) -> int | None:
        """How many bytes can still be kept; none where that is not known."""

    def begin(self, repository: str) -> Upload:
        """Open an upload; raises `TooMany` of `manifest_tool.server.sessions`."""

    def upload(self, repository: str, identity: str) -> Upload | None: ...

    def commit(self, repository: str, identity: str, digest: Digest, turn: int | None = None) -> bool:
        """End an upload; it becomes a blob if its bytes are those that ``digest`` names, and is dropped if not.

        Raises `Superseded` of `manifest_tool.server.sessions`, and then the upload goes on.
        """

    def discard(self, repository: str, identity: str) -> bool: ...

    def expire(self) -> None:
        """Give up the uploads that nobody goes on with."""

    def manifest(self, repository: str, digest: Digest) -> Stored | None: ...

    def has_manifest(self, repository: str, digest: Digest) -> bool: ...

    def manifests(self, repository: str) -> list[Digest]: ...

    def referrers(self, repository: str, subject: Digest) -> list[Digest]:
        """The manifests that say they are about another one."""

    def put_manifest(self, repository: str, digest: Digest, manifest: Stored, tags: Iterable[str] = ()) -> None: ...

    def delete_manifest(self, repository: str, digest: Digest) -> bool:
        """Delete a manifest and the tags that point to it."""

    def tag(self, repository: str, tag: str) -> Digest | None: ...

    def tags(self, repository: str) -> Mapping[str, Digest]: ...

    def delete_tag(self, repository: str, tag: str) -> bool: ...


def entry_of(manifest: Stored) -> Entry:
    """What is to be known of a manifest, even of one that no registry would accept."""
    try:
        document = json.loads(manifest.raw)
        return Entry(manifest.media_type, Descriptor.from_json(document["subject"]).digest)
    except (ValueError, LookupError, TypeError, RecursionError):
        return Entry(manifest.media_type)
