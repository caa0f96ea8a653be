"""Faults on purpose: what registries and networks do wrong, for tests of a client.

An action is called as an aiohttp middleware is, with the request and with the handler that would answer it; those of
`manifest_tool.server.actions` are the common ones, and a test may write its own.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

Action: TypeAlias = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Fault:
    """Which requests are answered wrongly, and how."""

    action: Action
    method: str = "*"
    path: str = ""
    """A regular expression, searched for in the path and query as they came."""
    times: int | None = None
    """How many requests it happens to; none for all."""
    after: int = 0
    """How many matching requests are spared first."""

    def matches(self, request: web.Request) -> bool:
        """Whether the rule is about this request."""
        target = request.rel_url.raw_path_qs
        return self.method in {"*", request.method} and re.search(self.path, target) is not None


class Faults:
    """The rules in force; they may be changed from another thread while the registry serves.

    All rules that match a request apply to it, the first one outermost.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._matches: dict[int, int] = {}
        self._rules: list[Fault] = []
        self.latency = 0.0
        """Seconds that each answer takes longer."""

    def add(
        self, action: Action, *, method: str = "*", path: str = "", times: int | None = None, after: int = 0
    ) -> Fault:
        """Put a rule in force; raises ``re.error`` where ``path`` is no regular expression."""
        re.compile(path)
        rule = Fault(action, method.upper(), path, times, after)
        with self._lock:
            self._rules.append(rule)
            self._matches[id(rule)] = 0
        return rule

    def clear(self) -> None:
        """Lift every rule; the latency stays."""
        with self._lock:
            self._rules.clear()
            self._matches.clear()

    def middleware(self) -> Middleware:
        """What puts the rules between a client and an application."""

        @web.middleware
        async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
            rules = self._due(request)
            if rules:
                handler = _around(_plain, handler)
            for rule in reversed(rules):
                handler = _around(rule.action, handler)
            response = await handler(request)
            if self.latency:
                await asyncio.sleep(self.latency)
            return response

        return answer

    def _due(self, request: web.Request) -> list[Fault]:
        due = []
        with self._lock:
            for rule in self._rules:
                if rule.matches(request):
                    seen = self._matches[id(rule)]
                    self._matches[id(rule)] += 1
                    if seen >= rule.after and (rule.times is None or seen < rule.after + rule.times):
                        due.append(rule)
        return due


def _around(action: Action, handler: Handler) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        return await action(request, handler)

    return answer


async def _plain(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer with a response even where the application raises one, as aiohttp's own errors are."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        return web.Response(status=error.status, reason=error.reason, headers=error.headers, body=error.body)
