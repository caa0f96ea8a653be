"""Lists in pages (distribution-spec § Listing Tags, § Listing Referrers; RFC 8288)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from manifest_tool.server import refusals

if TYPE_CHECKING:
    from manifest_tool.server.call import Call


def page(call: Call, names: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """The names that were asked for, and the ``Link`` to those behind them."""
    last, most = asked(call)
    left = sorted(name for name in names if name > last)
    found = left[:most]
    return found, link(call, found[-1]) if found and len(found) < len(left) else {}


def asked(call: Call) -> tuple[str, int | None]:
    """Behind which name a page begins, and how many it has at most."""
    last, number = call.request.query.get("last", ""), call.request.query.get("n")
    if number is None:
        return last, None
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise refusals.number_invalid(number)
    return last, int(number)


def link(call: Call, last: str) -> dict[str, str]:
    """The header that leads to what is behind a name."""
    kept = [(name, value) for name, value in call.request.query.items() if name != "last"]
    query = urlencode([*kept, ("last", last)])
    return {"Link": f'<{call.request.rel_url.raw_path}?{query}>; rel="next"'}
