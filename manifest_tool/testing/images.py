"""Small images made in memory: valid to every client, and the same bytes on every run."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.platform import Platform

Media: TypeAlias = Literal["docker", "oci"]

_CREATED = "1970-01-01T00:00:00Z"
_IN_TOTO = "application/vnd.in-toto+json"
_SPDX = "application/spdx+json"
_TYPES = {
    "docker": (types.DOCKER_MANIFEST, types.DOCKER_CONFIG, types.DOCKER_LAYER),
    "oci": (types.OCI_MANIFEST, types.OCI_CONFIG, types.OCI_LAYER),
}


def _json(document: object) -> bytes:
    return json.dumps(document, indent=2).encode()


def root_file_system(files: Mapping[str, bytes], *, executables: Sequence[str] = ()) -> bytes:
    """Pack a layer: a gzipped tar with the folders that the files need."""
    folders = {part for path in files for part in _parents(path)}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(folders | set(files)):
            entry = tarfile.TarInfo(path)
            if path in folders:
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(entry)
            else:
                entry.size, entry.mode = len(files[path]), 0o755 if path in executables else 0o644
                archive.addfile(entry, io.BytesIO(files[path]))
    compressed = io.BytesIO()
    # Not gzip.compress(): the system that it names in its header depends on the version of Python.
    with gzip.GzipFile(filename="", mode="wb", fileobj=compressed, mtime=0) as file:
        file.write(packed.getvalue())
    return compressed.getvalue()


def _parents(path: str) -> Iterator[str]:
    parts = path.split("/")
    return ("/".join(parts[:count]) for count in range(1, len(parts)))


@dataclass(frozen=True, slots=True)
class Image:
    """An image of one platform: every byte that a registry needs of it."""

    config: bytes
    layers: tuple[bytes, ...]
    manifest: bytes
    media_type: str
    platform: Platform

    @property
    def digest(self) -> Digest:
        """The digest of the manifest."""
        return Digest.of(self.manifest)

    @property
    def blobs(self) -> tuple[bytes, ...]:
        """The config and the layers."""
        return (self.config, *self.layers)

    @property
    def descriptor(self) -> dict[str, Any]:
        """What stands for this image in an index."""
        found = _descriptor(self.media_type, self.manifest)
        return {**found, "platform": _platform(self.platform)} if self.platform else found


@dataclass(frozen=True, slots=True)
class Index:
    """An index and the images in it."""

    images: tuple[Image, ...]
    manifest: bytes
    media_type: str

    @property
    def digest(self) -> Digest:
        """The digest of the index."""
        return Digest.of(self.manifest)


def image(
    platform: Platform | str = "linux/amd64",
    layers: Sequence[bytes] | None = None,
    *,
    media: Media = "oci",
    labels: Mapping[str, str] | None = None,
) -> Image:
    """Build an image for ``os/architecture[/variant]``; raises `InvalidPlatform` where that is none.

    Its layers are as `root_file_system` packs them; by default, one with a program that greets from the platform.
    """
    if isinstance(platform, str):
        platform = Platform.parse(platform)
    if layers is None:
        layers = [_greeting(platform)]
    manifest_type, config_type, layer_type = _TYPES[media]
    config = _json(
        {
            "created": _CREATED,
            **_platform(platform),
            "config": {"Cmd": ["/bin/hello"], "Labels": dict(labels or {})},
            "rootfs": {"type": "layers", "diff_ids": [str(Digest.of(gzip.decompress(layer))) for layer in layers]},
            "history": [{"created": _CREATED, "created_by": "COPY / /"} for _ in layers],
        }
    )
    manifest = {
        "schemaVersion": 2,
        "mediaType": manifest_type,
        "config": _descriptor(config_type, config),
        "layers": [_descriptor(layer_type, layer) for layer in layers],
    }
    return Image(config, tuple(layers), _json(manifest), manifest_type, platform)


def index(images: Sequence[Image], *, media: Media = "oci") -> Index:
    """Put images into one index."""
    media_type = types.OCI_INDEX if media == "oci" else types.DOCKER_LIST
    return _index(images, [one.descriptor for one in images], media_type)


def attested_index(image: Image) -> Index:
    """Wrap an image as BuildKit does with provenance: an OCI index with an attestation beside the image."""
    statement = {
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": "https://slsa.dev/provenance/v0.2",
        "subject": [{"name": "image", "digest": {"sha256": image.digest.hex}}],
        "predicate": {"buildType": "https://mobyproject.org/buildkit@v1"},
    }
    attestation = _attestation(_json(statement))
    annotations = {
        "vnd.docker.reference.digest": str(image.digest),
        "vnd.docker.reference.type": "attestation-manifest",
    }
    nowhere = {"architecture": "unknown", "os": "unknown"}
    entry = {**attestation.descriptor, "annotations": annotations, "platform": nowhere}
    return _index([image, attestation], [image.descriptor, entry], types.OCI_INDEX)


def sbom(image: Image) -> Image:
    """An artifact with a list of what is in an image, which is its subject."""
    empty, listing = b"{}", _json({"spdxVersion": "SPDX-2.3", "name": str(image.platform)})
    manifest = {
        "schemaVersion": 2,
        "mediaType": types.OCI_MANIFEST,
        "artifactType": _SPDX,
        "config": _descriptor("application/vnd.oci.empty.v1+json", empty),
        "layers": [_descriptor(_SPDX, listing)],
        "subject": _descriptor(image.media_type, image.manifest),
        "annotations": {"org.opencontainers.image.created": _CREATED},
    }
    return Image(empty, (listing,), _json(manifest), types.OCI_MANIFEST, Platform())


def _attestation(statement: bytes) -> Image:
    rootfs = {"type": "layers", "diff_ids": [str(Digest.of(statement))]}
    config = _json({"architecture": "unknown", "os": "unknown", "config": {}, "rootfs": rootfs})
    layer = {
        **_descriptor(_IN_TOTO, statement),
        "annotations": {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": types.OCI_MANIFEST,
        "config": _descriptor(types.OCI_CONFIG, config),
        "layers": [layer],
    }
    return Image(config, (statement,), _json(manifest), types.OCI_MANIFEST, Platform())


def _index(images: Sequence[Image], entries: Sequence[dict[str, Any]], media_type: str) -> Index:
    manifest = _json({"schemaVersion": 2, "mediaType": media_type, "manifests": list(entries)})
    return Index(tuple(images), manifest, media_type)


def _descriptor(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": str(Digest.of(data)), "size": len(data)}


def _platform(platform: Platform) -> dict[str, Any]:
    fields = {
        "architecture": platform.architecture,
        "os": platform.os,
        "variant": platform.variant,
        "os.version": platform.os_version,
        "os.features": list(platform.os_features),
    }
    return {key: value for key, value in fields.items() if value}


def _greeting(platform: Platform) -> bytes:
    files = {
        "bin/hello": b"#!/bin/sh\ncat /etc/motd\n",
        "etc/motd": f"Hello from {platform}\n".encode(),
        "etc/os-release": b'ID=sample\nNAME="Sample"\nVERSION_ID=1\n',
    }
    return root_file_system(files, executables=["bin/hello"])
