"""What stands before a registry that not everybody may do everything with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from manifest_tool.errors import UsageError
from manifest_tool.server import authorization, rights
from manifest_tool.server.accounts import Hashes, Verifier
from manifest_tool.server.auth import Auth
from manifest_tool.server.refusals import Reason, Refusal
from manifest_tool.server.token_endpoint import TokenEndpoint
from manifest_tool.server.tokens import SERVICE, Grant, Tokens

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp.typedefs import Handler, Middleware

    from manifest_tool.server.rights import Rights


def middlewares(
    hashes: Hashes, auth: Auth, *, anonymous_pull: bool = False, read_only: bool = False
) -> list[Middleware]:
    """What a request has to pass, from the outermost on; raises `UsageError`."""
    if anonymous_pull and auth is not Auth.TOKEN:
        raise UsageError(
            "--anonymous-pull needs --auth token",
            hint="where passwords are asked for, there are clients that pull nothing without one, such as Docker",
        )
    found: list[Middleware] = []
    verifier = Verifier(hashes)
    if auth is Auth.BASIC:
        found.append(basic(verifier))
    elif auth is Auth.TOKEN:
        given = Tokens(hashes)
        found.append(tokens(TokenEndpoint(verifier, given, anonymous_pull=anonymous_pull), given))
    return [*found, unchanging] if read_only else found


def basic(verifier: Verifier) -> Middleware:
    """Demand a name and a password."""

    async def check(request: web.Request) -> web.Request:
        if not await authorization.account(request, verifier):
            raise authorization.unauthorized(authorization.BASIC)
        return request

    return _before(check)


def tokens(endpoint: TokenEndpoint, given: Tokens) -> Middleware:
    """Demand a token with the rights that a request needs, and give tokens."""

    async def check(request: web.Request) -> web.Request:
        need, source = rights.needed(request.method, request.rel_url.raw_path), _source(request)
        scope = rights.text(rights.asked_for(need | source))
        challenge = f'Bearer realm="{endpoint.url(request)}",service="{SERVICE}"'
        challenge += f',scope="{scope}"' if scope else ""
        token = authorization.bearer(request)
        if not token:
            raise authorization.unauthorized(challenge)
        grant = given.grant(token)
        if grant is None:
            message = "the token is not of this registry, or not any more"
            raise authorization.unauthorized(f'{challenge},error="invalid_token"', message)
        request[authorization.ACCOUNT] = grant.account
        if not need <= grant.rights:
            message = f"the token lacks {rights.text(need - grant.rights)}"
            raise authorization.unauthorized(f'{challenge},error="insufficient_scope"', message)
        return request if _may_mount(request, source, grant) else _without_mount(request)

    @web.middleware
    async def demand(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.rel_url.raw_path == endpoint.PATH:
            return await endpoint.answer(request)
        return await _before(check)(request, handler)

    return demand


@web.middleware
async def unchanging(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Take nothing."""
    if request.method in rights.READS:
        return await handler(request)
    reason = Reason("UNSUPPORTED", "this registry is read-only")
    return Refusal(405, reason, headers={"Allow": "GET, HEAD"}).response()


def _before(check: Callable[[web.Request], Awaitable[web.Request]]) -> Middleware:
    @web.middleware
    async def demand(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            request = await check(request)
        except Refusal as refusal:
            return refusal.response()
        return await handler(request)

    return demand


def _source(request: web.Request) -> Rights:
    """What a mount needs beside the push; nothing where none is asked for, or from a repository that is not named."""
    return rights.on(request.query.get("from", ""), rights.PULL) if "mount" in request.query else rights.NONE


def _may_mount(request: web.Request, source: Rights, grant: Grant) -> bool:
    """Whether what is asked for is no mount, or one that the token is enough for; a source has to be named for that."""
    return "mount" not in request.query or (bool(source) and source <= grant.rights)


def _without_mount(request: web.Request) -> web.Request:
    """The request for an upload that a mount becomes where it is declined."""
    kept = [(name, value) for name, value in request.query.items() if name not in {"mount", "from"}]
    return request.clone(rel_url=request.rel_url.with_query(kept))
