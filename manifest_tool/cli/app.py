"""The root of the command line: global options, the table of commands, and the one place where errors end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from manifest_tool import __version__
from manifest_tool.cli import inspect, login, manifest, push, query, registry, render, streams
from manifest_tool.cli.arguments import translated
from manifest_tool.cli.settings import Settings, seconds
from manifest_tool.errors import ExitCode, ManifestToolError, OutputError

app = typer.Typer(
    rich_markup_mode=None,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
    help="Publish one reference over container images built for many platforms.",
)
app.add_typer(push.app, name="push")
app.command("inspect")(inspect.inspect)
app.command("login")(login.login)
app.command("logout")(login.logout)
app.add_typer(manifest.app, name="manifest")
app.command("query")(query.query)
app.add_typer(registry.app, name="registry")


def _version(wanted: bool) -> None:
    if wanted:
        streams.result(f"manifest-tool version {__version__}\n".encode())
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Tell every request on stderr.")] = False,
    insecure: Annotated[bool, typer.Option("--insecure", help="Do not verify the registry's certificate.")] = False,
    ca_file: Annotated[
        str, typer.Option("--ca-file", help="PEM certificates of authorities to trust beside those of the system.")
    ] = "",
    plain_http: Annotated[
        bool, typer.Option("--plain-http", help="Speak http without TLS; loopback hosts need no such word.")
    ] = False,
    username: Annotated[
        str,
        typer.Option("--username", "-u", help="The account at the target's registry; else $MANIFEST_TOOL_USERNAME."),
    ] = "",
    password: Annotated[
        str,
        typer.Option("--password", "-p", help="Its password; else $MANIFEST_TOOL_PASSWORD, which others do not see."),
    ] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    docker_cfg: Annotated[
        str,
        typer.Option(
            "--docker-cfg", help="Docker's config.json, or its folder, or podman's auth.json; the only one read."
        ),
    ] = "",
    retries: Annotated[
        int, typer.Option("--retries", min=0, help="How often a request that failed is sent again.")
    ] = 4,
    timeout: Annotated[
        str,
        typer.Option("--timeout", metavar="DURATION", help="How long the whole run may take, such as 90s or 1h30m."),
    ] = "",
    manifest_limit: Annotated[
        int, typer.Option("--manifest-limit", min=1, metavar="MIB", help="The largest manifest or config that is read.")
    ] = 4,
    _: Annotated[
        bool, typer.Option("--version", "-v", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Publish one reference over container images built for many platforms."""
    context.obj = Settings(
        debug=debug,
        insecure=insecure,
        plain_http=plain_http,
        username=username,
        password=password,
        password_stdin=password_stdin,
        ca_file=ca_file,
        docker_cfg=docker_cfg,
        retries=retries + 1,
        manifest_limit=manifest_limit,
        timeout=seconds(timeout) if timeout else 0.0,
    )
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def run(arguments: Sequence[str]) -> int:
    """Run a command line and give its exit code; whatever goes wrong ends here, as text."""
    streams.prepare()
    words = translated(arguments)
    try:
        app(args=words, prog_name="manifest-tool", standalone_mode=True)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitCode.FAILED
    except ManifestToolError as problem:
        render.error(problem)
        return problem.exit_code
    except OSError as problem:
        # What is left to fail is the output of help.
        streams.abandon()
        render.error(OutputError(f"cannot write to stdout: {problem.strerror or problem}"))
        return ExitCode.FAILED
    except Exception as problem:  # noqa: BLE001  # a traceback is of no use to a user
        render.bug(problem, with_traceback="--debug" in words)
        return ExitCode.FAILED
    return ExitCode.DONE
