"""How much memory a copy takes: one large blob, from one registry to another, both on disk.

``python -m integration.memory [MiB]`` prints the peak of the program's own process and the time that it took.
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
from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.platform import Platform
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
    small = images.image(Platform.parse("linux/amd64"), [images.root_file_system({"id": b"small"})])
    document = json.loads(small.manifest)
    document["layers"] = [{"mediaType": types.DOCKER_LAYER, "digest": str(layer), "size": size * MIB}]
    registry.put_blob("large", small.config)
    raw = json.dumps(document).encode()
    registry.store.put_manifest("large", Digest.of(raw), Stored(small.media_type, raw), ["1"])


def copy(source: Running, target: Running, folder: Path) -> float:
    """Push the image to another registry in a process of its own; the seconds that it took."""
    path = folder / "spec.yaml"
    path.write_text(f"image: {target.host}/app:1\nmanifests:\n  - image: {source.host}/large:1\n")
    started = time.monotonic()
    subprocess.run([sys.executable, "-m", "manifest_tool", "push", "from-spec", str(path)], check=True)
    return time.monotonic() - started


def main() -> None:
    """Measure once."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else _DEFAULT
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with serving(DiskStore(folder / "source")) as source, serving(DiskStore(folder / "target")) as target:
            seed(source, size)
            seconds = copy(source, target, folder)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    sys.stdout.write(f"{size} MiB copied in {seconds:.1f} s; the program took {peak:.0f} MiB at its peak\n")


if __name__ == "__main__":
    main()
