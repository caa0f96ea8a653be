"""Results for stdout; errors for stderr."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from manifest_tool.cli.text import safe

if TYPE_CHECKING:
    from manifest_tool.errors import ManifestToolError
    from manifest_tool.index import Child, Plan
    from manifest_tool.pusher import Blob, Receipt


class Format(StrEnum):
    """How a result is printed."""

    TEXT = "text"
    JSON = "json"


def receipt(done: Receipt, output: Format) -> None:
    """What was published; as text, the one line that pipelines cut."""
    if output is Format.TEXT:
        write(f"Digest: {done.plan.digest} {len(done.plan.raw)}\n".encode())
        return
    hows = [placed.how.value for placed in done.children]
    _json({**_plan(done.plan, hows), "dryRun": False, "written": list(done.written), "blobs": _blobs(done.blobs)})


def plan(made: Plan, output: Format) -> None:
    """What would be published; as text, the exact bytes of the index."""
    if output is Format.TEXT:
        write(made.raw)
        return
    _json({**_plan(made, [None] * len(made.children)), "dryRun": True, "written": [], "blobs": _blobs(())})


def error(problem: ManifestToolError) -> None:
    """An error, and what to do about it."""
    lines = [f"error: {problem}"] + ([f"hint: {problem.hint}"] if problem.hint else [])
    print(safe("\n".join(lines)), file=sys.stderr, flush=True)  # noqa: T201


def bug(problem: Exception, *, with_traceback: bool) -> None:
    """An error that is none of the user's making."""
    import traceback

    if with_traceback:
        traceback.print_exception(problem)
    text = f"error: this is a bug in manifest-tool: {type(problem).__name__}: {problem}"
    text += "\nhint: run it with --debug and report what it prints"
    print(safe(text), file=sys.stderr, flush=True)  # noqa: T201


def _plan(made: Plan, hows: list[str] | list[None]) -> dict[str, Any]:
    return {
        "schemaVersion": 1,
        "reference": f"{made.repository}:{made.tags[0]}",
        "mediaType": made.media_type,
        "digest": str(made.digest),
        "size": len(made.raw),
        "tags": list(made.tags),
        "manifests": [_child(child, how) for child, how in zip(made.children, hows, strict=True)],
    }


def _child(child: Child, how: str | None) -> dict[str, Any]:
    descriptor = child.descriptor
    return {
        "mediaType": descriptor.media_type,
        "digest": str(descriptor.digest),
        "size": descriptor.size,
        "platform": descriptor.platform.to_json() if descriptor.platform else None,
        "attestationFor": descriptor.describes if descriptor.is_attestation else None,
        "source": str(child.source),
        "status": how,
    }


def _blobs(blobs: tuple[Blob, ...]) -> dict[str, int]:
    counts = {"present": 0, "mounted": 0, "copied": 0, "copiedBytes": 0}
    for blob in blobs:
        if blob.how is None:
            continue
        counts[blob.how.value] += 1
        if blob.how.value == "copied":
            counts["copiedBytes"] += blob.descriptor.size
    return counts


def _json(value: object) -> None:
    # Pure ASCII: what came from a registry reaches no terminal as it is.
    write(json.dumps(value, indent=2, ensure_ascii=True).encode() + b"\n")


def write(data: bytes) -> None:
    """Put a result on stdout, whatever encoding the terminal claims to have."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
