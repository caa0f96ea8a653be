"""What was queried, in mquery's words and in our JSON; pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from manifest_tool.cli.text import safe_json, safe_line

if TYPE_CHECKING:
    from manifest_tool.errors import ManifestToolError
    from manifest_tool.oci.platform import Platform
    from manifest_tool.oci.reference import Reference
    from manifest_tool.query.support import Support

_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Shown:
    """What was found for one reference."""

    name: str
    """As it was asked for."""
    reference: Reference
    """What that means."""
    support: Support
    missing: tuple[Platform, ...]
    """What was required and is not there."""
    cached: bool
    """Whether no registry had to be asked."""


def text(found: Shown) -> str:
    """The human form, to the byte as mquery prints it; so an image has no variant here."""
    return "".join(f"{safe_line(line)}\n" for line in _lines(found.name, found.support))


def document(shown: Sequence[Shown], failures: Sequence[tuple[str, ManifestToolError]]) -> str:
    """The JSON form, of however many references."""
    told = [
        {"name": name, "error": str(error), "hint": error.hint, "exitCode": int(error.exit_code)}
        for name, error in failures
    ]
    whole = {"schemaVersion": 1, "results": [_result(found) for found in shown], "failures": told}
    return safe_json(json.dumps(whole, indent=2, ensure_ascii=False)) + "\n"


def _lines(name: str, support: Support) -> Iterator[str]:
    yield f"Image: {name} (digest: {support.digest})"
    yield f" * Manifest List: {'Yes' if support.is_index else 'No'} (Image type: {support.media_type})"
    if support.is_index:
        yield " * Supported platforms:"
        yield from (f"   - {_full(manifest.platform)}" for manifest in support.manifests)
    else:
        yield from (f" * Supports: {_short(manifest.platform)}" for manifest in support.manifests)
    yield ""


def _short(platform: Platform | None) -> str:
    if platform is None:
        return f"{_UNKNOWN}/{_UNKNOWN}"
    return f"{platform.os or _UNKNOWN}/{platform.architecture or _UNKNOWN}"


def _full(platform: Platform | None) -> str:
    """With what else tells Windows apart, but without features."""
    if platform is None:
        return _short(platform)
    variant = f"/{platform.variant}" if platform.variant else ""
    version = f":{platform.os_version}" if platform.os == "windows" and platform.os_version else ""
    return f"{_short(platform)}{variant}{version}"


def _result(found: Shown) -> dict[str, Any]:
    return {
        "name": found.name,
        "reference": str(found.reference),
        "cached": found.cached,
        **found.support.to_json(),
        "missing": [str(platform) for platform in found.missing],
    }
