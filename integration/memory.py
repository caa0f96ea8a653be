"""How much memory a copy takes: one large blob, from one registry to another, both on disk.

``python -m integration.memory [MiB] [--cut]`` prints the peak of the program's own process and the time that it took.
With ``--cut`` the line to either registry is cut when half of the blob has passed.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from integration import images
from integration.cutting import line
from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.server.disk import DiskStore
from manifest_tool.server.serve import Running, serving
from manifest_tool.server.store import Stored

MIB = 1024 * 1024
_DEFAULT = 512


def seed(registry: Running, size: int) -> None:
    """Put an image with one layer of so many MiB into the registry."""
    upload, hasher, piece = registry.store.begin("large"), Digest.of(b"").hasher(), os.urandom(MIB)
    for _ in range(size):
        upload.write(piece)
        hasher.update(piece)
    layer = hasher.digest()
    registry.store.commit("large", upload.id, layer)
    small = images.image("linux/amd64", [images.root_file_system({"id": b"small"})], media="docker")
    document = json.loads(small.manifest)
    document["layers"] = [{"mediaType": types.DOCKER_LAYER, "digest": str(layer), "size": size * MIB}]
    registry.put_blob("large", small.config)
    raw = json.dumps(document).encode()
    registry.store.put_manifest("large", Digest.of(raw), Stored(small.media_type, raw), ["1"])


def copy(source: str, target: str, folder: Path) -> float:
    """Push the image to another registry in a process of its own; the seconds that it took."""
    path = folder / "spec.yaml"
    path.write_text(f"image: {target}/app:1\nmanifests:\n  - image: {source}/large:1\n")
    started = time.monotonic()
    subprocess.run([sys.executable, "-m", "manifest_tool", "push", "from-spec", str(path)], check=True)
    return time.monotonic() - started


def resumed(registry: Running) -> list[str]:
    """The requests that went on in the middle of a blob, and from where."""
    ranges = (
        (request.method, request.headers.get("Range") or request.headers.get("Content-Range"))
        for request in registry.log
    )
    return [f"{method} {first}" for method, first in ranges if first]


def main() -> None:
    """Measure once."""
    cut = "--cut" in sys.argv
    size = next((int(word) for word in sys.argv[1:] if word.isdecimal()), _DEFAULT)
    half = size * MIB // 2 if cut else 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            serving(DiskStore(folder / "source")) as source,
            serving(DiskStore(folder / "target")) as target,
            line(source.host, down=half) as near,
            line(target.host, up=half + half // 2) as far,
        ):
            seed(source, size)
            seconds = copy(near.host if cut else source.host, far.host if cut else target.host, folder)
            went_on = [*resumed(source), *resumed(target)]
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    sys.stdout.write(f"{size} MiB copied in {seconds:.1f} s; the program took {peak:.0f} MiB at its peak\n")
    for request in went_on:
        sys.stdout.write(f"resumed by {request}\n")


if __name__ == "__main__":
    main()
