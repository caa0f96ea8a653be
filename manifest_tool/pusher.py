"""Plan → receipt: blobs mounted or copied, children by digest, the index, the tags; in this order."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from manifest_tool.concurrency import outcomes, together
from manifest_tool.errors import (
    InvalidContent,
    ManifestToolError,
    NotFound,
    PushError,
    RegistryError,
    Unauthorized,
    Unreachable,
)
from manifest_tool.events import BlobPlaced, ManifestPut, Noticed, Observer
from manifest_tool.registry.failures import is_transient

if TYPE_CHECKING:
    from manifest_tool.index import Child, Plan
    from manifest_tool.oci.descriptor import Descriptor
    from manifest_tool.oci.digest import Digest
    from manifest_tool.oci.manifest import Manifest
    from manifest_tool.oci.reference import Repository
    from manifest_tool.registry.client import Client
    from manifest_tool.registry.upload import Upload
    from manifest_tool.resolver import Image, Source

_COPIES_AT_ONCE = 4
_BLOB_MISSING = frozenset({"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"})
_CHILD_MISSING = _BLOB_MISSING | {"MANIFEST_UNKNOWN"}


class How(StrEnum):
    """How something came to be in the target repository."""

    PRESENT = "present"
    MOUNTED = "mounted"
    COPIED = "copied"


@dataclass(frozen=True, slots=True)
class Standing:
    """What the target repository held before."""

    tags: Mapping[str, Digest | None]
    """By tag; none where there is none, or where it may not be read."""
    children: frozenset[Digest] = frozenset()
    """What the index under the first tag lists."""


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob that the target repository has or needs."""

    descriptor: Descriptor
    source: Repository
    how: How | None
    """None: it is still missing."""
    upload: Upload | None = None
    """Opened by the registry in place of a mount."""


@dataclass(frozen=True, slots=True)
class Staged:
    """What could be done for the children before their platforms were known."""

    present: frozenset[Digest]
    """Manifests that the target repository has."""
    blobs: Mapping[Digest, Blob] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Placed:
    """A child of the published index."""

    child: Child
    how: How


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was done."""

    plan: Plan
    children: tuple[Placed, ...]
    blobs: tuple[Blob, ...]
    written: tuple[str, ...]
    """The tags that were moved; those that pointed to the index before are not among them."""


class Fate(StrEnum):
    """What became of a tag that was to be moved."""

    MOVED = "moved"
    LEFT = "not moved"
    UNKNOWN = "not known whether moved"


class Fates:
    """What became of each tag so far; the text is for people."""

    def __init__(self, tags: Iterable[str]) -> None:
        self.narrow(tags)

    def narrow(self, tags: Iterable[str]) -> None:
        """These tags are to be moved, and no others."""
        self._fates = dict.fromkeys(tags, Fate.LEFT)

    @contextmanager
    def moving(self, tag: str) -> Iterator[None]:
        """Move a tag; where the answer is not clear, or none comes, what became of it is not known."""
        self._fates[tag] = Fate.UNKNOWN
        try:
            yield
        except ManifestToolError as error:
            self._fates[tag] = Fate.UNKNOWN if _is_unclear(error) else Fate.LEFT
            raise
        self._fates[tag] = Fate.MOVED

    def __str__(self) -> str:
        by_fate = {fate: [tag for tag, found in self._fates.items() if found is fate] for fate in Fate}
        return "; ".join(f"{fate}: {', '.join(tags)}" for fate, tags in by_fate.items() if tags)


async def survey(repository: Repository, tags: Sequence[str], client: Client, *, with_children: bool) -> Standing:
    """What the tags point to now; ``with_children``, also what the index under the first one lists."""
    first, *others = tags
    index = _listed(repository, first, client) if with_children else _head(repository, first, client)
    found = await together([index, *(_head(repository, tag, client) for tag in others)])
    digests = {tag: digest for tag, (digest, _) in zip(tags, found, strict=True)}
    return Standing(digests, found[0][1])


async def _listed(repository: Repository, tag: str, client: Client) -> tuple[Digest | None, frozenset[Digest]]:
    try:
        index = await client.get_manifest(repository, tag)
    except (NotFound, Unauthorized, InvalidContent):
        return None, frozenset()
    return index.digest, frozenset(descriptor.digest for descriptor in index.manifests)


async def _head(repository: Repository, tag: str, client: Client) -> tuple[Digest | None, frozenset[Digest]]:
    try:
        return await client.head_manifest(repository, tag), frozenset()
    except (NotFound, Unauthorized, InvalidContent):
        return None, frozenset()


class Stage:
    """Brings into the target repository what costs no more than a request: mounts, and looks at what is there.

    It runs beside the reading of configs; copies wait until everything is validated.
    """

    def __init__(self, target: Repository, client: Client, observe: Observer) -> None:
        self._target = target
        self._client = client
        self._observe = observe
        self._blobs: dict[Digest, asyncio.Task[Blob]] = {}
        self._refusing: set[Repository] = set()
        """Sources that may not be mounted from; the target itself where nothing may."""

    async def run(self, sources: Sequence[Source], standing: Standing) -> Staged:
        """Stage what lies in another repository; manifests that the standing index lists are looked for first."""
        every = (image for source in sources for image in source.images if image.repository != self._target)
        images = {image.manifest.digest: image for image in every}.values()
        found = await together(self._image(image, standing) for image in images)
        present = frozenset(image.manifest.digest for image, there in zip(images, found, strict=True) if there)
        return Staged(present, {digest: task.result() for digest, task in self._blobs.items()})

    async def release(self) -> None:
        """Give up the uploads that were opened in place of mounts; what does not answer soon is left to expire."""
        done = (task for task in self._blobs.values() if task.done() and not task.cancelled() and not task.exception())
        uploads = [upload for task in done if (upload := task.result().upload)]
        await outcomes(self._client.cancel(self._target, upload) for upload in uploads)

    async def _image(self, image: Image, standing: Standing) -> bool:
        digest = image.manifest.digest
        if digest in standing.children and await self._client.head_manifest(self._target, digest):
            return True
        await together(self._once(descriptor, image.repository) for descriptor in image.manifest.blobs)
        return False

    async def _once(self, descriptor: Descriptor, source: Repository) -> Blob:
        if descriptor.digest not in self._blobs:
            self._blobs[descriptor.digest] = asyncio.ensure_future(self._blob(descriptor, source))
        return await self._blobs[descriptor.digest]

    async def _blob(self, descriptor: Descriptor, source: Repository) -> Blob:
        how, upload = None, None
        if source.registry == self._target.registry and not {source, self._target} & self._refusing:
            how, upload = await self._mount(descriptor, source)
        if how is None and await self._client.has_blob(self._target, descriptor.digest):
            how = How.PRESENT
        if how and upload:
            # Whether it can be given up does not matter; nobody else would, and it would lie there until it expires.
            await self._client.cancel(self._target, upload)
            upload = None
        if how:
            self._observe(BlobPlaced(self._target, descriptor.digest, how))
        return Blob(descriptor, source, how, upload)

    async def _mount(self, descriptor: Descriptor, source: Repository) -> tuple[How | None, Upload | None]:
        try:
            upload = await self._client.mount_blob(self._target, descriptor.digest, source)
        except Unreachable:
            raise
        except RegistryError as error:
            # Whatever the reason, the blob can still be copied; where that is refused too, the copy says why.
            about_source = error.exchange is not None and error.exchange.status in {401, 403, 404}
            self._refusing.add(source if about_source else self._target)
            return None, None
        return (None, upload) if upload else (How.MOUNTED, None)


class Push:
    """Publishes one plan."""

    def __init__(
        self, plan: Plan, staged: Staged, standing: Standing, fates: Fates, client: Client, observe: Observer
    ) -> None:
        self._plan = plan
        self._staged = staged
        self._standing = standing
        self._fates = fates
        self._client = client
        self._observe = observe
        self._blobs = dict(staged.blobs)
        self._copying = asyncio.Semaphore(_COPIES_AT_ONCE)
        self._restoring: dict[Digest, asyncio.Task[None]] = {}
        self._unlisted: list[Manifest] = []
        """What was put that has a subject, for which the registry does not list it."""

    async def run(self) -> Receipt:
        """Write what is missing and nothing else; raises `PushError` that tells which tags were moved."""
        plan = self._plan
        children = {child.image.manifest.digest: child for child in plan.children if self._is_missing(child)}
        blobs = [blob for blob in self._blobs.values() if blob.how is None]
        try:
            await together(self._copy(blob) for blob in blobs)
            await together(self._put_child(child) for child in children.values())
            await self._list_referrers()
        except ManifestToolError as error:
            raise PushError(f"no tag of {plan.repository} was moved: {error}", error) from error
        written = await self._tag([tag for tag in plan.tags if self._standing.tags.get(tag) != plan.digest])
        placed = tuple(Placed(child, self._how(child)) for child in plan.children)
        return Receipt(plan, placed, tuple(self._blobs.values()), written)

    def _is_missing(self, child: Child) -> bool:
        image = child.image
        return image.repository != self._plan.repository and image.manifest.digest not in self._staged.present

    def _how(self, child: Child) -> How:
        if not self._is_missing(child):
            return How.PRESENT
        ways = {self._blobs[blob.digest].how for blob in child.image.manifest.blobs}
        return How.COPIED if How.COPIED in ways else How.MOUNTED if How.MOUNTED in ways else How.PRESENT

    async def _copy(self, blob: Blob) -> None:
        target, client = self._plan.repository, self._client
        async with self._copying:
            content = client.get_blob(blob.source, blob.descriptor).chunks
            await client.put_blob(target, blob.descriptor, content, blob.upload)
        digest = blob.descriptor.digest
        self._blobs[digest] = Blob(blob.descriptor, blob.source, How.COPIED)
        self._observe(BlobPlaced(target, digest, How.COPIED))

    async def _put_child(self, child: Child) -> None:
        try:
            await self._put(child.image.manifest.digest, child.image)
        except RegistryError as error:
            if not _says(error, _BLOB_MISSING):
                raise
            # There are registries that accept a mount and have nothing afterwards.
            await together(self._restore(blob.digest) for blob in child.image.manifest.blobs)
            await self._put(child.image.manifest.digest, child.image)

    async def _restore(self, digest: Digest) -> None:
        """Copy a blob that should be there and is not; once, however many children need it."""
        if digest not in self._restoring:
            self._restoring[digest] = asyncio.ensure_future(self._copy_missing(self._blobs[digest]))
        await self._restoring[digest]

    async def _copy_missing(self, blob: Blob) -> None:
        if not await self._client.has_blob(self._plan.repository, blob.descriptor.digest):
            await self._copy(replace(blob, upload=None))

    async def _put(self, digest: Digest, image: Image) -> None:
        manifest = image.manifest
        listed = await self._client.put_manifest(self._plan.repository, digest, manifest.raw, manifest.media_type)
        if manifest.subject and not listed:
            self._unlisted.append(manifest)
        self._observe(ManifestPut(self._plan.repository, str(digest)))

    async def _list_referrers(self) -> None:
        """Add to the lists of referrers, one after the other, as several may go into one; none is worth a push."""
        for manifest in self._unlisted:
            try:
                await self._client.add_referrer(self._plan.repository, manifest)
            except RegistryError as error:
                self._observe(Noticed(f"{manifest.digest} is not listed among the referrers of its subject: {error}"))

    async def _tag(self, tags: Sequence[str]) -> tuple[str, ...]:
        """Publish the index under the first tag, then under the others at once."""
        self._fates.narrow(tags)
        for batch in (tags[:1], tags[1:]):
            ended = await outcomes(self._put_index(tag) for tag in batch)
            if failures := [error for error in ended if isinstance(error, ManifestToolError)]:
                raise self._not_tagged(failures)
        return tuple(tags)

    def _not_tagged(self, failures: Sequence[ManifestToolError]) -> PushError:
        """The error that tells of each tag whether it was moved; without a clear answer that is not known."""
        reasons = "\n  ".join(map(str, failures))
        return PushError(
            f"not every tag of {self._plan.repository} was moved ({self._fates})\n  {reasons}", failures[0]
        )

    async def _put_index(self, tag: str) -> None:
        with self._fates.moving(tag):
            await self._patiently(tag)
        self._observe(ManifestPut(self._plan.repository, tag))

    async def _patiently(self, tag: str) -> None:
        """Put the index, again where its children are not seen yet: registries may be consistent only in the end."""
        plan, client = self._plan, self._client
        failed = 0
        while True:
            try:
                await client.put_manifest(plan.repository, tag, plan.raw, plan.media_type)
            except RegistryError as error:
                failed += 1
                if not _says(error, _CHILD_MISSING) or not await client.sender.transport.pause(failed, str(error)):
                    raise
            else:
                return


def _says(error: RegistryError, codes: frozenset[str]) -> bool:
    """Whether the registry says one of these; what may pass by itself was tried again already."""
    return error.exchange is not None and not codes.isdisjoint(error.exchange.codes) and not is_transient(error)


def _is_unclear(error: ManifestToolError) -> bool:
    """Whether a write that ended so may have been done all the same."""
    if isinstance(error, InvalidContent | Unreachable):
        return True
    return isinstance(error, RegistryError) and error.exchange is not None and error.exchange.status >= 500
