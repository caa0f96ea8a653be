"""Lists of tags and repositories (distribution-spec § Listing Tags)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aiohttp import web

from manifest_tool.server import refusals
from manifest_tool.server.pages import page

if TYPE_CHECKING:
    from manifest_tool.server.call import Call


async def tags(call: Call) -> web.Response:
    """List the tags of a repository."""
    names = call.store.tags(call.repository)
    if not names and not call.store.has_repository(call.repository):
        raise refusals.name_unknown(call.repository)
    found, headers = page(call, names)
    return _json({"name": call.repository, "tags": found}, headers)


async def catalog(call: Call) -> web.Response:
    """List the repositories."""
    found, headers = page(call, call.store.repositories())
    return _json({"repositories": found}, headers)


async def ping(_call: Call) -> web.Response:
    """Say that this is a registry."""
    return _json({}, {"Docker-Distribution-API-Version": "registry/2.0"})


def _json(document: object, headers: dict[str, str]) -> web.Response:
    body = json.dumps(document).encode()
    return web.Response(body=body, headers={**headers, "Content-Type": "application/json"})
