"""(Spec, sources) → plan: here the bytes and the digest of the index are fixed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from manifest_tool.errors import AssemblyError, UsageError
from manifest_tool.oci import go_json
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.kind import Kind

if TYPE_CHECKING:
    from manifest_tool.oci.descriptor import Descriptor
    from manifest_tool.oci.platform import Platform
    from manifest_tool.oci.reference import Reference, Repository
    from manifest_tool.resolver import Image, Source
    from manifest_tool.spec.model import Spec


@dataclass(frozen=True, slots=True)
class Child:
    """One entry of the index."""

    image: Image
    descriptor: Descriptor
    """As it stands in the index."""
    source: Reference
    """The reference of the spec that it came from, pinned."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to publish, to the byte."""

    repository: Repository
    tags: tuple[str, ...]
    raw: bytes
    digest: Digest
    media_type: str
    children: tuple[Child, ...]
    notices: tuple[str, ...]
    """What is odd about it, though not wrong."""


def check(spec: Spec, kind: Kind) -> None:
    """Raise `UsageError` where no source can make this spec one of this kind."""
    if kind is Kind.DOCKER and spec.annotations:
        raise UsageError("a Docker manifest list has no annotations", hint="pass --type oci to publish an OCI index")


def assemble(spec: Spec, sources: Sequence[Source], kind: Kind) -> Plan:
    """Put the index together: the images in the order of the spec, then what attests to them.

    Raises `AssemblyError` with every platform that is unknown or given twice.
    """
    notices: list[str] = []
    problems: list[str] = []
    children: list[tuple[str, Child]] = []
    for source in sources:
        where = source.entry.where
        for image in source.images:
            descriptor = image.descriptor
            if not source.from_index:
                descriptor = replace(descriptor, platform=_platform(source, notices, problems))
            children.append((where, Child(image, descriptor, source.reference)))
    problems += _duplicates(children)
    if problems:
        raise AssemblyError("the sources do not make one index\n  " + "\n  ".join(problems))
    ordered = _ordered([child for _, child in children])
    raw = encode([child.descriptor for child in ordered], kind, spec.annotations)
    return Plan(spec.repository, spec.tags, raw, Digest.of(raw), kind.media_type, tuple(ordered), tuple(notices))


def platform_of(source: Source) -> Platform:
    """The platform of an image: as declared, what is open taken from the config.

    The config's variant, os.version and os.features describe only the os and architecture that it names itself.
    """
    declared, config = source.entry.platform, source.platform
    if source.entry.complete:
        return declared
    platform = replace(declared, os=declared.os or config.os, architecture=declared.architecture or config.architecture)
    if (platform.os, platform.architecture) != (config.os, config.architecture):
        return platform
    return replace(
        platform,
        variant=platform.variant or config.variant,
        os_version=platform.os_version or config.os_version,
        os_features=platform.os_features or config.os_features,
    )


def _platform(source: Source, notices: list[str], problems: list[str]) -> Platform:
    declared, config = source.entry.platform, source.platform
    who = f"{source.entry.where}: {source.entry.reference}"
    platform = platform_of(source)
    if not (platform.os and platform.architecture):
        problems.append(f"{who} does not tell its platform; give the entry a platform with os and architecture")
        return platform
    if config and (platform.os, platform.architecture) != (config.os, config.architecture):
        notices.append(f"{who} is declared as {declared}, but its config says {config}; published as declared")
    if problem := platform.problem():
        problems.append(f"{who}: {problem}")
    elif platform.architecture == "arm" and not platform.variant:
        notices.append(f"{who} is for {platform} without a variant, which runtimes take for v7")
    return platform


def _duplicates(children: Sequence[tuple[str, Child]]) -> list[str]:
    """A message for every image whose platform another one before it has; runtimes would see only the first."""
    problems = []
    first: dict[Platform, tuple[str, Child]] = {}
    for where, child in children:
        if child.descriptor.is_attestation or child.descriptor.platform is None:
            continue
        platform = child.descriptor.platform.normalized()
        if platform not in first:
            first[platform] = (where, child)
            continue
        there, other = first[platform]
        problems.append(
            f"{where}: {child.source} is for {child.descriptor.platform}, which {other.source} ({there}) already is"
        )
    return problems


def _ordered(children: Sequence[Child]) -> list[Child]:
    """Images first, then attestations, each of these once."""
    attestations = {child.descriptor.digest: child for child in children if child.descriptor.is_attestation}
    return [*(child for child in children if not child.descriptor.is_attestation), *attestations.values()]


def encode(descriptors: Sequence[Descriptor], kind: Kind, annotations: Mapping[str, str]) -> bytes:
    """The bytes of an index, as the Go manifest-tool writes them."""
    entry = _docker_entry if kind is Kind.DOCKER else _oci_entry
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": kind.media_type,
        "manifests": [entry(descriptor) for descriptor in descriptors],
    }
    if annotations:
        document["annotations"] = _sorted(annotations)
    return go_json.encode(document)


def _docker_entry(descriptor: Descriptor) -> dict[str, Any]:
    return _present(
        mediaType=descriptor.media_type,
        size=descriptor.size,
        digest=str(descriptor.digest),
        annotations=_sorted(descriptor.annotations),
        platform=descriptor.platform and descriptor.platform.to_json(),
    )


def _oci_entry(descriptor: Descriptor) -> dict[str, Any]:
    return _present(
        mediaType=descriptor.media_type,
        digest=str(descriptor.digest),
        size=descriptor.size,
        urls=list(descriptor.urls),
        annotations=_sorted(descriptor.annotations),
        data=descriptor.data,
        platform=descriptor.platform and descriptor.platform.to_json(),
        artifactType=descriptor.artifact_type,
    )


def _present(**fields: object) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value or value == 0}


def _sorted(annotations: Mapping[str, str]) -> dict[str, str]:
    """In the order of the keys' bytes, which for UTF-8 is that of the code points."""
    return dict(sorted(annotations.items()))
