"""``manifest``: what ``docker manifest`` does, with the same arguments."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from manifest_tool.cli import connect, imports
from manifest_tool.errors import DraftError, UsageError
from manifest_tool.oci.kind import Kind

if TYPE_CHECKING:
    from manifest_tool.drafts.draft import Draft
    from manifest_tool.drafts.store import Store
    from manifest_tool.drafts.view import View
    from manifest_tool.events import Event, Observer
    from manifest_tool.oci.reference import Reference, Registry
    from manifest_tool.pipeline import Connection
    from manifest_tool.pusher import Receipt
    from manifest_tool.registry.client import Client
    from manifest_tool.spec.model import Spec

T = TypeVar("T")
_NO_DRAFT = "manifest-tool manifest ls names the drafts that there are"

app = typer.Typer(
    rich_markup_mode=None,
    invoke_without_command=True,
    help="Put a list together step by step, as docker manifest does. Its draft is a spec.",
)

List = Annotated[str, typer.Argument(metavar="MANIFEST_LIST", help="The reference to publish.")]


@app.callback()
def manifest(context: typer.Context) -> None:
    """Put a list together step by step, as docker manifest does. Its draft is a spec."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command("create")
def create(
    context: typer.Context,
    name: List,
    images: Annotated[list[str], typer.Argument(metavar="MANIFEST...", help="The images to list.")],
    *,
    amend: Annotated[
        bool, typer.Option("--amend", "-a", help="Add to a draft that is there, and look its images up again.")
    ] = False,
) -> None:
    """Begin the draft of a list, over images in any registry."""
    with imports.brisk():
        from manifest_tool.cli import streams
        from manifest_tool.drafts import draft
        from manifest_tool.drafts.images import look_up
        from manifest_tool.drafts.store import Store

    target = draft.list_reference(name)
    store = Store.of()

    def check(before: bytes | None) -> None:
        if before is not None and not amend:
            hint = f"pass --amend to add to it, or begin anew after manifest-tool manifest rm {target}"
            raise DraftError(f"refusing to amend an existing manifest list with no --amend flag: {target}", hint=hint)

    async def run(client: Client, observe: Observer) -> None:
        items = await look_up(target, images, client, observe)

        def changed(before: bytes | None) -> bytes:
            check(before)
            if before is None:
                return draft.new(target, items)
            return draft.Draft.parse(before, target, str(store.path(target))).amended(items)

        await store.change(target, changed)

    check(store.read(target))
    _connected(context, target.repository.registry, run)
    streams.result(f"Created manifest list {target}\n".encode())


@app.command("annotate")
def annotate(
    context: typer.Context,
    name: List,
    image: Annotated[str, typer.Argument(metavar="MANIFEST", help="The image, as it was given to create.")],
    *,
    architecture: Annotated[str | None, typer.Option("--arch", help="Its architecture.")] = None,
    os: Annotated[str | None, typer.Option("--os", help="Its operating system.")] = None,
    os_features: Annotated[
        list[str] | None,
        typer.Option("--os-features", help="What its operating system must offer, separated by commas."),
    ] = None,
    os_version: Annotated[str | None, typer.Option("--os-version", help="The version of its operating system.")] = None,
    variant: Annotated[str | None, typer.Option("--variant", help="The variant of its architecture.")] = None,
) -> None:
    """Change the platform of an image in a draft; an empty value takes away what is there."""
    with imports.brisk():
        from manifest_tool.drafts.draft import Changes, Draft, image_reference, list_reference
        from manifest_tool.drafts.store import Store

    target, wanted = list_reference(name), image_reference(image)
    store = Store.of()
    features = ",".join(os_features).split(",") if os_features else None
    kept = None if features is None else tuple(feature for feature in features if feature)
    changes = Changes(architecture, os, variant, os_version, kept)

    def changed(before: bytes | None) -> bytes:
        if before is None:
            raise DraftError(f"manifest for image {wanted} does not exist in {target}", hint=_NO_DRAFT)
        return Draft.parse(before, target, str(store.path(target))).annotated(wanted, changes)

    if store.read(target) is None:
        changed(None)
    connect.run(store.change(target, changed), connect.settings_of(context))


@app.command("push")
def push(
    context: typer.Context,
    name: List,
    *,
    purge: Annotated[bool, typer.Option("--purge", "-p", help="Remove the draft once the list is pushed.")] = False,
    kind: Annotated[
        Kind | None,
        typer.Option(
            "--type", help="A Docker manifest list, or an OCI image index, the default where all of it is OCI."
        ),
    ] = None,
) -> None:
    """Publish a list as its draft describes it."""
    with imports.brisk():
        from manifest_tool import pipeline
        from manifest_tool.cli import streams
        from manifest_tool.drafts.draft import list_reference
        from manifest_tool.drafts.images import kind_of
        from manifest_tool.drafts.store import Store
        from manifest_tool.events import ManifestPut

    target = list_reference(name)
    store = Store.of()
    found = _draft(store, target)
    pushed: set[str] = set()

    async def run(client: Client, observe: Observer) -> Receipt:
        def watch(event: Event) -> None:
            if isinstance(event, ManifestPut):
                pushed.add(event.which)
            observe(event)

        chosen = kind or await kind_of(found.spec, client)
        return await pipeline.push(found.spec, chosen, client, ignore_missing=False, observe=watch)

    plan = _connected(context, target.repository.registry, run).plan
    children = dict.fromkeys(str(child.descriptor.digest) for child in plan.children)
    lines = [f"Pushed ref {plan.repository}@{child} with digest: {child}" for child in children if child in pushed]
    streams.result("".join(f"{line}\n" for line in [*lines, str(plan.digest)]).encode())
    if purge and not connect.run(store.remove(target, found.data), connect.settings_of(context)):
        streams.tell(f"warning: the draft of {target} was changed meanwhile, and is left as it is")


@app.command("inspect")
def inspect(
    context: typer.Context,
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="[MANIFEST_LIST] MANIFEST", help="An image of a draft; or a draft, else what lies in a registry."
        ),
    ],
    *,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Everything of each image: its digest, platform and manifest.")
    ] = False,
) -> None:
    """Show an image or a list as JSON."""
    with imports.brisk():
        from manifest_tool.cli import docker_json, streams
        from manifest_tool.drafts import view
        from manifest_tool.drafts.draft import image_reference, list_reference
        from manifest_tool.drafts.store import Store
    if len(names) > 2:
        raise UsageError("manifest inspect takes an image, or a list and an image in it")
    image = image_reference(names[-1])
    store = Store.of()
    spec: Spec | None = None
    if names[1:]:
        draft = _draft(store, list_reference(names[0]))
        spec = replace(draft.spec, entries=(draft.entry(image),))
    elif image.tag and not image.digest and store.read(image) is not None:
        spec = _draft(store, image).spec

    async def run(client: Client, _: Observer) -> View | list[View]:
        if spec is None:
            return await view.of_registry(image, client, whole=verbose)
        return await view.of_draft(spec, client)

    registry = spec.repository.registry if spec else image.repository.registry
    found = _connected(context, registry, run)
    if names[1:] and isinstance(found, list):
        found = view.alone(found)
    if verbose:
        text = docker_json.verbose(found)
    else:
        text = docker_json.listing(found) if isinstance(found, list) else docker_json.image(found)
    streams.result(text.encode())


@app.command("rm")
def rm(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="MANIFEST_LIST...", help="The lists whose drafts go.")],
) -> None:
    """Remove drafts; what is published stays."""
    with imports.brisk():
        from manifest_tool.drafts.draft import list_reference
        from manifest_tool.drafts.store import Store

    store = Store.of()

    async def run() -> list[Reference]:
        return [target for target in targets if not await store.remove(target)]

    targets = [list_reference(name) for name in names]
    if missing := connect.run(run(), connect.settings_of(context)):
        raise DraftError("\n".join(f"No such manifest: {target}" for target in missing), hint=_NO_DRAFT)


@app.command("ls")
def ls() -> None:
    """Name the lists that have a draft."""
    from manifest_tool.cli import streams
    from manifest_tool.drafts.store import Store

    streams.result("".join(f"{target}\n" for target in Store.of().targets()).encode())


@app.command("export")
def export(name: List) -> None:
    """Print the draft of a list: a spec, which push from-spec publishes too."""
    with imports.brisk():
        from manifest_tool.cli import streams
        from manifest_tool.drafts.draft import list_reference
        from manifest_tool.drafts.store import Store

    streams.result(_draft(Store.of(), list_reference(name)).data)


def _draft(store: Store, target: Reference) -> Draft:
    from manifest_tool.drafts.draft import Draft

    data = store.read(target)
    if data is None:
        raise DraftError(f"No such manifest: {target}", hint=_NO_DRAFT)
    return Draft.parse(data, target, str(store.path(target)))


def _connected(context: typer.Context, registry: Registry, work: Callable[[Client, Observer], Awaitable[T]]) -> T:
    """Do some work with a client; an account on the command line is for this registry."""
    from manifest_tool import pipeline
    from manifest_tool.cli import progress

    settings = connect.settings_of(context)

    async def run(connection: Connection, observe: Observer) -> T:
        async with pipeline.connected(connection, registry, observe) as client:
            return await work(client, observe)

    with progress.watching(debug=settings.debug) as observe:
        return connect.run(run(connect.connection(settings), observe), settings)
