"""What the tests of this folder are put together from."""

from __future__ import annotations

from dataclasses import dataclass, field

from manifest_tool.oci import media_type as types
from manifest_tool.oci.descriptor import Descriptor
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.platform import Platform
from manifest_tool.oci.reference import Reference
from manifest_tool.query.lookup import Entry, Key
from manifest_tool.query.support import Support


def entry(*platforms: str, checked: float = 1_000.0) -> Entry:
    """What is known of an index for these platforms."""
    images = [
        Descriptor(types.OCI_MANIFEST, Digest.of(text.encode()), len(text), Platform.parse(text)) for text in platforms
    ]
    return Entry(Support(Digest.of(b"index"), types.OCI_INDEX, 5, tuple(images)), checked)


def key(text: str = "r.test/app:1", **more: str) -> Key:
    return Key(Reference.parse(text), **more)


@dataclass
class Kept:
    """A cache in a dictionary."""

    entries: dict[Key, Entry] = field(default_factory=dict)

    def get(self, key: Key) -> Entry | None:
        return self.entries.get(key)

    def put(self, key: Key, entry: Entry) -> None:
        self.entries[key] = entry
