"""``registry``: the embedded registry, for trying things out."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from manifest_tool.cli import account, conformance, connect
from manifest_tool.errors import UsageError
from manifest_tool.server.auth import Auth

if TYPE_CHECKING:
    import ssl

    from manifest_tool.server.accounts import Hashes

_ANYWHERE = "this machine"

app = typer.Typer(
    name="registry",
    help="Run a registry for tests, and test any registry.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
app.command("account")(account.account)
app.command("test")(conformance.conformance)


@app.command()
def serve(
    context: typer.Context,
    *,
    host: Annotated[str, typer.Option(help="The address to listen on.", metavar="ADDRESS")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on; 0 is any free one.", min=0, max=65535)] = 5000,
    root: Annotated[
        Path | None, typer.Option(help="The folder to keep everything in; without it, memory.", metavar="DIR")
    ] = None,
    max_size: Annotated[
        str,
        typer.Option(help="The most to keep, such as 20G; by default the disk, or half the memory.", metavar="SIZE"),
    ] = "",
    sparse: Annotated[bool, typer.Option("--sparse", help="Take manifests without their blobs and children.")] = False,
    read_only: Annotated[bool, typer.Option("--read-only", help="Take nothing.")] = False,
    auth: Annotated[Auth, typer.Option("--auth", help="How to ask who somebody is.")] = Auth.NONE,
    htpasswd: Annotated[
        Path | None, typer.Option(help="The accounts, with bcrypt; see registry account.", metavar="FILE")
    ] = None,
    anonymous_pull: Annotated[
        bool, typer.Option("--anonymous-pull", help="With --auth token: let everybody pull.")
    ] = False,
    allow_anonymous: Annotated[
        bool, typer.Option("--allow-anonymous", help="Let everybody in who reaches an address beyond loopback.")
    ] = False,
    tls_cert: Annotated[Path | None, typer.Option(help="A PEM certificate: speak https.", metavar="FILE")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="The key of that certificate.", metavar="FILE")] = None,
    access_log: Annotated[
        str, typer.Option("--access-log", help="Log every request; - is stderr.", metavar="FILE")
    ] = "",
) -> None:
    """Serve an OCI registry until interrupted. Its URL is printed once it listens."""
    import asyncio
    from contextlib import nullcontext

    from manifest_tool.cli import logs, sizes, streams
    from manifest_tool.server import access_log as log
    from manifest_tool.server import guard
    from manifest_tool.server.app import create_app
    from manifest_tool.server.disk import DiskStore
    from manifest_tool.server.limits import Limits, open_more_files
    from manifest_tool.server.listening import Listener, until_stopped
    from manifest_tool.server.memory import MemoryStore
    from manifest_tool.server.rules import Rules

    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host  # as in a URL
    deeds = "read everything" if read_only else "read, write and delete everything"
    _check_reach(host, auth, deeds, allow_anonymous=allow_anonymous)
    hashes = _accounts(auth, htpasswd)
    tls = _tls(tls_cert, tls_key)
    _warn_of_reach(host, auth, tls, deeds)
    guards = guard.middlewares(hashes, auth, anonymous_pull=anonymous_pull, read_only=read_only)
    limits = Limits(size=sizes.parse(max_size) if max_size else None)
    open_more_files()
    store = MemoryStore(limits) if root is None else DiskStore(root, limits, read_only=read_only)
    app = create_app(store, rules=Rules(sparse=sparse), limits=limits, middlewares=guards)
    accesses = log.opened(access_log, streams.tell) if access_log else nullcontext()
    with logs.told(debug=connect.settings_of(context).debug), accesses as lines:
        asyncio.run(until_stopped(app, Listener(host, port, tls, lines), typer.echo))


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches an address that is listened on."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _check_reach(host: str, auth: Auth, deeds: str, *, allow_anonymous: bool) -> None:
    """Refuse to be open to others by mistake."""
    if auth is not Auth.NONE and allow_anonymous:
        raise UsageError(
            f"--allow-anonymous and --auth {auth} exclude each other",
            hint="with --auth token, --anonymous-pull lets everybody pull",
        )
    if auth is Auth.NONE and not allow_anonymous and not is_loopback(host):
        raise UsageError(
            f"whoever reaches {host or _ANYWHERE} could {deeds} here",
            hint="ask for accounts with --auth basic --htpasswd FILE, or pass --allow-anonymous; in a container, pass "
            "that and publish the port on the loopback of its host alone, as with docker run -p 127.0.0.1:5000:5000",
        )


def _warn_of_reach(host: str, auth: Auth, tls: ssl.SSLContext | None, deeds: str) -> None:
    from manifest_tool.cli import streams

    if is_loopback(host):
        return
    if auth is Auth.NONE:
        streams.tell(f"warning: whoever reaches {host or _ANYWHERE} may {deeds} here")
    elif tls is None:
        streams.tell(
            f"warning: passwords travel to {host or _ANYWHERE} in the clear: "
            "encrypt them with --tls-cert and --tls-key, or with a proxy before this"
        )


def _accounts(auth: Auth, path: Path | None) -> Hashes:
    """Where the accounts stand; raises `UsageError`."""
    from manifest_tool.cli import streams
    from manifest_tool.server import accounts

    if auth is Auth.NONE and path is not None:
        raise UsageError("--htpasswd does nothing without --auth", hint="pass --auth basic or --auth token")
    if auth is Auth.NONE:
        return accounts.fixed({})
    if path is None:
        raise UsageError(
            f"--auth {auth} needs accounts: --htpasswd FILE",
            hint="manifest-tool registry account NAME --htpasswd FILE writes an account, as htpasswd -B does",
        )
    return accounts.HtpasswdFile(path, streams.tell)


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """What TLS is spoken with, if it is; raises `UsageError`."""
    from manifest_tool.server import tls

    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise UsageError("--tls-cert and --tls-key belong together")
    return tls.context(certificate, key)
