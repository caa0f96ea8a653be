"""Specs that are written and changed by the program; what people wrote in them stays: comments, order, unknown keys.

The one place where ruamel.yaml reads a document and writes it again. Scalars stay the text that they are.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from manifest_tool.errors import InvalidPlatform
from manifest_tool.oci.platform import Platform
from manifest_tool.spec.nodes import refuse

if TYPE_CHECKING:
    from manifest_tool.oci.reference import Reference

_CONFIG = "x-config"
"""What the config of an image said of its platform; what differs from it was declared by somebody."""
_SPELLINGS = {"os.version": "osversion", "os.features": "osfeatures"}
_KEYS = ("os", "architecture", "variant", "os.version", "os.features", "complete")
_NULL = re.compile(r"(?:~|null|Null|NULL|)\Z")
_MERGE = re.compile(r"<<\Z")
_PLAIN = re.compile(r"(?!null|Null|NULL)[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_WIDE = 1 << 20


@dataclass(frozen=True, slots=True)
class Item:
    """An image to be listed."""

    reference: Reference
    """Pinned to a digest."""
    platform: Platform
    """What the image says itself; open where that is nothing that a spec can say."""


class Editor:
    """The text of a spec, which is one document and valid."""

    def __init__(self, root: CommentedMap) -> None:
        self._root = root

    @classmethod
    def empty(cls, target: Reference) -> Self:
        """A spec that lists nothing yet."""
        return cls(CommentedMap({"image": str(target), "manifests": CommentedSeq()}))

    @classmethod
    def read(cls, data: bytes, name: str) -> Self:
        """Take a spec to pieces; raises `SpecError` where only our own reader understands it."""
        try:
            return cls(_yaml().load(data.decode()))
        except (YAMLError, ValueError, KeyError) as error:
            mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
            where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
            raise refuse(where, "this cannot be edited", "write it in UTF-8, without tabs and tags") from None

    def write(self) -> bytes:
        """The text."""
        stream = io.BytesIO()
        _yaml().dump(self._root, stream)
        return stream.getvalue()

    def add(self, item: Item) -> None:
        """List an image behind the others."""
        entry = CommentedMap({"image": str(item.reference)})
        self._root["manifests"].append(entry)
        if item.platform:
            entry["platform"] = _written(item.platform, complete=False)
            entry[_CONFIG] = str(item.platform)

    def move(self, number: int, item: Item, declared: Platform, *, complete: bool) -> None:
        """Let an entry, counted from 1, name what an image is by now; what was declared of its platform stays."""
        entry = self._entry(number)
        before = self.config(number)
        entry["image"] = str(item.reference)
        platform = Platform(
            architecture=_kept(declared.architecture, before.architecture, item.platform.architecture),
            os=_kept(declared.os, before.os, item.platform.os),
            variant=_kept(declared.variant, before.variant, item.platform.variant),
            os_version=_kept(declared.os_version, before.os_version, item.platform.os_version),
            os_features=item.platform.os_features
            if declared.os_features == before.os_features
            else declared.os_features,
        )
        if platform != declared:
            self.declare(number, platform, complete=complete)
        if item.platform:
            entry[_CONFIG] = str(item.platform)

    def declare(self, number: int, platform: Platform, *, complete: bool, anew: bool = False) -> None:
        """Write the platform of an entry in the place of what was written; ``anew`` where others share that."""
        entry = self._entry(number)
        present = entry.get("platform")
        if anew or not isinstance(present, CommentedMap):
            entry["platform"] = _written(platform, complete=complete)
            return
        fields = _fields(platform, complete=complete)
        for key in _KEYS:
            written = _SPELLINGS[key] if _SPELLINGS.get(key) in present else key
            if key in fields and present.get(written) != fields[key]:
                present[written] = fields[key]
            elif key not in fields and written in present:
                del present[written]

    def config(self, number: int) -> Platform:
        """What the config of an entry's image said of its platform when it was last looked at; open if unknown."""
        text = self._entry(number).get(_CONFIG)
        try:
            return Platform.parse(text) if isinstance(text, str) else Platform()
        except InvalidPlatform:
            return Platform()

    def _entry(self, number: int) -> CommentedMap:
        present = [entry for entry in self._root["manifests"] if entry is not None]
        found: CommentedMap = present[number - 1]
        return found


def _kept(declared: str, before: str, now: str) -> str:
    return now if declared == before else declared


def _fields(platform: Platform, *, complete: bool) -> dict[str, Any]:
    features = CommentedSeq(map(_scalar, platform.os_features))
    features.fa.set_flow_style()
    fields: Mapping[str, Any] = {
        "os": _scalar(platform.os),
        "architecture": _scalar(platform.architecture),
        "variant": _scalar(platform.variant),
        "os.version": _scalar(platform.os_version),
        "os.features": features,
        "complete": "true" if complete else "",
    }
    return {key: value for key, value in fields.items() if value}


def _scalar(text: str) -> str:
    """The text in quotes where it needs any; in a flow, ruamel does not see all that do."""
    return text if not text or _PLAIN.fullmatch(text) else DoubleQuotedScalarString(text)


def _written(platform: Platform, *, complete: bool) -> CommentedMap:
    found = CommentedMap(_fields(platform, complete=complete))
    found.fa.set_flow_style()
    return found


class _Texts(VersionedResolver):
    """Takes every plain scalar for text but those that say nothing, and the key of merges."""

    @property
    def versioned_resolver(self) -> dict[str | None, list[tuple[str, re.Pattern[str]]]]:
        null, merge = ("tag:yaml.org,2002:null", _NULL), ("tag:yaml.org,2002:merge", _MERGE)
        return {"~": [null], "n": [null], "N": [null], "": [null], "<": [merge]}


def _yaml() -> YAML:
    yaml = YAML()
    yaml.Resolver = _Texts
    yaml.preserve_quotes = True
    yaml.width = _WIDE
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml
