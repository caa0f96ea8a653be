"""``registry test``: whether a registry does what a push needs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from manifest_tool.cli import connect, imports, render, streams
from manifest_tool.cli.format import Format
from manifest_tool.cli.report_file import ReportFile
from manifest_tool.errors import ExitCode, OutputError, UsageError

if TYPE_CHECKING:
    from manifest_tool.cli.settings import Settings
    from manifest_tool.conformance.result import Report
    from manifest_tool.conformance.start import Plan
    from manifest_tool.pipeline import Connection
    from manifest_tool.registry.retry import Retry

_RETRIES = 2
"""What is tried again until it works is not told; so it is not tried as often as a push would, unless asked for."""
_SECONDS = 60.0
"""In which a request has its answer; all that is sent is small."""
_PATIENCE = 10.0
"""Seconds in which an interrupted run takes away what it has put down."""


def conformance(
    context: typer.Context,
    namespace: Annotated[
        str,
        typer.Argument(
            metavar="[HOST[:PORT]/NAMESPACE]",
            help="Where to test. Its repositories manifest-tool-test and manifest-tool-test-2 are written to.",
        ),
    ] = "",
    *,
    read_only: Annotated[
        str, typer.Option("--read-only", metavar="REF", help="Write nothing, and test with this image.")
    ] = "",
    output: Annotated[
        Format, typer.Option("--format", help="A table, or a JSON object with all details.")
    ] = Format.TEXT,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Also write the results for a CI system.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Also write the results as a page.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Do not remove what was pushed.")] = False,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="GROUP", help="Only these groups or checks; may be repeated."),
    ] = None,
) -> None:
    """Test whether a registry does what a push needs. Tiny images for that are made in memory.

    Everything that was pushed is removed afterwards. The exit code is 0 if all that manifest-tool needs works, else 6.
    """
    plan = _plan(namespace, read_only, only or (), keep=keep)

    from manifest_tool.conformance.junit import to_xml
    from manifest_tool.conformance.page import to_html

    if junit and html and junit.resolve() == html.resolve():
        raise UsageError("--junit and --html name the same file", hint="give each its own")
    settings = connect.settings_of(context)
    show = _Shown(output)
    for path, option, form in ((junit, "--junit", to_xml), (html, "--html", to_html)):
        if path:
            show.files.append((ReportFile.at(path, option), form))
    connection = connect.connection(settings)
    brief = _brief(connection, given=_given(context, "retries"))
    report = connect.run(_conducted(plan, brief, connection.options.retry, settings, show), settings, _PATIENCE)
    if not report.sufficient:
        raise typer.Exit(ExitCode.DIFFERENT)


def _plan(namespace: str, read_only: str, only: Sequence[str], *, keep: bool) -> Plan:
    if read_only and (namespace or keep):
        what = "NAMESPACE" if namespace else "--keep"
        raise UsageError(f"--read-only writes nothing, so {what} has no place beside it", hint=f"leave out {what}")
    if not read_only and not namespace:
        raise UsageError(
            "no registry is named",
            hint="give HOST[:PORT]/NAMESPACE to write to, or --read-only REF to test without writing",
        )
    with imports.brisk():
        from manifest_tool.conformance import start

    names = [name.strip() for item in only for name in item.split(",")]
    return start.reading(read_only, names) if read_only else start.writing(namespace, names, keep=keep)


def _given(context: typer.Context, option: str) -> bool:
    """Whether a global option stands on the command line."""
    source = context.find_root().get_parameter_source(option)
    return source is not None and source.name != "DEFAULT"


def _brief(connection: Connection, *, given: bool) -> Connection:
    """The connection, with retries as they were asked for, or else with as few as suit a test."""
    options = connection.options
    retry = options.retry if given else replace(options.retry, attempts=_RETRIES + 1)
    return replace(connection, options=replace(options, retry=retry, seconds=_SECONDS, idle=_SECONDS))


async def _conducted(plan: Plan, connection: Connection, patience: Retry, settings: Settings, show: _Shown) -> Report:
    """The run, shown also where it is interrupted."""
    import asyncio

    from manifest_tool import pipeline
    from manifest_tool.cli import conformance_progress
    from manifest_tool.conformance import start
    from manifest_tool.conformance.run import Interrupted

    with conformance_progress.following(plan.checks, debug=settings.debug) as follower:
        async with pipeline.connected(connection, plan.repository.registry, follower.observe) as client:
            try:
                report = await start.conduct(plan, client, follower.tell, follower.begin, patience=patience)
            except Interrupted as interrupted:
                report = interrupted.report
    report = replace(report, notices=(*report.notices, *follower.notices))
    show(report)
    if report.interrupted:
        raise asyncio.CancelledError
    return report


@dataclass(frozen=True, slots=True)
class _Shown:
    """Prints a report, and writes it to files; where one of these fails, the others are made all the same."""

    output: Format
    files: list[tuple[ReportFile, Callable[[Report], str]]] = field(default_factory=list)

    def __call__(self, report: Report) -> None:
        acts = [partial(file.write, form(report)) for file, form in self.files]
        errors = []
        for act in [partial(streams.result, self._printed(report).encode()), *acts]:
            try:
                act()
            except OutputError as error:
                errors.append(error)
        for told in errors[:-1]:
            render.error(told)
        if errors:
            raise errors[-1]

    def _printed(self, report: Report) -> str:
        from manifest_tool.cli import colours, conformance_text
        from manifest_tool.conformance import document

        if self.output is Format.JSON:
            return document.to_json(report)
        width = shutil.get_terminal_size().columns
        return conformance_text.text(report, colours.Paint(colours.wanted()), width)
