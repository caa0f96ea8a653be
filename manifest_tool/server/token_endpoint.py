"""Where tokens are given (distribution, token authentication specification; RFC 6749 § 4.3 and § 6)."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs

from aiohttp import web

from manifest_tool.server import authorization, rights
from manifest_tool.server.receiving import pieces
from manifest_tool.server.refusals import Reason, Refusal
from manifest_tool.server.tokens import LONGEST, SECONDS, SERVICE, Grant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from manifest_tool.server.accounts import Verifier
    from manifest_tool.server.tokens import Tokens

# With the underscores of names in networks of containers.
_HOST = re.compile(r"(?:\w(?:[\w.-]{0,251}\w)?|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?", re.ASCII)
_MAX_FORM = 64 * 1024
_MOST_FIELDS = 100
_TRUE = frozenset({"1", "true"})


class TokenEndpoint:
    """Gives tokens to accounts, and with ``anonymous_pull`` to everybody."""

    PATH: ClassVar[str] = "/token"

    def __init__(self, verifier: Verifier, tokens: Tokens, *, anonymous_pull: bool = False) -> None:
        self._verifier = verifier
        self._tokens = tokens
        self._anonymous_pull = anonymous_pull

    def url(self, request: web.Request) -> str:
        """Where it is for whoever made a request: at the host that was asked, or else at the address that heard it."""
        host = request.headers.get("Host", "")
        return f"{request.scheme}://{host if _HOST.fullmatch(host) else _bound(request)}{self.PATH}"

    async def answer(self, request: web.Request) -> web.Response:
        """Answer a request for a token."""
        try:
            if request.method == "GET":
                return await self._get(request)
            if request.method == "POST":
                return await self._post(request)
            raise Refusal(
                405, Reason("UNSUPPORTED", "tokens are asked for by GET or POST"), headers={"Allow": "GET, POST"}
            )
        except Refusal as refusal:
            return refusal.response()

    async def _get(self, request: web.Request) -> web.Response:
        query = request.query
        _check_service(query.get("service", ""))
        account = await authorization.account(request, self._verifier)
        if not account and not self._anonymous_pull:
            raise authorization.unauthorized(authorization.BASIC)
        offline = query.get("offline_token", "").lower() in _TRUE or query.get("access_type") == "offline"
        return self._given(account, " ".join(query.getall("scope", [])), offline=offline)

    async def _post(self, request: web.Request) -> web.Response:
        form = await _form(request)
        _check_service(form.get("service", ""))
        kind = form.get("grant_type", "")
        if kind == "password":
            account = form.get("username", "")
            right = account and await self._verifier.is_right(account, form.get("password", ""), request.remote or "")
            if not right:
                raise _invalid("invalid_grant", "UNAUTHORIZED", "the user name or the password is wrong")
        elif kind == "refresh_token":
            account = self._tokens.refreshed(form.get("refresh_token", ""))
            if not account:
                raise _invalid("invalid_grant", "UNAUTHORIZED", "the refresh token has ended: log in again")
        else:
            raise _invalid("unsupported_grant_type", "UNSUPPORTED", "grant_type is password or refresh_token")
        request[authorization.ACCOUNT] = account
        return self._given(account, form.get("scope", ""), offline=form.get("access_type") == "offline")

    def _given(self, account: str, scope: str, *, offline: bool) -> web.Response:
        wanted = rights.parse(scope)
        granted = wanted if account else rights.pull(wanted)
        told = rights.text(granted)
        if len(told) > LONGEST:
            raise _invalid("invalid_scope", "DENIED", "so many scopes make a token too long: ask for fewer at a time")
        token = self._tokens.access(Grant(account, granted))
        body = {
            "token": token,
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": SECONDS,
            "issued_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "scope": told,
        }
        if offline and account:
            body["refresh_token"] = self._tokens.refresh(account)
        return _json(200, body)


def _bound(request: web.Request) -> str:
    address, port, *_ = request.transport.get_extra_info("sockname") if request.transport else ("", 0)
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _check_service(service: str) -> None:
    if service not in {"", SERVICE}:
        raise _invalid("invalid_request", "DENIED", f"this gives tokens for {SERVICE} alone")


async def _form(request: web.Request) -> Mapping[str, str]:
    body = bytearray()
    async for piece in pieces(request):
        body += piece
        if len(body) > _MAX_FORM:
            raise Refusal(413, Reason("SIZE_INVALID", f"a request for a token has at most {_MAX_FORM} bytes"))
    try:
        fields = parse_qs(body.decode(), strict_parsing=bool(body), max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        raise _invalid("invalid_request", "UNSUPPORTED", "this is no form of a request for a token") from None
    return {name: " ".join(values) if name == "scope" else values[0] for name, values in fields.items()}


class _Invalid(Refusal):
    """A refusal in the words of RFC 6749 § 5.2 beside those of a registry."""

    def __init__(self, error: str, reason: Reason) -> None:
        super().__init__(400, reason)
        self._error = error

    def response(self) -> web.Response:
        told = [reason.to_json() for reason in self.reasons]
        return _json(400, {"error": self._error, "error_description": self.reasons[0].message, "errors": told})


def _invalid(error: str, code: str, message: str) -> Refusal:
    return _Invalid(error, Reason(code, message))


def _json(status: int, body: Mapping[str, Any]) -> web.Response:
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return web.Response(status=status, body=json.dumps(body).encode(), headers=headers)
