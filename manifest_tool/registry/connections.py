"""Connections opened ahead: requests that go out together should not wait for theirs another round trip."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

import aiohttp

from manifest_tool.errors import RegistryError
from manifest_tool.oci.host import is_public
from manifest_tool.registry import links
from manifest_tool.registry.answers import plain

if TYPE_CHECKING:
    from aiohttp.abc import ResolveResult
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.client_reqrep import ConnectionKey
    from yarl import URL

    from manifest_tool.registry.links import Origin

LIMIT = 160
"""Connections at once; enough for what goes out together for twenty images of five layers each."""


class Connector(aiohttp.TCPConnector):
    """Opens more than one connection to an origin where more than one will be needed soon."""

    def __init__(self, *, public_only: bool = False) -> None:
        """``public_only``: connect to nothing that not the whole internet reaches."""
        super().__init__(limit=LIMIT)
        self._public_only = public_only
        self._expected: dict[Origin, int] = {}
        self._ahead: dict[ConnectionKey, deque[asyncio.Task[ResponseHandler]]] = defaultdict(deque)

    def expect(self, url: URL, requests: int) -> None:
        """Tell that so many requests at once will go to the origin of a URL, soon after the next that needs to connect.

        What goes through a proxy is not connected ahead.
        """
        self._expected[links.origin(url)] = min(requests, LIMIT)

    async def abandon(self) -> None:
        """Close what was opened ahead and not needed."""
        opened = [opening for ahead in self._ahead.values() for opening in ahead]
        self._ahead.clear()
        for opening in opened:
            opening.cancel()
        for ended in await asyncio.gather(*opened, return_exceptions=True):
            if not isinstance(ended, BaseException):
                ended.close()

    async def _resolve_host(
        self, host: str, port: int, traces: Sequence[aiohttp.tracing.Trace] | None = None
    ) -> list[ResolveResult]:
        """What is looked at is what is connected to: whoever owns a name may let it mean something else at any time."""
        found = await super()._resolve_host(host, port, traces)
        if self._public_only and not all(is_public(result["host"]) for result in found):
            raise RegistryError(f"{plain(host)} is not in the public internet, and is not asked")
        return found

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: list[aiohttp.tracing.Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  # this is how aiohttp calls it
    ) -> ResponseHandler:
        ahead = self._ahead[req.connection_key]
        if not req.proxy:
            requests = self._expected.pop(links.origin(req.url), 0)
            openings = (super(Connector, self)._create_connection(req, [], timeout) for _ in range(requests))
            ahead.extend(map(asyncio.ensure_future, openings))
        while ahead:
            opening = ahead.popleft()
            try:
                opened = await asyncio.shield(opening)
            except asyncio.CancelledError:
                ahead.appendleft(opening)
                raise
            if opened.is_connected():
                return opened
        return await super()._create_connection(req, traces, timeout)
