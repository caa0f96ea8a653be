"""The reference that is read where nothing is to be written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifest_tool.conformance.check import Failed, Untried
from manifest_tool.conformance.hold import expect
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.manifest import Manifest

if TYPE_CHECKING:
    from manifest_tool.conformance.probe import Probe
    from manifest_tool.registry.answers import Answer


def which(probe: Probe) -> str | Digest:
    """The tag or digest; raises `Untried` where there is none."""
    reference = probe.site.reference
    if reference is None:
        raise Untried("there is no reference to read")
    return reference.which


def parsed(answer: Answer, digest: Digest | None = None) -> Manifest:
    """The manifest that an answer has, which is the one with this digest; raises `Failed`."""
    if digest and not digest.matches(answer.body):
        raise Failed(f"GET by the digest {digest} gives what has the digest {Digest.of(answer.body, digest.algorithm)}")
    try:
        return Manifest.parse(answer.body, answer.headers.get("Content-Type", ""), digest)
    except ValueError as error:
        raise Failed(f"GET gives no manifest that can be used: {error}") from None


async def get(probe: Probe, name: str | Digest) -> Manifest:
    """A manifest, asked for once in a run."""
    read = probe.site.read
    if name not in read:
        answer = expect(await probe.get_manifest(name), 200)
        read[name] = parsed(answer, name if isinstance(name, Digest) else None)
    return read[name]
