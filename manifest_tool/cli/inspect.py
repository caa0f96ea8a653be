"""``inspect``: show what lies under a reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from manifest_tool.cli import connect, imports
from manifest_tool.errors import UsageError

if TYPE_CHECKING:
    from manifest_tool.events import Observer
    from manifest_tool.inspector import Inspected
    from manifest_tool.oci.reference import Reference
    from manifest_tool.pipeline import Connection


def inspect(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The image or index; latest where it has no tag.")],
    *,
    raw: Annotated[bool, typer.Option("--raw", help="Print JSON.")] = False,
    expand_config: Annotated[
        bool, typer.Option("--expand-config", help="With --raw: an image's config itself, and not where it is.")
    ] = False,
) -> None:
    """Show an image, or an index and its images."""
    with imports.brisk():
        from manifest_tool import inspector, pipeline
        from manifest_tool.cli import inspection, progress, streams
        from manifest_tool.oci.reference import Reference

    if expand_config and not raw:
        raise UsageError("the --expand-config flag is only valid when used with --raw")
    settings = connect.settings_of(context)

    async def run(reference: Reference, connection: Connection, observe: Observer) -> Inspected:
        async with pipeline.connected(connection, reference.repository.registry, observe) as client:
            return await inspector.inspect(reference, client)

    with progress.watching(debug=settings.debug) as observe:
        reference = Reference.parse(name)
        found = connect.run(run(reference, connect.connection(settings), observe), settings)
    shown = inspection.raw(found, name, expand_config=expand_config) if raw else inspection.text(found, name)
    streams.result(shown.encode())
