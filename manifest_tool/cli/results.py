"""What a push prints on stdout."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

import typer

from manifest_tool.cli import render, streams
from manifest_tool.cli.format import Format
from manifest_tool.errors import FleetError, ManifestToolError, OutputError
from manifest_tool.index import Plan

if TYPE_CHECKING:
    from manifest_tool.index import Child
    from manifest_tool.pusher import Blob, Receipt


class Results:
    """Prints what was published as it comes; JSON of many specs is one object, at the end, however that is.

    Where stdout cannot be written, the work goes on, and that is raised when the context is left.
    """

    def __init__(self, output: Format, *, many: bool) -> None:
        self._output = output
        self._many = many
        self._objects: list[dict[str, Any]] = []
        self._failed: OutputError | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, ended: BaseException | None, trace: object) -> None:
        if self._many and self._output is Format.JSON and isinstance(ended, ManifestToolError | typer.Exit | None):
            document = {"schemaVersion": 1, "results": self._objects, "failures": _failures(ended)}
            self._print(_json(document).encode())
        if self._failed and ended is None:
            raise self._failed
        if self._failed:
            render.error(self._failed)

    def add(self, made: Plan | Receipt) -> None:
        """Print one result."""
        done, plan = (None, made) if isinstance(made, Plan) else (made, made.plan)
        if self._output is Format.TEXT:
            line = f"Digest: {plan.digest} {len(plan.raw)}\n".encode()
            self._print(line if done else plan.raw + b"\n" * self._many, done)
        elif self._many:
            self._objects.append(_object(made))
        else:
            self._print(_json(_object(made)).encode(), done)

    def _print(self, data: bytes, done: Receipt | None = None) -> None:
        try:
            streams.result(data)
        except OutputError as error:
            told = f"{done.plan.repository} is published as {done.plan.digest}, but {error}" if done else str(error)
            self._failed = self._failed or OutputError(told)


def _object(made: Plan | Receipt) -> dict[str, Any]:
    """A receipt, or a plan that was to be seen before it is one."""
    if isinstance(made, Plan):
        rest = {"dryRun": True, "written": [], "blobs": _blobs(())}
        return {**_plan(made, [None] * len(made.children)), **rest}
    hows = [placed.how.value for placed in made.children]
    return {**_plan(made.plan, hows), "dryRun": False, "written": list(made.written), "blobs": _blobs(made.blobs)}


def _failures(ended: ManifestToolError | typer.Exit | None) -> list[dict[str, Any]]:
    """What kept a run from its end; an interruption has told about itself on stderr."""
    match ended:
        case None:
            return []
        case FleetError():
            return [_failure(name, str(error), error.hint, error.exit_code) for name, error in ended.failures]
        case ManifestToolError():
            return [_failure("", str(ended), ended.hint, ended.exit_code)]
        case typer.Exit():
            return [_failure("", "interrupted", "", ended.exit_code)]


def _failure(name: str, error: str, hint: str, code: int) -> dict[str, Any]:
    return {"reference": name or None, "error": error, "hint": hint, "exitCode": int(code)}


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
