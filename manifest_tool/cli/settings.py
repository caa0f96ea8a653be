"""What the options before the command say."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from manifest_tool.errors import UsageError

_LONGEST = 365 * 24 * 3600.0
"""A year; a timer takes no more than a few hundred."""
_NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
_DURATION = re.compile(rf"(?=.)(?:({_NUMBER})h)?(?:({_NUMBER})m)?(?:({_NUMBER})s)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Settings:
    """The global options."""

    debug: bool = False
    insecure: bool = False
    plain_http: bool = False
    username: str = ""
    password: str = field(default="", repr=False)
    password_stdin: bool = False
    ca_file: str = ""
    docker_cfg: str = ""
    retries: int = 5
    manifest_limit: int = 4
    """MiB."""
    timeout: float = 0.0
    """Seconds for the whole run; none where it may take as long as it takes."""
    kind: str = ""
    """``push --type``, where it stood before the subcommand."""


def seconds(text: str, option: str = "--timeout") -> float:
    """Read a duration such as ``90``, ``90s``, ``10m`` or ``1h30m``; raises `UsageError` about the option."""
    plain = re.fullmatch(_NUMBER, text)
    found = _DURATION.fullmatch(f"{text}s" if plain else text)
    hours, minutes, rest = (float(part or 0) for part in found.groups()) if found else (0.0, 0.0, 0.0)
    total = 3600 * hours + 60 * minutes + rest
    if not 0 < total <= _LONGEST:
        raise UsageError(f"{option}: {text!r} is no length of time", hint="write it as 90s, 10m or 1h30m")
    return total
