"""Lists in pages: tags and repositories (distribution-spec § Listing Tags)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from aiohttp import web

from manifest_tool.server import refusals

if TYPE_CHECKING:
    from manifest_tool.server.call import Call


async def tags(call: Call) -> web.Response:
    """List the tags of a repository."""
    if call.repository not in call.store.repositories():
        raise refusals.name_unknown(call.repository)
    found, headers = _page(call, call.store.tags(call.repository))
    return _json({"name": call.repository, "tags": found}, headers)


async def catalog(call: Call) -> web.Response:
    """List the repositories."""
    found, headers = _page(call, call.store.repositories())
    return _json({"repositories": found}, headers)


async def ping(_call: Call) -> web.Response:
    """Say that this is a registry."""
    return _json({}, {"Docker-Distribution-API-Version": "registry/2.0"})


def _page(call: Call, names: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """The names that were asked for, and the ``Link`` to those behind them (RFC 8288)."""
    last, number = call.request.query.get("last", ""), call.request.query.get("n")
    left = sorted(name for name in names if name > last)
    if number is None:
        return left, {}
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise refusals.number_invalid(number)
    found = left[: int(number)]
    if not found or len(found) == len(left):
        return found, {}
    query = urlencode({"n": number, "last": found[-1]})
    return found, {"Link": f'<{call.request.rel_url.raw_path}?{query}>; rel="next"'}


def _json(document: object, headers: dict[str, str]) -> web.Response:
    body = json.dumps(document).encode()
    return web.Response(body=body, headers={**headers, "Content-Type": "application/json"})
