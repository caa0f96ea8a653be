"""``registry``: the embedded registry, for trying things out."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="registry",
    help="Run the embedded registry, for trying things out and for tests.",
    rich_markup_mode=None,
    no_args_is_help=True,
)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.", metavar="ADDRESS")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on; 0 is any free one.", min=0, max=65535)] = 5000,
    root: Annotated[
        Path | None, typer.Option(help="The folder to keep everything in; without it, memory.", metavar="DIR")
    ] = None,
    sparse: Annotated[bool, typer.Option("--sparse", help="Take manifests without their blobs and children.")] = False,
) -> None:
    """Serve an OCI registry until interrupted; prints its URL once it listens."""
    import asyncio

    from manifest_tool.server.disk import DiskStore
    from manifest_tool.server.rules import Rules
    from manifest_tool.server.serve import run
    from manifest_tool.server.store import MemoryStore

    store = MemoryStore() if root is None else DiskStore(root)
    if not is_loopback(host):
        typer.echo(f"warning: whoever reaches {host} may read, write and delete everything here", err=True)
    asyncio.run(run(store, host=host, port=port, announce=typer.echo, rules=Rules(sparse=sparse)))


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches an address that is listened on."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
