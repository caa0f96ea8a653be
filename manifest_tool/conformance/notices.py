"""What happened beside the checks, for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from manifest_tool.conformance.cleanup import Left
    from manifest_tool.conformance.site import Site


def of(site: Site, left: Left) -> Iterator[str]:
    """One sentence for each thing."""
    statuses = sorted({status for status, _ in site.put_off})
    for status in statuses:
        found = {after: count for (other, after), count in site.put_off.items() if other == status}
        times = sum(found.values())
        asked = ", ".join(sorted(after for after in found if after))
        wait = f"with Retry-After: {asked}" if asked else "without a Retry-After"
        yield f"{times} request{'s were' if times > 1 else ' was'} answered with {status} and sent again, {wait}"
    if str(left):
        yield f"{left} stayed in the registry"
