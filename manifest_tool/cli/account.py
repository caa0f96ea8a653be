"""``registry account``: the accounts of the embedded registry."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from manifest_tool.cli import connect
from manifest_tool.cli.text import safe_line
from manifest_tool.errors import UsageError


def account(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The account.")],
    htpasswd: Annotated[
        Path, typer.Option("--htpasswd", metavar="FILE", help="The file it stands in, for registry serve.")
    ],
) -> None:
    """Add an account to an htpasswd file, or change its password. Only a bcrypt hash of the password is kept.

    On a terminal, the password is asked for; else it is given by --password-stdin.
    """
    from manifest_tool.cli import streams
    from manifest_tool.server import htpasswd as file

    settings = connect.settings_of(context)
    if settings.username:
        raise UsageError("the account is named without --username", hint="manifest-tool registry account NAME")
    file.check_name(name)
    # Not from the environment: that is somebody else's, who pushes.
    is_given = settings.password or settings.password_stdin
    is_new = file.put(htpasswd, name, connect.account(settings)[1] if is_given else _asked(name))
    streams.result(f"{'Added' if is_new else 'Changed'} account {safe_line(name)}\n".encode())


def _asked(name: str) -> str:
    """The password, typed twice; raises `UsageError`."""
    from getpass import getpass

    if not sys.stdin.isatty():
        raise UsageError(
            "an account needs a password, and there is no terminal to ask for it",
            hint="give it on standard input with --password-stdin",
        )
    try:
        secret = getpass(f"Password for {name}: ", stream=sys.stderr)
        again = getpass("Once more: ", stream=sys.stderr)
    except EOFError:
        secret = again = ""
    except UnicodeDecodeError:
        raise UsageError("what was typed is no UTF-8") from None
    if secret != again:
        raise UsageError("the two passwords differ, and nothing is written")
    return secret
