"""A registry beside a test, and how images get into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeAlias, TypeVar

from manifest_tool.errors import InvalidReference
from manifest_tool.oci.reference import check_tag
from manifest_tool.server.disk import DiskStore
from manifest_tool.server.limits import DEFAULT, Limits
from manifest_tool.server.names import is_name
from manifest_tool.server.serve import Running, serving
from manifest_tool.testing.images import Image, Index, Media, image, index

if TYPE_CHECKING:
    from manifest_tool.oci.digest import Digest
    from manifest_tool.oci.platform import Platform
    from manifest_tool.server.store import Store

_P = ParamSpec("_P")
_Given_co = TypeVar("_Given_co", covariant=True)


class _Start(Protocol[_P, _Given_co]):
    """In memory, in a folder, or over a store; with the options of `serving`."""

    def __call__(
        self, store: Path | str | Store | None = None, /, *args: _P.args, **options: _P.kwargs
    ) -> _Given_co: ...


@dataclass(slots=True)
class Registry(Running):
    """A registry that serves from another thread, and takes images without HTTP."""

    def reference(self, name: str) -> str:
        """What clients call ``repository:tag`` or ``repository@digest`` of this registry."""
        return f"{self.host}/{name}"

    def put(self, name: str, image: Image | Index) -> Digest:
        """Put an image, or an index with its images, under ``repository:tag``; without a tag, by its digest alone.

        Raises `InvalidReference` where that is no name.
        """
        return put(self, name, image)

    def put_image(self, name: str, platform: Platform | str = "linux/amd64", *, media: Media = "oci") -> Image:
        """Put a small image under ``repository:tag``."""
        made = image(platform, media=media)
        self.put(name, made)
        return made

    def put_index(self, name: str, *platforms: Platform | str, media: Media = "oci") -> Index:
        """Put an index over a small image for each platform under ``repository:tag``; by default, over two."""
        made = index([image(platform, media=media) for platform in platforms or _TWO], media=media)
        self.put(name, made)
        return made


def put(registry: Running, name: str, image: Image | Index) -> Digest:
    """What `Registry.put` does."""
    repository, colon, tag = name.removeprefix(f"{registry.host}/").partition(":")
    if not is_name(repository):
        raise InvalidReference(name, "expected repository:tag, in lower case and of this registry")
    if colon:
        check_tag(tag)
    for child in image.images if isinstance(image, Index) else (image,):
        for blob in child.blobs:
            registry.put_blob(repository, blob)
        registry.put_manifest(repository, child.manifest, child.media_type)
    return registry.put_manifest(repository, image.manifest, image.media_type, tag)


StartRegistry: TypeAlias = Callable[..., Registry]
"""Starts a registry as `registry` does, until the test ends."""

_TWO = ("linux/amd64", "linux/arm64")


def _with_images(
    serve: Callable[Concatenate[Store | None, _P], AbstractContextManager[Running]],
) -> _Start[_P, AbstractContextManager[Registry]]:
    @contextmanager
    def started(store: Path | str | Store | None = None, /, *args: _P.args, **options: _P.kwargs) -> Iterator[Registry]:
        with ExitStack() as stack:
            if isinstance(store, Path | str):
                limits = options.get("limits")
                store = stack.enter_context(DiskStore(Path(store), limits if isinstance(limits, Limits) else DEFAULT))
            running = stack.enter_context(serve(store, *args, **options))
            yield Registry(**{field.name: getattr(running, field.name) for field in fields(running)})

    return started


registry = _with_images(serving)
"""Run a registry for as long as the context lasts: in memory, or in the folder that is given."""
