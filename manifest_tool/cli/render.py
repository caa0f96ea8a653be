"""Results for stdout; errors for stderr."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from manifest_tool.cli import streams
from manifest_tool.errors import OutputError

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
        text = f"Digest: {done.plan.digest} {len(done.plan.raw)}\n"
    else:
        hows = [placed.how.value for placed in done.children]
        rest = {"dryRun": False, "written": list(done.written), "blobs": _blobs(done.blobs)}
        text = _json({**_plan(done.plan, hows), **rest})
    try:
        streams.result(text.encode())
    except OutputError as error:
        raise OutputError(f"{done.plan.repository} is published as {done.plan.digest}, but {error}") from None


def plan(made: Plan, output: Format) -> None:
    """What would be published; as text, the exact bytes of the index."""
    if output is Format.TEXT:
        streams.result(made.raw)
        return
    rest = {"dryRun": True, "written": [], "blobs": _blobs(())}
    streams.result(_json({**_plan(made, [None] * len(made.children)), **rest}).encode())


def error(problem: ManifestToolError) -> None:
    """An error, and what to do about it."""
    lines = [f"error: {problem}"] + ([f"hint: {problem.hint}"] if problem.hint else [])
    streams.tell("\n".join(lines))


def bug(problem: Exception, *, with_traceback: bool) -> None:
    """An error that is none of the user's making."""
    import traceback

    if with_traceback:
        streams.tell("".join(traceback.format_exception(problem)).rstrip())
    text = f"error: this is a bug in manifest-tool: {type(problem).__name__}: {problem}"
    text += "\nhint: run it with --debug and report what it prints"
    streams.tell(text)


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


def _json(value: object) -> str:
    """Pure ASCII: what came from a registry reaches no terminal as it is."""
    return json.dumps(value, indent=2, ensure_ascii=True) + "\n"
