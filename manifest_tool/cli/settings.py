"""What the options before the command say."""

from __future__ import annotations

from dataclasses import dataclass, field


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
    kind: str = ""
    """``push --type``, where it stood before the subcommand."""
