"""Digests: ``algorithm:hex`` (image-spec, descriptor.md § Digests)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Self

from manifest_tool.errors import InvalidDigest

_HEX_LENGTH = {"sha256": 64, "sha512": 128}
_HEX = re.compile(r"[0-9a-f]+")


class Hasher:
    """Digests bytes that come in pieces."""

    def __init__(self, algorithm: str) -> None:
        self._algorithm = algorithm
        self._hash = hashlib.new(algorithm)

    def update(self, data: bytes) -> None:
        self._hash.update(data)

    def digest(self) -> Digest:
        return Digest(self._algorithm, self._hash.hexdigest())


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """The name of some bytes."""

    algorithm: str
    """``sha256`` or ``sha512``."""
    hex: str
    """Lower case."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``sha256:…`` or ``sha512:…``; raises `InvalidDigest`."""
        algorithm, colon, hexadecimal = text.partition(":")
        length = _HEX_LENGTH.get(algorithm)
        if not colon or length is None:
            raise InvalidDigest(text, "expected sha256: or sha512: and hexadecimal digits")
        if not _HEX.fullmatch(hexadecimal) or len(hexadecimal) != length:
            raise InvalidDigest(text, f"{algorithm} has {length} lower-case hexadecimal digits")
        return cls(algorithm, hexadecimal)

    @classmethod
    def of(cls, data: bytes, algorithm: str = "sha256") -> Self:
        """The digest of ``data``."""
        return cls(algorithm, hashlib.new(algorithm, data).hexdigest())

    def matches(self, data: bytes) -> bool:
        """Whether these are the bytes that this digest names."""
        return self.of(data, self.algorithm) == self

    def hasher(self) -> Hasher:
        """A hasher of the same algorithm."""
        return Hasher(self.algorithm)

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"
