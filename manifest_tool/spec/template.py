"""Platforms and a template to a spec, as ``push from-args`` takes them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from manifest_tool.errors import InvalidPlatform, Problem, SpecError
from manifest_tool.events import Noticed, Observer, ignore
from manifest_tool.oci.platform import Platform
from manifest_tool.spec import check
from manifest_tool.spec.document import Data, Document, Path, shown

if TYPE_CHECKING:
    from manifest_tool.spec.model import Spec

_PLACEHOLDER = re.compile("ARCH|OS|VARIANT")
_VERSION = re.compile(r"\(.*?\)|[:,].*")


def expand(
    platforms: Sequence[str],
    template: str,
    target: str,
    tags: Sequence[str] = (),
    annotations: Sequence[str] = (),
    *,
    observe: Observer = ignore,
) -> Spec:
    """Make the spec that has the template's image for each platform; raises `SpecError` in terms of the arguments.

    Each item of the sequences may hold several, with commas between. ``ARCH``, ``OS`` and ``VARIANT`` in the template
    become the platform's, as they are written there.
    """
    arguments = _Arguments(observe)
    arguments.place(("image",), "--target", target)
    arguments.add_tags(tags)
    arguments.add_annotations(annotations)
    arguments.add_entries(platforms, template)
    if not arguments.entries:
        raise SpecError(arguments.problems)
    return check.build(arguments.document(), observe=observe, also=arguments.problems)


class _Arguments:
    """The document that arguments stand for, and what is wrong with them before it is one."""

    def __init__(self, observe: Observer) -> None:
        self._observe = observe
        self.problems: list[Problem] = []
        self.entries: list[Data] = []
        self._data: dict[str, Data] = {"manifests": self.entries}
        self._places: dict[Path, str] = {(): "the arguments", ("manifests",): "--platforms"}

    def document(self) -> Document:
        return Document("", self._data, self._places)

    def place(self, path: tuple[str], where: str, value: Data) -> None:
        self._data[path[0]] = value
        self._places[path] = where

    def add_tags(self, tags: Sequence[str]) -> None:
        found: list[Data] = []
        for where, tag in _split("--tags", tags):
            self._places["tags", len(found)] = where
            found.append(tag)
        self.place(("tags",), "--tags", found)

    def add_annotations(self, annotations: Sequence[str]) -> None:
        found: dict[str, Data] = {}
        for where, text in _split("--annotations", annotations):
            key, equals, value = text.partition("=")
            if not equals or not key:
                message = f"expected key=value, found {shown(text)}"
                self._problem(where, message, "commas separate annotations; a spec file can hold any value")
            elif found.setdefault(key, value) != value:
                self._problem(where, f"{shown(key)} is given twice, with two values", "keep one of them")
            self._places["annotations", key] = where
        self.place(("annotations",), "--annotations", found)

    def add_entries(self, platforms: Sequence[str], template: str) -> None:
        items = list(_split("--platforms", platforms))
        if not items:
            self._problem("--platforms", "no platform is given", "such as linux/amd64,linux/arm64")
        if len(items) > 1 and not _PLACEHOLDER.search(template):
            # Of use where the one image is an index, of which each platform chooses its part.
            message = f"{shown(template)} has none of ARCH, OS and VARIANT, so every platform is taken from one image"
            self._observe(Noticed(f"--template: {message}"))
        for where, platform in items:
            self._add_entry(where, platform, template)

    def _add_entry(self, where: str, platform: str, template: str) -> None:
        try:
            Platform.parse(platform)
        except InvalidPlatform as error:
            self._problem(where, f"invalid platform {shown(platform)}: {error.reason}", error.hint)
            return
        path = ("manifests", len(self.entries))
        self._places |= {
            path: where,
            (*path, "image"): f"--template (for {platform})",
            (*path, "platform"): where,
        }
        self.entries.append({"image": _fill(template, platform), "platform": platform})

    def _problem(self, where: str, message: str, hint: str) -> None:
        self.problems.append(Problem(where, "", message, hint))


def _split(name: str, items: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each part between commas, and the words for where it stands: ``--platforms (2nd: linux/arm64)``."""
    parts = [part for item in items if item.strip(" ,") for part in map(str.strip, item.split(","))]
    for number, part in enumerate(parts, 1):
        yield f"{name} ({_ordinal(number)}: {shown(part)[1:-1]})", part


def _fill(template: str, platform: str) -> str:
    """All placeholders at once, so that no value is taken for a placeholder."""
    os, architecture, *variant = _VERSION.sub("", platform).split("/")
    values = {"ARCH": architecture, "OS": os, "VARIANT": "".join(variant)}
    return _PLACEHOLDER.sub(lambda found: values[found[0]], template)


def _ordinal(number: int) -> str:
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number % 100 not in {11, 12, 13} else "th"
    return f"{number}{suffix}"
