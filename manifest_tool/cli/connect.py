"""What the global options say about reaching registries."""

from __future__ import annotations

import os
import sys
from collections.abc import Coroutine
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from manifest_tool.cli.settings import Settings
from manifest_tool.errors import UsageError

if TYPE_CHECKING:
    from manifest_tool.pipeline import Connection
    from manifest_tool.registry.credentials import Credential
    from manifest_tool.registry.transport import Options


T = TypeVar("T")
_USERNAME = "MANIFEST_TOOL_USERNAME"
_PASSWORD = "MANIFEST_TOOL_PASSWORD"  # noqa: S105  # the name of a variable
_MAX_PASSWORD = 64 * 1024
_MIB = 1024 * 1024


def run(work: Coroutine[Any, Any, T], settings: Settings, patience: float = 0.0) -> T:
    """Do the work of a command; Ctrl-C, SIGTERM and the end of its time end it with a word, and soon.

    ``patience`` is how many seconds it may take for that, where it has to take away what it has made.
    """
    import asyncio

    from manifest_tool.cli.interruption import PATIENCE, Limit, heeding

    patience = patience or PATIENCE
    if not settings.timeout:
        return asyncio.run(heeding(work, patience))
    with Limit(settings.timeout, patience) as limit:
        return asyncio.run(heeding(limit.keep(work), patience))


def settings_of(context: typer.Context) -> Settings:
    """The global options of a command line."""
    return context.obj if isinstance(context.obj, Settings) else Settings()


def connection(settings: Settings) -> Connection:
    """How the global options ask for registries to be reached, and as whom; may wait for standard input.

    Raises `UsageError`.
    """
    from manifest_tool.pipeline import Connection

    return Connection(options(settings), credential(settings), settings.docker_cfg)


def options(settings: Settings) -> Options:
    """How the global options ask for registries to be reached."""
    from manifest_tool.registry.retry import Retry
    from manifest_tool.registry.tls import Trust
    from manifest_tool.registry.transport import Options

    retry = Retry(attempts=settings.retries)
    asked = Options(
        settings.plain_http,
        settings.insecure,
        Trust(settings.ca_file),
        retry,
        manifest_limit=settings.manifest_limit * _MIB,
    )
    return replace(asked, deadline=settings.timeout) if settings.timeout else asked


def credential(settings: Settings) -> Credential | None:
    """The account that the options name, each part of it else from the environment; raises `UsageError`."""
    from manifest_tool.registry.credentials import Credential

    username, secret = account(settings)
    if bool(username) != bool(secret):
        raise UsageError(
            "--username and --password belong together",
            hint=f"give both, or {_USERNAME} and {_PASSWORD}, or log in with manifest-tool login HOST",
        )
    return Credential(username, secret, origin="--username" if settings.username else _USERNAME) if username else None


def account(settings: Settings) -> tuple[str, str]:
    """The name and the password that the options give, each else from the environment; either may be empty."""
    username = settings.username or os.environ.get(_USERNAME, "")
    secret = _from_stdin(settings) if settings.password_stdin else settings.password or os.environ.get(_PASSWORD, "")
    return username, secret


def _from_stdin(settings: Settings) -> str:
    """The password on standard input, without the end of its line."""
    if settings.password:
        raise UsageError("--password and --password-stdin exclude each other")
    try:
        secret = sys.stdin.read(_MAX_PASSWORD + 1).rstrip("\r\n")
    except UnicodeDecodeError:
        raise UsageError("the password on standard input is no UTF-8") from None
    if not secret or len(secret) > _MAX_PASSWORD:
        raise UsageError(
            "--password-stdin found no password on standard input",
            hint="write it there, and name a spec by its file: it cannot come from there as well",
        )
    return secret
