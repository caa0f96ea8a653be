"""A document to a spec, with every problem of it at once; files and arguments meet here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from manifest_tool.errors import InvalidPlatform, InvalidReference, Problem, SpecError
from manifest_tool.events import Noticed, Observer, ignore
from manifest_tool.oci.platform import Platform
from manifest_tool.oci.reference import Reference, check_tag
from manifest_tool.spec import schema
from manifest_tool.spec.document import Data, Document, Path, shown
from manifest_tool.spec.model import Entry, Spec

_MAX_PROBLEMS = 50
_TRANSPORT = re.compile(
    r"(containers-storage|dir|docker-archive|docker-daemon|oci|oci-archive|ostree|sif|tarball)"
    r":(?![0-9]{1,5}/)"  # a registry may be called so
)
_NAMES = ("architecture", "os", "variant")
_VERSIONS = ("os.version", "osversion")
_FEATURES = ("os.features", "osfeatures")

Map: TypeAlias = dict[str, Data]


def build(
    document: Document, *, strict: bool = False, observe: Observer = ignore, also: Sequence[Problem] = ()
) -> Spec:
    """Make the spec that a document describes; raises `SpecError` with every problem, ``also`` included.

    Keys that mean nothing are noticed, and are problems with ``strict``.
    """
    reader = _Reader(document, observe)
    reader.shape(strict=strict)
    data = document.data if isinstance(document.data, dict) else {}
    target = reader.target(data)
    tags = reader.tags(data)
    entries = reader.entries(data)
    annotations = reader.annotations(data)
    problems = [*also, *reader.problems()]
    if problems or target is None:
        raise SpecError(_first(problems, document.name))
    return Spec(target.repository, reader.all_tags(target, tags), entries, annotations, document.where(()))


def _first(problems: list[Problem], name: str) -> list[Problem]:
    rest = len(problems) - _MAX_PROBLEMS
    return [*problems[:_MAX_PROBLEMS], *([Problem(name, "", f"and {rest} more problems")] if rest > 0 else [])]


class _Reader:
    """Reads the values of a document, and collects what is wrong with them.

    What has not the shape that the schema asks for is passed over, for the schema tells it already.
    """

    def __init__(self, document: Document, observe: Observer) -> None:
        self._document = document
        self._observe = observe
        self._found: list[tuple[Path, Problem]] = []
        self._misshapen: set[Path] = set()

    def problems(self) -> list[Problem]:
        """In the order of the text."""
        order = {path: number for number, path in enumerate(self._document.places)}
        return [problem for _, problem in sorted(self._found, key=lambda found: order.get(found[0], 0))]

    def shape(self, *, strict: bool) -> None:
        for path, message, hint in schema.check(self._document):
            self._misshapen.add(path)
            self._problem(path, message, hint)
        for path, message, hint in schema.unknown_keys(self._document):
            if strict:
                self._problem(path, message, hint, key=True)
            else:
                self._notice(path, message + (f" ({hint})" if hint else ""), key=True)

    def target(self, data: Map) -> Reference | None:
        found = self._reference(("image",), data.get("image"), "the index goes to a registry")
        if found and found.digest:
            message = "the target has a digest, but an index has one only after it is made"
            self._problem(("image",), message, "write a tag alone")
        return found

    def tags(self, data: Map) -> list[str]:
        found = data.get("tags")
        items = enumerate(found) if isinstance(found, list) else ()
        return [text for number, text in items if isinstance(text, str) and self._is_tag(("tags", number), text)]

    def all_tags(self, target: Reference, tags: list[str]) -> tuple[str, ...]:
        if not target.tag and not tags:
            self._notice(("image",), f"{target} has no tag, and becomes {target}:latest")
        first = [target.tag] if target.tag else []
        return tuple(dict.fromkeys([*first, *tags])) or ("latest",)

    def entries(self, data: Map) -> tuple[Entry, ...]:
        found = data.get("manifests")
        items = enumerate(found) if isinstance(found, list) else ()
        read = [self._entry(("manifests", number), item) for number, item in items if isinstance(item, dict)]
        return tuple(entry for entry in read if entry)

    def annotations(self, data: Map) -> dict[str, str]:
        found = data.get("annotations")
        items = found.items() if isinstance(found, dict) else ()
        return {key: value or "" for key, value in items if value is None or isinstance(value, str)}

    def _entry(self, path: Path, item: Map) -> Entry | None:
        reference = self._reference((*path, "image"), item.get("image"), "only an image in a registry can be a source")
        platform = self._platform((*path, "platform"), item.get("platform"))
        complete = self._is_complete((*path, "platform"), item.get("platform"))
        if reference is None:
            return None
        return Entry(int(path[-1]) + 1, reference, platform, self._document.where(path), complete)

    def _reference(self, path: Path, value: Data, why: str) -> Reference | None:
        if not isinstance(value, str) or path in self._misshapen:
            return None
        if transport := _TRANSPORT.match(value):
            self._problem(path, f"{transport[0]} is another tool's transport, and {why}", "push it to a registry first")
        elif value.startswith("docker://"):
            self._problem(path, "docker:// is another tool's transport for a registry", "write it without docker://")
        else:
            try:
                return Reference.parse(value)
            except InvalidReference as error:
                self._problem(path, f"invalid reference {shown(error.text)}: {error.reason}", error.hint)
        return None

    def _is_tag(self, path: Path, text: str) -> bool:
        if ":" in text or "/" in text:
            message = f"{shown(text)} is a whole reference, and tags take the tag alone"
            self._problem(path, message, _write_tag(text))
            return False
        try:
            check_tag(text)
        except InvalidReference as error:
            self._problem(path, f"invalid tag {shown(text)}: {error.reason}", error.hint)
            return False
        return True

    def _platform(self, path: Path, value: Data) -> Platform:
        if path in self._misshapen:
            return Platform()
        if isinstance(value, str):
            return self._platform_text(path, value)
        if not isinstance(value, dict):
            return Platform()
        value = {key: item for key, item in value.items() if (*path, key) not in self._misshapen}
        written = Platform(
            architecture=_text(value.get("architecture")),
            os=_text(value.get("os")),
            variant=_text(value.get("variant")),
            os_version=_text(self._either(path, value, _VERSIONS)),
            os_features=_texts(self._either(path, value, _FEATURES)),
        )
        platform = written.spelled()
        for name in _NAMES:
            before, after = getattr(written, name), getattr(platform, name)
            if before != after:
                was = f"{name} {shown(before)}" if before else f"the missing {name}"
                self._notice((*path, name), f"{was} is taken for {after}")
        self._check_platform(path, platform)
        return platform

    def _is_complete(self, path: Path, platform: Data) -> bool:
        text = _text(platform.get("complete")) if isinstance(platform, dict) else ""
        if text.lower() not in {"", "true", "false"}:
            self._problem((*path, "complete"), f"{shown(text)} is neither true nor false")
        return text.lower() == "true"

    def _platform_text(self, path: Path, text: str) -> Platform:
        try:
            platform = Platform.parse(text)
        except InvalidPlatform as error:
            self._problem(path, f"invalid platform {shown(text)}: {error.reason}", error.hint)
            return Platform()
        simple = str(Platform(platform.architecture, platform.os, platform.variant))
        if not re.search(r"[:,(]", text) and simple != text:
            self._notice(path, f"platform {shown(text)} is taken for {simple}")
        self._check_platform(path, platform)
        return platform

    def _check_platform(self, path: Path, platform: Platform) -> None:
        """Each field for itself, so that what is not declared hides nothing and every mistake is told."""
        known = Platform("amd64", "linux")
        checks = {
            "os": Platform(known.architecture, platform.os or known.os),
            "architecture": Platform(platform.architecture or known.architecture, known.os),
        }
        found = {key: problem for key, checked in checks.items() if (problem := checked.problem())}
        if platform.architecture and platform.variant and "architecture" not in found:
            found["variant"] = Platform(platform.architecture, known.os, platform.variant).problem()
        for key, problem in found.items():
            message, _, hint = problem.rpartition("; ")
            if message:
                self._problem((*path, key), message, hint)

    def _either(self, path: Path, value: Map, keys: tuple[str, str]) -> Data:
        """The value of either spelling of a key."""
        first, second = (value.get(key) for key in keys)
        if first is not None and second is not None and first != second:
            self._problem((*path, keys[1]), f"{keys[0]} and {keys[1]} are one thing and differ", "keep one of them")
        return second if first is None else first

    def _problem(self, path: Path, message: str, hint: str = "", *, key: bool = False) -> None:
        place = self._document.where_key(path) if key else self._document.where(path)
        self._found.append((self._nearest(path), Problem(place, self._document.label(path), message, hint)))

    def _notice(self, path: Path, message: str, *, key: bool = False) -> None:
        place = self._document.where_key(path) if key else self._document.where(path)
        label = self._document.label(path)
        self._observe(Noticed(f"{place}: {label}: {message}" if label else f"{place}: {message}"))

    def _nearest(self, path: Path) -> Path:
        while path not in self._document.places:
            path = path[:-1]
        return path


def _write_tag(text: str) -> str:
    tag = text.rpartition(":")[2]
    return f"write {tag}" if tag and "/" not in tag and len(tag) <= 128 else ""


def _text(value: Data) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Data) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
