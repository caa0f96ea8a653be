"""Every error that a user can meet.

::

    ManifestToolError                exit 1
    ├── InvalidValue                 exit 2  a text is not the value it should be
    │   ├── InvalidDigest
    │   ├── InvalidReference
    │   └── InvalidPlatform
    ├── UsageError                   exit 2  the arguments do not fit together
    ├── SpecError                    exit 2  every problem of a spec at once
    ├── AssemblyError                exit 2  the sources cannot become one index
    ├── OutputError                  exit 1  the result cannot be written to stdout
    ├── DraftError                   exit 1  a draft is not there, or there already, or cannot be kept
    ├── CredentialsError             exit 4  a credential file or helper cannot be read
    ├── RegistryError                exit 5  a registry answered something we cannot go on with
    │   ├── NotFound                 exit 3  404
    │   ├── Unauthorized             exit 4  401, 403, or a token endpoint's refusal
    │   ├── Unreachable              exit 5  no answer at all: DNS, TCP, TLS, time-out
    │   └── InvalidContent           exit 5  the bytes are not what was asked for
    ├── PlatformNotFound             exit 3  an index holds no image for the platform asked for
    ├── ResolveError                 its failures' worst; every source that failed
    ├── PushError                    its cause's; says which step failed and what was written
    └── FleetError                   its failures' worst; every spec of several that was not published
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


class ExitCode(IntEnum):
    """What the process ends with."""

    DONE = 0
    FAILED = 1
    INVALID = 2
    NOT_FOUND = 3
    DENIED = 4
    REGISTRY = 5
    DIFFERENT = 6


class ManifestToolError(Exception):
    """The root: an error with an exit code and, where one is known, a hint."""

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class InvalidValue(ManifestToolError):
    """A text is not the value that it should be."""

    exit_code = ExitCode.INVALID
    noun: ClassVar[str] = "value"

    def __init__(self, text: str, reason: str, *, hint: str = "") -> None:
        super().__init__(f"invalid {self.noun} {text!r}: {reason}", hint=hint)
        self.text = text
        self.reason = reason


class InvalidDigest(InvalidValue):
    """Not ``sha256:<64 hex>`` or ``sha512:<128 hex>``."""

    noun = "digest"


class InvalidReference(InvalidValue):
    """Not an image reference."""

    noun = "reference"


class InvalidPlatform(InvalidValue):
    """Not ``os/arch[/variant]``."""

    noun = "platform"


class UsageError(ManifestToolError):
    """The arguments do not fit together."""

    exit_code = ExitCode.INVALID


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a document, or in the arguments that stand for one."""

    where: str
    """``file:line:column``, or the argument."""
    path: str
    """Where in the document: ``manifests[1].platform.os``; empty for the whole."""
    message: str
    """What was found and what was expected."""
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: {self.path}: " if self.path else f"{self.where}: "
        return place + self.message + (f" ({self.hint})" if self.hint else "")


class SpecError(ManifestToolError):
    """A spec is not valid; carries every problem that was found."""

    exit_code = ExitCode.INVALID

    def __init__(self, problems: Sequence[Problem]) -> None:
        count = len(problems)
        lead = "" if count == 1 else f"{count} problems in the spec\n  "
        super().__init__(lead + "\n  ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class AssemblyError(ManifestToolError):
    """The sources cannot become one index: a platform twice, an unknown platform."""

    exit_code = ExitCode.INVALID


class PlatformNotFound(ManifestToolError):
    """An index holds no image for the platform that its entry asks for."""

    exit_code = ExitCode.NOT_FOUND


class OutputError(ManifestToolError):
    """The result cannot be written to stdout."""


class DraftError(ManifestToolError):
    """A draft of a list, or an image in it, is not there, is there already, or cannot be kept."""


class CredentialsError(ManifestToolError):
    """A credential file or a credential helper cannot be used."""

    exit_code = ExitCode.DENIED


_PHRASES: dict[int, str] = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class Exchange:
    """The request and the answer that an error is about; the URL is redacted already."""

    method: str
    url: str
    status: int = 0
    detail: str = ""
    """The registry's own words: ``CODE: message (detail)``."""
    codes: tuple[str, ...] = ()
    retry_after: str = ""
    """The header of that name."""

    def __str__(self) -> str:
        status = f": {self.status} {_PHRASES.get(self.status, '')}".rstrip() if self.status else ""
        return f"{self.method} {self.url}{status}" + (f": {self.detail}" if self.detail else "")


class RegistryError(ManifestToolError):
    """A registry, or its token endpoint, answered something we cannot go on with."""

    exit_code = ExitCode.REGISTRY

    def __init__(self, message: str, exchange: Exchange | None = None, *, hint: str = "") -> None:
        super().__init__(f"{message}: {exchange}" if exchange else message, hint=hint)
        self.exchange = exchange
        self.final = False
        """Whether it was tried again already as often as that helps."""


class NotFound(RegistryError):
    """What was asked for is not there."""

    exit_code = ExitCode.NOT_FOUND


class Unauthorized(RegistryError):
    """Not authenticated, or not allowed."""

    exit_code = ExitCode.DENIED


class Unreachable(RegistryError):
    """No answer: name resolution, connection, TLS or time-out."""

    def __init__(
        self, message: str, exchange: Exchange | None = None, *, hint: str = "", transient: bool = False
    ) -> None:
        super().__init__(message, exchange, hint=hint)
        self.transient = transient


class InvalidContent(RegistryError):
    """The bytes are not what was asked for, or not a manifest at all."""


class ResolveError(ManifestToolError):
    """Some sources could not be resolved; carries each with the place of its entry."""

    def __init__(self, failures: Sequence[tuple[str, ManifestToolError]]) -> None:
        lead = "" if len(failures) == 1 else f"{len(failures)} sources failed\n  "
        hints = dict.fromkeys(error.hint for _, error in failures if error.hint)
        super().__init__(lead + "\n  ".join(f"{where}: {error}" for where, error in failures), hint="; ".join(hints))
        self.failures = tuple(failures)
        self.exit_code = max(error.exit_code for _, error in failures)


class PushError(ManifestToolError):
    """Publishing failed; its cause tells why, and the message what was already written."""

    def __init__(self, message: str, cause: ManifestToolError) -> None:
        super().__init__(message, hint=cause.hint)
        self.exit_code = cause.exit_code


class FleetError(ManifestToolError):
    """Some of several specs were not published; carries the errors with what would have been published."""

    def __init__(
        self, failures: Sequence[tuple[str, ManifestToolError]], *, done: int, left: int, deed: str = "published"
    ) -> None:
        """``deed`` is what is done to a spec."""
        counts = f"{len(failures)} failed, {done} {deed}" + (f", {left} not begun" if left else "")
        hints = dict.fromkeys(error.hint for _, error in failures if error.hint)
        lines = "\n  ".join(f"{name}: {error}" if name else str(error) for name, error in failures)
        super().__init__(f"not every spec is {deed}: {counts}\n  {lines}", hint="; ".join(hints))
        self.failures = tuple(failures)
        self.exit_code = max(error.exit_code for _, error in failures)
