"""The paths of the API, and what each of them does with which method (distribution-spec § Endpoints).

Paths are matched as they came: names have slashes in them, and no encoding of one may make another name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from manifest_tool.server import blobs, listings, manifests, referrers, refusals, uploads
from manifest_tool.server.call import Call, Operation
from manifest_tool.server.names import is_name
from manifest_tool.server.refusals import Reason, Refusal
from manifest_tool.server.room import NO_ROOM

if TYPE_CHECKING:
    from aiohttp import web

    from manifest_tool.server.rules import Rules
    from manifest_tool.server.store import Store


@dataclass(frozen=True, slots=True)
class _Resource:
    path: re.Pattern[str]
    operations: Mapping[str, Operation]


def _resource(path: str, **operations: Operation) -> _Resource:
    if "GET" in operations:
        operations.setdefault("HEAD", operations["GET"])
    return _Resource(re.compile(path), operations)


# The first that matches counts.
_RESOURCES = (
    _resource(r"/v2/?", GET=listings.ping),
    _resource(r"/v2/_catalog", GET=listings.catalog),
    _resource(r"/v2/(?P<name>.+)/tags/list", GET=listings.tags),
    _resource(
        r"/v2/(?P<name>.+)/manifests/(?P<argument>[^/]+)",
        GET=manifests.get,
        PUT=manifests.put,
        DELETE=manifests.delete,
    ),
    _resource(r"/v2/(?P<name>.+)/blobs/uploads/?", POST=uploads.begin),
    _resource(
        r"/v2/(?P<name>.+)/blobs/uploads/(?P<argument>[^/]+)",
        GET=uploads.status,
        PATCH=uploads.extend,
        PUT=uploads.finish,
        DELETE=uploads.cancel,
    ),
    _resource(r"/v2/(?P<name>.+)/blobs/(?P<argument>[^/]+)", GET=blobs.get, DELETE=blobs.delete),
    _resource(r"/v2/(?P<name>.+)/referrers/(?P<argument>[^/]+)", GET=referrers.get),
)


async def answer(request: web.Request, store: Store, rules: Rules) -> web.Response:
    """Do what a request asks for, or refuse it."""
    try:
        operation, name, argument = _match(request)
        return await operation(Call(request, store, name, argument, rules))
    except Refusal as refusal:
        return refusal.response()
    except ConnectionError:
        raise
    except OSError as error:
        if error.errno in NO_ROOM:
            return refusals.full(error.strerror or str(error)).response()
        return Refusal(500, Reason("UNKNOWN", "the storage failed", error.strerror)).response()


def named(path: str) -> str:
    """The repository that a path as it came is taken to be about, by whatever name; empty where it is about none."""
    _, matched = _find(path)
    return matched.groupdict(default="").get("name", "") if matched else ""


def _match(request: web.Request) -> tuple[Operation, str, str]:
    resource, matched = _find(request.rel_url.raw_path)
    if resource is None or matched is None:
        raise Refusal(404, Reason("NOT_FOUND", "this is no path of a registry"))
    operation = resource.operations.get(request.method)
    if operation is None:
        allow = ", ".join(sorted(resource.operations))
        raise Refusal(405, Reason("UNSUPPORTED", "the operation is unsupported"), headers={"Allow": allow})
    parts = matched.groupdict(default="")
    name = parts.get("name", "")
    if "name" in parts and not is_name(name):
        raise refusals.name_invalid(name)
    # Some clients encode the colon of a digest.
    return operation, name, unquote(parts.get("argument", ""))


def _find(path: str) -> tuple[_Resource, re.Match[str]] | tuple[None, None]:
    for resource in _RESOURCES:
        if matched := resource.path.fullmatch(path):
            return resource, matched
    return None, None
