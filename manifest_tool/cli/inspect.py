"""``inspect``: show what lies under a reference."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from manifest_tool.cli import connect, imports
from manifest_tool.errors import UsageError

if TYPE_CHECKING:
    from manifest_tool.events import Observer
    from manifest_tool.inspector import Inspected
    from manifest_tool.oci.platform import Platform
    from manifest_tool.oci.reference import Reference
    from manifest_tool.registry.client import Client


class Form(StrEnum):
    """How it is shown."""

    TEXT = "text"
    JSON = "json"
    TREE = "tree"


def inspect(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The image or index; latest where it has no tag.")],
    *,
    output: Annotated[
        Form | None,
        typer.Option("--format", help="Text, which is the default, a JSON object that tells everything, or a tree."),
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Print JSON as the Go manifest-tool does.")] = False,
    expand_config: Annotated[
        bool, typer.Option("--expand-config", help="With --raw: an image's config itself, and not where it is.")
    ] = False,
    manifest: Annotated[bool, typer.Option("--manifest", help="Print the exact bytes of the manifest.")] = False,
    digest: Annotated[bool, typer.Option("--digest", help="Print the digest alone.")] = False,
    platform: Annotated[
        str, typer.Option("--platform", metavar="OS/ARCH[/VARIANT]", help="Of an index, the image for this platform.")
    ] = "",
    referrers: Annotated[
        bool, typer.Option("--referrers", help="List what refers to it too, such as signatures.")
    ] = False,
) -> None:
    """Show an image, or an index and its images."""
    with imports.brisk():
        from manifest_tool import pipeline
        from manifest_tool.cli import progress, streams
        from manifest_tool.oci.platform import Platform
        from manifest_tool.oci.reference import Reference

    asked = _Asked(name, output, raw, expand_config, manifest, digest, referrers)
    asked.check()
    settings = connect.settings_of(context)

    async def run(observe: Observer) -> bytes:
        async with pipeline.connected(connection, reference.repository.registry, observe) as client:
            return await asked.answer(reference, wanted, client, observe)

    with progress.watching(debug=settings.debug) as observe:
        reference = Reference.parse(name)
        wanted = Platform.parse(platform) if platform else Platform()
        connection = connect.connection(settings)
        result = connect.run(run(observe), settings)
    streams.result(result)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the command was asked to print."""

    name: str
    output: Form | None
    raw: bool
    expand_config: bool
    manifest: bool
    digest: bool
    referrers: bool

    def check(self) -> None:
        """Raise `UsageError` where the options do not fit together."""
        if self.expand_config and not self.raw:
            raise UsageError("the --expand-config flag is only valid when used with --raw")
        given = {"--raw": self.raw, "--manifest": self.manifest, "--digest": self.digest}
        forms = [*([f"--format {self.output}"] if self.output else []), *(name for name, on in given.items() if on)]
        if len(forms) > 1:
            raise UsageError(f"{', '.join(forms[:-1])} and {forms[-1]} exclude each other")
        if self.referrers and forms and self.output not in {Form.TEXT, Form.JSON}:
            raise UsageError(
                f"--referrers and {forms[0]} exclude each other", hint="the text and --format json list referrers"
            )

    async def answer(self, reference: Reference, wanted: Platform, client: Client, observe: Observer) -> bytes:
        """What to print, with no more asked of the registry than that takes."""
        from manifest_tool import inspector

        if self.digest:
            return f"{await inspector.digest(reference, client, wanted, observe)}\n".encode()
        if self.manifest:
            return (await inspector.find(reference, client, wanted, observe)).manifest.raw
        found = await inspector.inspect(
            reference,
            client,
            platform=wanted,
            reach=inspector.WHOLE if self.output in {Form.JSON, Form.TREE} else inspector.FLAT,
            referrers=self.referrers,
            observe=observe,
        )
        return self._shown(found).encode()

    def _shown(self, found: Inspected) -> str:
        from manifest_tool.cli import colours, inspection, inspection_json

        if self.output is Form.JSON:
            return inspection_json.text(found)
        if self.output is Form.TREE:
            from manifest_tool.cli import inspection_tree

            return inspection_tree.text(found, self.name, coloured=colours.wanted())
        if self.raw:
            return inspection.raw(found, self.name, expand_config=self.expand_config)
        return inspection.text(found, self.name, colours.Paint(colours.wanted()))
