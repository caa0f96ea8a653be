"""Lists in pages (distribution-spec § Listing Tags, § Listing Referrers; RFC 8288)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from manifest_tool.server import refusals

if TYPE_CHECKING:
    from manifest_tool.server.call import Call


def page(call: Call, names: Iterable[str], fit: Callable[[list[str]], int] = len) -> tuple[list[str], dict[str, str]]:
    """The names that were asked for, and the ``Link`` to those behind them.

    ``fit`` tells how many of some names one page may hold.
    """
    last, asked = call.request.query.get("last", ""), _asked(call)
    left = sorted(name for name in names if name > last)
    most = fit(left)
    found = left[: most if asked is None else min(most, asked)]
    if not found or len(found) == len(left):
        return found, {}
    kept = [(name, value) for name, value in call.request.query.items() if name != "last"]
    query = urlencode([*kept, ("last", found[-1])])
    return found, {"Link": f'<{call.request.rel_url.raw_path}?{query}>; rel="next"'}


def _asked(call: Call) -> int | None:
    number = call.request.query.get("n")
    if number is None:
        return None
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise refusals.number_invalid(number)
    return int(number)
