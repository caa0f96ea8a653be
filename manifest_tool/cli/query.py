"""``query``: which platforms do these images support."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from manifest_tool.cli import connect, imports
from manifest_tool.cli.format import Format
from manifest_tool.cli.settings import Settings, seconds
from manifest_tool.errors import ExitCode, ManifestToolError, PlatformNotFound, UsageError

if TYPE_CHECKING:
    from manifest_tool.cli.platforms import Shown
    from manifest_tool.oci.platform import Platform
    from manifest_tool.oci.reference import Reference
    from manifest_tool.query.lookup import Entry, Key, Lookup
    from manifest_tool.registry.credentials import Keychain

_NO_AGE = frozenset({"0", "0s"})
_UNNAMED = "<token>"
"""The account of whoever has a token that tells of none."""


@dataclass(frozen=True, slots=True)
class _Answer:
    key: Key
    entry: Entry
    cached: bool


def query(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Images; latest where one has no tag.")
    ] = None,
    *,
    output: Annotated[
        Format, typer.Option("--format", help="As mquery prints it, or a JSON object that tells everything.")
    ] = Format.TEXT,
    require: Annotated[
        list[str] | None,
        typer.Option("--require", help="os/arch[/variant], separated by commas: exit with 3 where one is missing."),
    ] = None,
    max_age: Annotated[
        str,
        typer.Option("--max-age", metavar="DURATION", help="How long an answer is believed before a tag is asked for."),
    ] = "1h",
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Neither read nor write the cache on disk.")] = False,
    serve: Annotated[bool, typer.Option("--serve", help="Answer over HTTP instead, until interrupted.")] = False,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="With --serve: the address to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="With --serve: the port; 0 is any free one.")
    ] = 8080,
    allow_private: Annotated[
        bool,
        typer.Option("--allow-private", help="With --serve: ask registries of this machine and its networks too."),
    ] = False,
) -> None:
    """Tell which platforms images support."""
    with imports.brisk():
        from manifest_tool.oci.platform import Platform

    settings = connect.settings_of(context)
    age = 0.0 if max_age in _NO_AGE else seconds(max_age, "--max-age")
    if serve:
        if names or require:
            raise UsageError("--serve takes no images: they are named in requests")
        _serve(settings, age, host=host, port=port, allow_private=allow_private)
        return
    if not names:
        raise UsageError("no image is named", hint="manifest-tool query NAME")
    wanted = tuple(Platform.parse(text) for item in require or () for text in item.split(","))
    found = connect.run(_ask([_parsed(name) for name in names], settings, age, cache=not no_cache), settings)
    if code := _tell(names, found, wanted, output):
        raise typer.Exit(code)


def _parsed(name: str) -> Reference | ManifestToolError:
    from manifest_tool.oci.reference import Reference

    try:
        return Reference.parse(name)
    except ManifestToolError as error:
        return error


async def _ask(
    references: Sequence[Reference | ManifestToolError], settings: Settings, age: float, *, cache: bool
) -> list[_Answer | ManifestToolError]:
    """What there is under each reference, asked for all at once; where the cache has it all, no HTTP is even loaded."""
    from manifest_tool.cli import progress
    from manifest_tool.concurrency import outcomes
    from manifest_tool.events import ignore
    from manifest_tool.query.disk import DiskCache
    from manifest_tool.query.lookup import Key, Lookup, Nothing

    tell = progress.plainly(debug=settings.debug)
    lookup = Lookup(DiskCache.of_user(tell if settings.debug else ignore) if cache else Nothing(), age)
    keychain = _keychain(references, settings)
    keys = await outcomes(_key(reference, keychain, settings) for reference in references)
    known = {key: found for key in keys if isinstance(key, Key) and (found := lookup.known(key))}
    unknown = [key for key in dict.fromkeys(keys) if isinstance(key, Key) and key not in known]
    asked = await _ask_registries(unknown, keychain, lookup, settings) if unknown else {}
    return [key if isinstance(key, ManifestToolError) else _answer(key, known, asked) for key in keys]


def _answer(
    key: Key, known: Mapping[Key, Entry], asked: Mapping[Key, Entry | ManifestToolError]
) -> _Answer | ManifestToolError:
    entry = known.get(key) or asked[key]
    return entry if isinstance(entry, ManifestToolError) else _Answer(key, entry, key in known)


async def _key(reference: Reference | ManifestToolError, keychain: Keychain, settings: Settings) -> Key:
    from manifest_tool.query.lookup import Key, normalised

    if isinstance(reference, ManifestToolError):
        raise reference
    credential = await keychain.find(reference.repository)
    account = credential.username or _UNNAMED if credential else ""
    channel = " ".join(name for name in ("insecure", "plain_http") if getattr(settings, name))
    return Key(normalised(reference), account, channel)


def _keychain(references: Sequence[Reference | ManifestToolError], settings: Settings) -> Keychain:
    """Whom the registries know; an account of the command line is one at a single registry."""
    from manifest_tool.registry.credentials import Keychain, configured

    explicit = connect.credential(settings)
    registries = {one.repository.registry for one in references if not isinstance(one, ManifestToolError)}
    if explicit and len(registries) > 1:
        names = ", ".join(sorted(map(str, registries)))
        raise UsageError(
            f"--username is an account at one registry, and the images lie in {names}",
            hint="log in to each of them, or query them one after the other",
        )
    return Keychain(*configured(settings.docker_cfg), explicit=explicit, explicit_for=next(iter(registries), None))


async def _ask_registries(
    keys: Sequence[Key], keychain: Keychain, lookup: Lookup, settings: Settings
) -> dict[Key, Entry | ManifestToolError]:
    with imports.brisk():
        from manifest_tool.cli import progress
        from manifest_tool.concurrency import outcomes
        from manifest_tool.registry.client import Client

    with progress.watching(debug=settings.debug) as observe:
        async with Client.opened(connect.options(settings), keychain, observe) as client:
            found = await outcomes(lookup.find(key, client) for key in keys)
    return dict(zip(keys, found, strict=True))


def _tell(
    names: Sequence[str], found: Sequence[_Answer | ManifestToolError], wanted: Sequence[Platform], output: Format
) -> int:
    """Print the results on stdout and what failed on stderr; gives the exit code of the worst."""
    from manifest_tool.cli import platforms, render, streams

    shown, failures = [], []
    for name, answer in zip(names, found, strict=True):
        if isinstance(answer, ManifestToolError):
            failures.append((name, answer))
            continue
        support = answer.entry.support
        shown.append(platforms.Shown(name, answer.key.reference, support, support.missing(wanted), answer.cached))
    text = "".join(map(platforms.text, shown)) if output is Format.TEXT else platforms.document(shown, failures)
    streams.result(text.encode())
    lacking = [_lacking(one) for one in shown if one.missing]
    errors = [*(error for _, error in failures), *lacking]
    for error in errors:
        render.error(error)
    return max((error.exit_code for error in errors), default=ExitCode.DONE)


def _lacking(shown: Shown) -> PlatformNotFound:
    return PlatformNotFound(f"{shown.name} has no image for {', '.join(map(str, shown.missing))}")


def _serve(settings: Settings, age: float, *, host: str, port: int, allow_private: bool) -> None:
    """Answer until a signal; nobody is asked in the name of whoever runs this, unless a file is given for it."""
    import asyncio

    from manifest_tool.cli import logs, progress, streams
    from manifest_tool.cli.registry import is_loopback
    from manifest_tool.events import ignore
    from manifest_tool.query.clients import Clients
    from manifest_tool.query.lookup import Lookup
    from manifest_tool.query.memory import MemoryCache
    from manifest_tool.query.service import Limits, Service, create_app
    from manifest_tool.registry.client import Client
    from manifest_tool.registry.credentials import DockerConfig, Keychain
    from manifest_tool.server.listening import Listener, until_stopped

    if settings.username or settings.password or settings.password_stdin:
        raise UsageError(
            "--serve takes no account of a single registry", hint="keep accounts for it in a file, see --docker-cfg"
        )
    if not is_loopback(host):
        streams.tell(f"warning: whoever reaches {host} may have this machine ask registries")
    # What --timeout gives here is for one image, and not for the whole run.
    options = replace(connect.options(replace(settings, timeout=0.0)), public_only=not allow_private)
    configs = [DockerConfig.load(settings.docker_cfg)] if settings.docker_cfg else []
    tell = progress.plainly(debug=settings.debug)
    observe = tell if settings.debug else ignore
    clients = Clients(lambda: Client.opened(options, Keychain(*configs, observe=observe), observe))
    limits = Limits(settings.timeout) if settings.timeout else Limits()
    service = Service(clients, Lookup(MemoryCache(), age), limits, observe=tell)
    with logs.told(debug=settings.debug):
        asyncio.run(until_stopped(create_app(service), Listener(host, port), typer.echo))
