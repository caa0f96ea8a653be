"""``login`` and ``logout``: accounts kept where Docker and podman read them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from manifest_tool.cli import connect, imports
from manifest_tool.errors import UsageError

if TYPE_CHECKING:
    from manifest_tool.cli.settings import Settings
    from manifest_tool.registry.credentials import Credential

Host = Annotated[
    str, typer.Argument(metavar="HOST", help="The registry, as references name it; docker.io for Docker Hub.")
]


def login(context: typer.Context, host: Host) -> None:
    """Check an account at a registry, and keep it.

    The account is given by -u and -p, or better --password-stdin; on a terminal, what is missing is asked for.

    It is kept in the file that --docker-cfg or REGISTRY_AUTH_FILE names, else in Docker's config.json, or in the
    credential helper that is named there.
    """
    with imports.brisk():
        from manifest_tool.cli import progress, streams
        from manifest_tool.registry import logins

    settings = connect.settings_of(context)
    registry = logins.parse(host)
    credential = _credential(settings, registry.host)
    options = connect.options(settings)
    with progress.watching(debug=settings.debug) as observe:
        connect.run(logins.login(registry, credential, options, settings.docker_cfg, observe), settings)
    streams.result(b"Login Succeeded\n")


def logout(context: typer.Context, host: Host) -> None:
    """Forget the account of a registry, where login has kept it."""
    with imports.brisk():
        from manifest_tool.cli import progress, streams
        from manifest_tool.registry import logins

    settings = connect.settings_of(context)
    registry = logins.parse(host)
    with progress.watching(debug=settings.debug) as observe:
        known = connect.run(logins.logout(registry, settings.docker_cfg, observe), settings)
    text = f"Removed login credentials for {registry}" if known else f"Not logged in to {registry}"
    streams.result(f"{text}\n".encode())


def _credential(settings: Settings, host: str) -> Credential:
    """The account that is given, and on a terminal asked for; raises `UsageError`."""
    from getpass import getpass

    from manifest_tool.registry.credentials import Credential

    username, secret = connect.account(settings)
    if not (username and secret) and not sys.stdin.isatty():
        raise UsageError(
            "login needs a user name and a password, and there is no terminal to ask for them",
            hint="give --username, and the password on standard input with --password-stdin",
        )
    try:
        username = username or _ask(f"Username for {host}: ")
        secret = secret or getpass(f"Password for {host}: ", stream=sys.stderr)
    except EOFError:
        username = secret = ""
    except UnicodeDecodeError:
        raise UsageError("what was typed is no UTF-8") from None
    if not (username and secret):
        raise UsageError("login needs a user name and a password")
    return Credential(username, secret)


def _ask(prompt: str) -> str:
    sys.stderr.write(prompt)
    sys.stderr.flush()
    return sys.stdin.readline().strip()
