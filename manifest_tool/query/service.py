"""The same over HTTP, in the JSON of mquery's backend."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from manifest_tool.concurrency import Flights
from manifest_tool.errors import InvalidReference, ManifestToolError, RegistryError, Unauthorized
from manifest_tool.events import Noticed, Observer, ignore
from manifest_tool.oci.platform import Platform
from manifest_tool.oci.reference import Reference
from manifest_tool.query.lookup import Entry, Key, Lookup, normalised

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

    from manifest_tool.query.clients import Clients
    from manifest_tool.query.support import Support

_FAILED = "Error querying image: "
_NO_PLATFORM = Platform("unknown", "unknown")


@dataclass(frozen=True, slots=True)
class Limits:
    """What strangers may make a service do."""

    seconds: float = 30.0
    """For one image."""
    at_once: int = 32
    """Images that registries are asked for at a time."""
    waiting: int = 1_000
    """Images that are asked for or wait for it."""


DEFAULT = Limits()


class _Busy(Exception):
    """As many images are waited for as may be."""


class Service:
    """Answers for images, once for all who ask for the same one at a time."""

    def __init__(
        self, clients: Clients, lookup: Lookup, limits: Limits = DEFAULT, *, observe: Observer = ignore
    ) -> None:
        self._clients = clients
        self._lookup = lookup
        self._limits = limits
        self._observe = observe
        self._flights: Flights[Key, Entry] = Flights()
        self._turns = asyncio.Semaphore(limits.at_once)
        self._waiting = 0

    async def answer(self, name: str) -> web.Response:
        """The answer for an image by the name that was given for it."""
        if not name:
            return _error(400, "No image name provided")
        try:
            key = Key(normalised(Reference.parse(name)))
            entry = self._lookup.known(key) or await self._flights.join(key, lambda: self._find(key))
        except Unauthorized as error:
            # What we would say of it ourselves names the account that was used.
            return _error(400, f"{_FAILED}it is refused" + (f": {error.exchange}" if error.exchange else ""))
        except (InvalidReference, RegistryError) as error:
            return _error(400, f"{_FAILED}{error}")
        except _Busy:
            return _error(503, f"{_FAILED}too many are asked for just now")
        except TimeoutError:
            return _error(504, f"{_FAILED}no answer within {self._limits.seconds:g} s")
        except Exception as error:  # noqa: BLE001  # what is none of the above is for whoever runs this alone
            known = isinstance(error, ManifestToolError)
            self._observe(Noticed(f"{error}" if known else f"this is a bug: {type(error).__name__}: {error}"))
            return _error(500, f"{_FAILED}the service failed")
        return _json(200, _document(entry, name))

    async def _find(self, key: Key) -> Entry:
        if self._waiting >= self._limits.waiting:
            raise _Busy
        self._waiting += 1
        try:
            async with asyncio.timeout(self._limits.seconds), self._turns, self._clients.borrowed() as client:
                return await self._lookup.find(key, client)
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """Give up what is open."""
        await self._clients.close()


def create_app(service: Service) -> web.Application:
    """Build the application."""
    app = web.Application(middlewares=[_in_json])

    async def answer(request: web.Request) -> web.Response:
        return await service.answer(request.query.get("image", ""))

    async def healthy(_: web.Request) -> web.Response:
        return _json(200, {"status": "ok"})

    async def close(_: web.Application) -> None:
        await service.close()

    app.router.add_get("/", answer, allow_head=False)
    app.router.add_get("/healthz", healthy, allow_head=False)
    app.on_cleanup.append(close)
    return app


@web.middleware
async def _in_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse in JSON what is asked for in another way, or is not here."""
    try:
        return await handler(request)
    except web.HTTPMethodNotAllowed as error:
        response = _json(405, "method not allowed")
        response.headers["Allow"] = ", ".join(sorted(error.allowed_methods))
        return response
    except web.HTTPNotFound:
        return _error(404, "not found")


def _document(entry: Entry, name: str) -> dict[str, Any]:
    """The keys of mquery's backend, in its order."""
    support = entry.support
    return {
        "cachets": int(entry.checked),
        "islist": support.is_index,
        "imagename": name,
        "digest": str(support.digest),
        "mediatype": support.media_type,
        "archlist": _platforms(support),
    }


def _platforms(support: Support) -> list[dict[str, Any]]:
    """Of an image, os and architecture alone, as the backend has it."""
    found = [manifest.platform or _NO_PLATFORM for manifest in support.manifests]
    if not support.is_index:
        found = [Platform(platform.architecture, platform.os) for platform in found]
    return [platform.to_json() for platform in found]


def _error(status: int, text: str) -> web.Response:
    return _json(status, {"error": text})


def _json(status: int, document: object) -> web.Response:
    body = json.dumps(document, separators=(",", ":")).encode()
    headers = {"X-Content-Type-Options": "nosniff"}
    return web.Response(status=status, body=body, headers=headers, content_type="application/json")
