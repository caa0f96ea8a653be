"""``push from-spec`` and ``push from-args``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from manifest_tool.cli import connect
from manifest_tool.cli.render import Format
from manifest_tool.index import Kind

if TYPE_CHECKING:
    from manifest_tool.events import Observer
    from manifest_tool.pipeline import Connection
    from manifest_tool.spec.model import Spec

app = typer.Typer(
    rich_markup_mode=None, invoke_without_command=True, help="Publish an index over images of many platforms."
)

Type = Annotated[
    Kind | None, typer.Option("--type", help="A Docker manifest list, which is the default, or an OCI image index.")
]
IgnoreMissing = Annotated[
    bool, typer.Option("--ignore-missing", help="Leave out images that are not there, so long as one is.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the exact bytes of the index, and write nothing.")]
Output = Annotated[Format, typer.Option("--format", help="One Digest: line, or a JSON object that tells everything.")]


@app.callback()
def push(context: typer.Context, kind: Type = None) -> None:
    """Publish an index over images of many platforms."""
    context.obj = replace(connect.settings_of(context), kind=kind or "")
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command("from-spec")
def from_spec(
    context: typer.Context,
    path: Annotated[str, typer.Argument(metavar="FILE", help="The YAML spec; - for standard input.")],
    *,
    kind: Type = None,
    ignore_missing: IgnoreMissing = False,
    dry_run: DryRun = False,
    output: Output = Format.TEXT,
    strict: Annotated[bool, typer.Option("--strict", help="Take unknown keys of the spec for errors.")] = False,
) -> None:
    """Publish what a YAML spec describes."""
    from manifest_tool.spec.load import load

    _publish(context, lambda observe: load(path, strict=strict, observe=observe), kind, ignore_missing, dry_run, output)


@app.command("from-args")
def from_args(
    context: typer.Context,
    *,
    platforms: Annotated[
        list[str], typer.Option("--platforms", help="os/arch[/variant], separated by commas; may be repeated.")
    ],
    template: Annotated[
        str, typer.Option("--template", help="The source images; OS, ARCH and VARIANT stand for each platform's.")
    ],
    target: Annotated[str, typer.Option("--target", help="What to publish.")],
    tags: Annotated[
        list[str] | None, typer.Option("--tags", help="More tags for the target, separated by commas; may be repeated.")
    ] = None,
    annotations: Annotated[
        list[str] | None,
        typer.Option("--annotations", help="KEY=VALUE, separated by commas; may be repeated. Needs --type oci."),
    ] = None,
    kind: Type = None,
    ignore_missing: IgnoreMissing = False,
    dry_run: DryRun = False,
    output: Output = Format.TEXT,
) -> None:
    """Publish what the arguments describe: one source image a platform, named by a template."""
    from manifest_tool.spec.template import expand

    _publish(
        context,
        lambda observe: expand(platforms, template, target, tags or (), annotations or (), observe=observe),
        kind,
        ignore_missing,
        dry_run,
        output,
    )


def _publish(
    context: typer.Context,
    read: Callable[[Observer], Spec],
    kind: Kind | None,
    ignore_missing: bool,
    dry_run: bool,
    output: Format,
) -> None:
    from manifest_tool import pipeline
    from manifest_tool.cli import progress, render

    settings = connect.settings_of(context)
    chosen = kind or Kind(settings.kind or Kind.DOCKER)

    async def run(spec: Spec, connection: Connection, observe: Observer) -> Callable[[], None]:
        async with pipeline.connected(connection, spec.repository.registry, observe) as client:
            if dry_run:
                made = await pipeline.plan(spec, chosen, client, ignore_missing=ignore_missing, observe=observe)
                return lambda: render.plan(made, output)
            done = await pipeline.push(spec, chosen, client, ignore_missing=ignore_missing, observe=observe)
            return lambda: render.receipt(done, output)

    with progress.watching(debug=settings.debug) as observe:
        # The spec first: where both stand on standard input, what is missing there is the password, and is told so.
        spec = read(observe)
        show = connect.run(run(spec, connect.connection(settings), observe), settings)
    show()
