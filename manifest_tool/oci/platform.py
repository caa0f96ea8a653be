"""Platforms: what an image runs on (image-spec, image-index.md)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import quote, unquote

from manifest_tool.errors import InvalidPlatform
from manifest_tool.oci import variants

_OS = re.compile(r"(?P<os>[A-Za-z0-9_-]+)(?:\((?P<inside>[^()]*)\))?")
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_ENCODED = re.compile(r"(?:[A-Za-z0-9_.~!@$&*;=-]|%[0-9A-Fa-f]{2})+")
_SAFE = "!@$&*;="

# Values of `uname -m` and of packaging systems, and what an index calls them.
_ARCHITECTURES = {
    "aarch64": ("arm64", ""),
    "armel": ("arm", "v6"),
    "armhf": ("arm", "v7"),
    "i386": ("386", ""),
    "i486": ("386", ""),
    "i586": ("386", ""),
    "i686": ("386", ""),
    "x86": ("386", ""),
    "x86-64": ("amd64", ""),
    "x86_64": ("amd64", ""),
}
_SYSTEMS = {"macos": "darwin"}


@dataclass(frozen=True, slots=True)
class Platform:
    """An operating system on an architecture; an empty field is an open one."""

    architecture: str = ""
    """As in ``GOARCH``."""
    os: str = ""
    """As in ``GOOS``."""
    variant: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``os/arch[/variant]`` in every spelling that is in use; raises `InvalidPlatform`.

        An ``os.version`` stands in brackets behind the os (``windows(10.0.17763.1+win32k)/amd64``), behind a colon
        (``windows/amd64:10.0.17763.1``) or as ``,osver=``. Other names of a known os or architecture, such as
        ``x86_64``, become the one that an index uses.
        """
        parts, tail = _split(text)
        matched = _OS.fullmatch(parts[0])
        if matched is None or not all(_NAME.fullmatch(part) for part in parts[1:]):
            raise InvalidPlatform(text, "expected os/arch or os/arch/variant, such as linux/arm64")
        version, *features = [_decode(text, item) for item in (matched["inside"] or "").split("+")]
        if version and tail:
            raise InvalidPlatform(text, "the os version is given twice")
        return cls(
            architecture=parts[1],
            os=matched["os"].lower(),
            variant=parts[2] if len(parts) > 2 else "",
            os_version=version or _decode(text, tail),
            os_features=tuple(feature for feature in features if feature),
        ).spelled()

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Take a platform out of a descriptor or a config; what is not text there counts as absent."""
        features = data.get("os.features")
        return cls(
            architecture=_text(data.get("architecture")),
            os=_text(data.get("os")),
            variant=_text(data.get("variant")),
            os_version=_text(data.get("os.version")),
            os_features=tuple(f for f in features if isinstance(f, str)) if isinstance(features, list) else (),
        )

    def to_json(self) -> dict[str, Any]:
        """The ``platform`` of a descriptor, its keys in the order of the image-spec's Go types."""
        data: dict[str, Any] = {"architecture": self.architecture, "os": self.os}
        if self.os_version:
            data["os.version"] = self.os_version
        if self.os_features:
            data["os.features"] = list(self.os_features)
        if self.variant:
            data["variant"] = self.variant
        return data

    def spelled(self) -> Self:
        """The same platform in the names that an index uses: ``amd64`` for ``x86_64``, ``v7`` for ``7``."""
        os = _SYSTEMS.get(self.os.lower(), self.os)
        architecture, implied = _ARCHITECTURES.get(self.architecture.lower(), (self.architecture, ""))
        variant = self.variant or implied
        if architecture in {"arm", "arm64"} and variant.isdecimal():
            variant = f"v{variant}"
        return replace(self, os=os, architecture=architecture, variant=variant)

    def normalized(self) -> Self:
        """For comparing: what a runtime takes for the same is the same (``arm64/v8`` and ``arm64``)."""
        spelled = self.spelled()
        default = variants.DEFAULT.get(spelled.architecture, "")
        features = tuple(sorted(set(spelled.os_features)))
        return replace(spelled, variant=spelled.variant or default, os_features=features)

    def satisfies(self, wanted: Platform) -> bool:
        """Whether an image for this platform is one that ``wanted`` asks for.

        Fields that ``wanted`` leaves open match everything, so this is neither ``==`` nor symmetric.
        """
        have, want = self.normalized(), wanted.spelled()
        normal = wanted.normalized()
        return (
            (not want.os or have.os == normal.os)
            and (not want.architecture or have.architecture == normal.architecture)
            and (not want.variant or have.variant == normal.variant)
            and (not want.os_version or have.os_version == want.os_version)
            and set(want.os_features) <= set(have.os_features)
        )

    def problem(self) -> str:
        """Why an index must not carry this platform, or an empty text."""
        return variants.problem(self.os, self.architecture, self.variant)

    def __bool__(self) -> bool:
        return bool(self.architecture or self.os or self.variant or self.os_version or self.os_features)

    def __str__(self) -> str:
        variant = f"/{self.variant}" if self.variant else ""
        if self.os_features:
            inside = "+".join(quote(item, safe=_SAFE) for item in (self.os_version, *self.os_features))
            return f"{self.os}({inside})/{self.architecture}{variant}"
        version = f":{quote(self.os_version, safe=_SAFE)}" if self.os_version else ""
        return f"{self.os}/{self.architecture}{variant}{version}"


def _split(text: str) -> tuple[list[str], str]:
    """The parts between the slashes, and the os version behind the last of them."""
    head, comma, option = text.partition(",")
    if comma:
        key, _, tail = option.partition("=")
        if key not in {"osver", "osversion"} or not tail:
            raise InvalidPlatform(text, "expected ,osver=VERSION behind the comma")
    else:
        head, colon, tail = text.partition(":")
        if colon and not tail:
            raise InvalidPlatform(text, "expected an os version behind the colon")
    parts = head.split("/")
    if not 2 <= len(parts) <= 3:
        raise InvalidPlatform(text, "expected os/arch or os/arch/variant, such as linux/arm64")
    return parts, tail


def _decode(text: str, item: str) -> str:
    if item and not _ENCODED.fullmatch(item):
        raise InvalidPlatform(text, f"{item!r} is no os version or feature")
    return unquote(item, errors="replace")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
