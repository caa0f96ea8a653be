"""What the global options say about reaching registries."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from manifest_tool.cli import streams
from manifest_tool.cli.settings import Settings
from manifest_tool.errors import UsageError

if TYPE_CHECKING:
    from manifest_tool.pipeline import Connection


T = TypeVar("T")
_INTERRUPTED = 130


def run(work: Coroutine[Any, Any, T]) -> T:
    """Do the work of a command; Ctrl-C ends it with a word."""
    import asyncio

    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        streams.tell("interrupted; running it again completes what was begun")
        raise typer.Exit(_INTERRUPTED) from None


def settings_of(context: typer.Context) -> Settings:
    """The global options of a command line."""
    return context.obj if isinstance(context.obj, Settings) else Settings()


def connection(settings: Settings) -> Connection:
    """How the global options ask for registries to be reached; raises `UsageError`."""
    from manifest_tool.pipeline import Connection
    from manifest_tool.registry.credentials import Credential
    from manifest_tool.registry.retry import Retry
    from manifest_tool.registry.transport import Options

    if bool(settings.username) != bool(settings.password):
        raise UsageError("--username and --password belong together", hint="give both, or log in with docker login")
    return Connection(
        Options(settings.plain_http, settings.insecure, Retry(attempts=settings.retries)),
        Credential(settings.username, settings.password, origin="--username") if settings.username else None,
        settings.docker_cfg,
    )
