"""A draft: the spec of a list that is still being put together. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from manifest_tool.errors import DraftError, InvalidPlatform, ManifestToolError, UsageError
from manifest_tool.oci.platform import Platform
from manifest_tool.oci.reference import Reference
from manifest_tool.spec import load
from manifest_tool.spec.edit import Editor, Item

if TYPE_CHECKING:
    from manifest_tool.spec.model import Entry, Spec


def list_reference(text: str) -> Reference:
    """The name of a list, filled out; raises `InvalidValue`, `UsageError`."""
    found = image_reference(text)
    if found.digest:
        raise UsageError(f"{text} has a digest, but a list has one only after it is pushed", hint="name it by a tag")
    return found


def image_reference(text: str) -> Reference:
    """The name of an image, filled out: ``latest`` where it has neither tag nor digest."""
    found = Reference.parse(text)
    return found if found.tag or found.digest else replace(found, tag="latest")


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be different about a platform; None stays, and what is empty is taken away."""

    architecture: str | None = None
    os: str | None = None
    variant: str | None = None
    os_version: str | None = None
    os_features: tuple[str, ...] | None = None

    def of(self, platform: Platform) -> Platform:
        """The platform with the changes."""
        return Platform(
            architecture=platform.architecture if self.architecture is None else self.architecture,
            os=platform.os if self.os is None else self.os,
            variant=platform.variant if self.variant is None else self.variant,
            os_version=platform.os_version if self.os_version is None else self.os_version,
            os_features=platform.os_features if self.os_features is None else self.os_features,
        ).spelled()

    def leaves_open(self, config: Platform) -> bool:
        """Whether something is taken away that the config would fill in again."""
        return (
            (self.variant == "" and config.variant != "")
            or (self.os_version == "" and config.os_version != "")
            or (self.os_features == () and config.os_features != ())
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """The draft of a list."""

    spec: Spec
    data: bytes = field(repr=False)
    name: str
    """What messages call it: its file."""

    @classmethod
    def parse(cls, data: bytes, target: Reference, name: str) -> Self:
        """Read a draft, which people may have edited; raises `SpecError`, `DraftError`."""
        spec, *others = load.parse(data, name)
        if isinstance(spec, ManifestToolError):
            raise spec
        if others or spec.reference != target:
            found = "more than one spec" if others else f"the spec of {spec.reference}"
            raise DraftError(f"{name} is {found}, and should be that of {target}", hint="edit it, or remove it")
        return cls(spec, data, name)

    @property
    def target(self) -> Reference:
        """The list."""
        return self.spec.reference

    def entry(self, image: Reference) -> Entry:
        """The first entry for an image by its tag, its digest or both; raises `DraftError`."""
        found = next((entry for entry in self.spec.entries if _names(image, entry)), None)
        if found is None:
            raise DraftError(
                f"manifest for image {image} does not exist in {self.target}",
                hint=f"it has {', '.join(str(shown(entry)) for entry in self.spec.entries)}",
            )
        return found

    def amended(self, items: Sequence[Item]) -> bytes:
        """Its text with images added at the end; what lists one of them already names what that is by now."""
        editor = Editor.read(self.data, self.name)
        for item in items:
            image = shown_reference(item.reference)
            entry = next((entry for entry in self.spec.entries if _names(image, entry)), None)
            if entry is None:
                editor.add(item)
            else:
                editor.move(entry.number, item, entry.platform, complete=entry.complete)
        return editor.write()

    def annotated(self, image: Reference, changes: Changes) -> bytes:
        """Its text with another platform for an image; raises `DraftError`, `InvalidPlatform`."""
        entry = self.entry(image)
        editor = Editor.read(self.data, self.name)
        config = editor.config(entry.number)
        platform = changes.of(entry.platform or config)
        if not (platform.os and platform.architecture):
            message = f"{image} in {self.target} needs an os and an architecture"
            raise InvalidPlatform(str(platform), message, hint="give both, --os and --arch")
        if problem := platform.problem():
            raise InvalidPlatform(str(platform), f"{image} in {self.target}: {problem}")
        wanted = replace(entry, platform=platform, complete=entry.complete or changes.leaves_open(config))
        editor.declare(entry.number, platform, complete=wanted.complete)
        data = editor.write()
        after = [wanted if other is entry else other for other in self.spec.entries]
        if _meaning(Draft.parse(data, self.target, self.name).spec.entries) != _meaning(after):
            # An anchor or a merge key lets entries share a platform.
            editor = Editor.read(self.data, self.name)
            editor.declare(entry.number, platform, complete=wanted.complete, anew=True)
            data = editor.write()
        return data


def new(target: Reference, items: Sequence[Item]) -> bytes:
    """The text of a draft that was not there before."""
    editor = Editor.empty(target)
    for item in items:
        editor.add(item)
    return editor.write()


def shown(entry: Entry) -> Reference:
    """The reference of an entry as it was given, the digest left out that it was pinned to."""
    return shown_reference(entry.reference)


def shown_reference(pinned: Reference) -> Reference:
    """The same of any reference."""
    return Reference(pinned.repository, pinned.tag) if pinned.tag else pinned


def _names(image: Reference, entry: Entry) -> bool:
    there = entry.reference
    return (
        image.repository == there.repository
        and (not image.tag or image.tag == there.tag)
        and (not image.digest or image.digest == there.digest)
    )


def _meaning(entries: Sequence[Entry]) -> list[Entry]:
    """Entries without their places."""
    return [replace(entry, where="") for entry in entries]
