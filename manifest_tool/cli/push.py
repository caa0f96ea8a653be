"""``push from-spec`` and ``push from-args``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from manifest_tool.cli import connect, imports
from manifest_tool.cli.format import Format
from manifest_tool.oci.kind import Kind

if TYPE_CHECKING:
    from manifest_tool.errors import ManifestToolError
    from manifest_tool.events import Observer
    from manifest_tool.index import Plan
    from manifest_tool.pusher import Receipt
    from manifest_tool.spec.model import Spec

_JOBS = 16

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
    paths: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="YAML specs: files, folders of them, patterns; - for standard input."),
    ],
    *,
    kind: Type = None,
    ignore_missing: IgnoreMissing = False,
    dry_run: DryRun = False,
    output: Output = Format.TEXT,
    strict: Annotated[bool, typer.Option("--strict", help="Take unknown keys of the spec for errors.")] = False,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="How many specs are published at once.")] = _JOBS,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Publish the other specs where one of them fails.")
    ] = False,
) -> None:
    """Publish what YAML specs describe; a file may hold several."""
    with imports.brisk():
        from manifest_tool.spec.files import expand
        from manifest_tool.spec.load import load

    def read(observe: Observer) -> list[Spec | ManifestToolError]:
        files = expand(paths)
        return [found for file in files for found in load(file, strict=strict, observe=observe)]

    _publish(context, read, _Asked(kind, ignore_missing, dry_run, output, jobs, keep_going))


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
    with imports.brisk():
        from manifest_tool.spec.template import expand

    def read(observe: Observer) -> list[Spec | ManifestToolError]:
        return [expand(platforms, template, target, tags or (), annotations or (), observe=observe)]

    _publish(context, read, _Asked(kind, ignore_missing, dry_run, output))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What both commands can be asked for."""

    kind: Kind | None
    ignore_missing: bool
    dry_run: bool
    output: Format
    jobs: int = 1
    keep_going: bool = False


def _publish(
    context: typer.Context, read: Callable[[Observer], Sequence[Spec | ManifestToolError]], asked: _Asked
) -> None:
    with imports.brisk():
        from manifest_tool import fleet, pipeline
        from manifest_tool.cli import progress
        from manifest_tool.cli.results import Results

    settings = connect.settings_of(context)
    kind = asked.kind or Kind(settings.kind or Kind.DOCKER)
    specs = read(progress.plainly(debug=settings.debug))
    found = fleet.checked(specs, kind, keep_going=asked.keep_going, jobs=asked.jobs)
    # The specs first: where both stand on standard input, what is missing there is the password, and is told so.
    connection = connect.connection(settings)
    target = fleet.registry(found) if connection.credential else None

    async def run(observe: Observer) -> None:
        async with pipeline.connected(connection, target, observe) as client:

            async def work(spec: Spec) -> Plan | Receipt:
                act = pipeline.plan if asked.dry_run else pipeline.push
                return await act(spec, kind, client, ignore_missing=asked.ignore_missing, observe=observe)

            deed = "planned" if asked.dry_run else "published"
            runs = fleet.Fleet(found, jobs=asked.jobs, keep_going=asked.keep_going, tell=results.add, deed=deed)
            await runs.run(work)

    with (
        Results(asked.output, many=len(found) > 1) as results,
        progress.watching(debug=settings.debug, specs=len(found)) as observe,
    ):
        connect.run(run(observe), settings)
