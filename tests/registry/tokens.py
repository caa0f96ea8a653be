"""Accounts for the embedded registry: a token server, and the middlewares that hold requests to its tokens."""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, TypeAlias

from aiohttp import web

from manifest_tool.oci import media_type as types
from manifest_tool.server.faults import Faults
from manifest_tool.server.log import RequestLog, recorder
from manifest_tool.server.serve import Running, serving
from tests.registry.parts import application

if TYPE_CHECKING:
    import ssl

    from aiohttp.typedefs import Handler, Middleware

Rights: TypeAlias = Mapping[str, str]
"""Actions, such as ``pull,push``, by repository; ``*`` stands for any text."""

SECRET = "hunter2"
"""The password of ``me``."""

INDEX = b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}'

OMIT = object()
"""A value of ``expires_in`` that is left out."""

_NAMED = re.compile(r"/v2/(?P<name>.+)/(?:manifests|blobs|tags|referrers)/")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for a token."""

    method: str
    account: str
    """Empty: anonymous."""
    service: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Account:
    password: str
    rights: Rights


@dataclass(slots=True)
class TokenService:
    """Issues opaque tokens whose scopes are cut down to what the account may do."""

    service: str = "registry.test"
    anonymous: Rights = field(default_factory=dict)
    """What everybody may do."""
    expires_in: Any = 300
    field_name: str = "token"
    most_scopes: int | None = None
    """Only so many scopes are read, as some services do."""
    strict: bool = False
    """Refuse (401) what would be cut down."""
    mount_status: int = 202
    """What a mount is answered whose token has no pull on the source: 202, as if not asked, or 401."""
    takes_refresh: bool = True
    gives_refresh: bool = False
    """Each answer to an account holds a refresh token too."""
    mint: Callable[[frozenset[tuple[str, str]]], str] = lambda granted: secrets.token_urlsafe(24)
    """Makes a token of repositories and actions."""
    host: str = ""
    scheme: str = "http"
    realm: str = ""
    """What challenges name; empty for where the service really is."""
    log: RequestLog = field(default_factory=RequestLog)
    faults: Faults = field(default_factory=Faults)
    asked: list[Asked] = field(default_factory=list)
    issued: list[str] = field(default_factory=list)
    _accounts: dict[str, _Account] = field(default_factory=dict, repr=False)
    _identities: dict[str, str] = field(default_factory=dict, repr=False)
    _tokens: dict[str, frozenset[tuple[str, str]]] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def url(self) -> str:
        """The token endpoint."""
        return f"{self.scheme}://{self.host}/token"

    def add(self, name: str, password: str, rights: Rights) -> None:
        """Open an account."""
        self._accounts[name] = _Account(password, rights)

    def identity(self, name: str) -> str:
        """A refresh token of an account, as ``docker login`` keeps it."""
        token = secrets.token_hex(16)
        self._identities[token] = name
        return token

    def revoke(self) -> None:
        """End every token before its time."""
        with self._lock:
            self._tokens.clear()

    def granted(self, token: str) -> frozenset[tuple[str, str]] | None:
        """The repositories and actions of a token, or none where there is no such token."""
        with self._lock:
            return self._tokens.get(token)

    def challenge(self, scopes: Iterable[str] = (), error: str = "") -> str:
        """A ``WWW-Authenticate``."""
        parts = [f'realm="{self.realm or self.url}"', f'service="{self.service}"']
        parts += [f'scope="{" ".join(scopes)}"'] if scopes else []
        parts += [f'error="{error}"'] if error else []
        return "Bearer " + ",".join(parts)

    def middleware(self) -> Middleware:
        """What demands a token of this service from every request to a registry."""

        @web.middleware
        async def demand(request: web.Request, handler: Handler) -> web.StreamResponse:
            needed = _needed(request)
            granted = self.granted(_bearer(request))
            if granted is None:
                return _unauthorized(self.challenge(_scopes(needed), "invalid_token" if _bearer(request) else ""))
            if not needed <= granted:
                return _unauthorized(self.challenge(_scopes(needed), "insufficient_scope"))
            source = request.query.get("from", "")
            if "mount" in request.query and (source, "pull") not in granted:
                if self.mount_status == 401:
                    return _unauthorized(self.challenge(_scopes({(source, "pull")}), "insufficient_scope"))
                request = request.clone(rel_url=request.rel_url.with_query(None))
            return await handler(request)

        return demand

    def app(self) -> web.Application:
        """The token endpoint as an application."""
        app = web.Application(middlewares=[recorder(self.log), self.faults.middleware()])
        app.router.add_get("/token", self._get)
        app.router.add_post("/token", self._post)
        return app

    async def _get(self, request: web.Request) -> web.Response:
        scopes = request.query.getall("scope", [])
        name, password = _credentials(request)
        account = self._accounts.get(name)
        self._note(request.method, name, request.query.get("service", ""), scopes)
        if name and (account is None or account.password != password):
            return _unauthorized('Basic realm="token"', "incorrect username or password")
        return self._grant(account, scopes, name)

    async def _post(self, request: web.Request) -> web.Response:
        form = await request.post()
        scopes = str(form.get("scope", "")).split()
        name = self._identities.get(str(form.get("refresh_token", "")), "")
        account = self._accounts.get(str(form.get("username", "")))
        if form.get("grant_type") == "password" and account and form.get("password") == account.password:
            name = str(form["username"])
        self._note(request.method, name, str(form.get("service", "")), scopes)
        if not self.takes_refresh:
            return web.Response(status=405)
        if not name:
            return web.json_response({"error": "invalid_grant"}, status=400)
        return self._grant(self._accounts[name], scopes, name)

    def _note(self, method: str, account: str, service: str, scopes: Iterable[str]) -> None:
        with self._lock:
            self.asked.append(Asked(method, account, service, tuple(scopes)))

    def _grant(self, account: _Account | None, scopes: Iterable[str], name: str = "") -> web.Response:
        wanted = {pair for scope in list(scopes)[: self.most_scopes] for pair in _pairs(scope)}
        granted = frozenset(pair for pair in wanted if self._may(account, *pair))
        if self.strict and granted != wanted:
            return _unauthorized('Basic realm="token"', "requested access to the resource is denied")
        token = self.mint(granted)
        with self._lock:
            self._tokens[token] = granted
            self.issued.append(token)
        body = {self.field_name: token}
        if self.expires_in is not OMIT:
            body["expires_in"] = self.expires_in
        if self.gives_refresh and name:
            body["refresh_token"] = self.identity(name)
        return web.json_response(body)

    def _may(self, account: _Account | None, repository: str, action: str) -> bool:
        rights = [*self.anonymous.items(), *(account.rights.items() if account else ())]
        return any(fnmatchcase(repository, name) and action in actions.split(",") for name, actions in rights)


@contextmanager
def token_service(*, tls: ssl.SSLContext | None = None, name: str = "", **settings: Any) -> Iterator[TokenService]:
    """Run a token service; ``name`` is how challenges name its host, which otherwise is its address."""
    service = TokenService(**settings)
    with application(service.app(), tls=tls) as host:
        service.host = f"{name}:{host.rpartition(':')[2]}" if name else host
        service.scheme = "https" if tls else "http"
        yield service


@contextmanager
def guarded(**settings: Any) -> Iterator[tuple[Running, TokenService]]:
    """A registry that everybody may pull from, and that ``me`` may push to."""
    settings = {"anonymous": {"*": "pull"}, **settings}
    with token_service(**settings) as service, serving(middlewares=[service.middleware()]) as running:
        service.add("me", SECRET, {"*": "pull,push"})
        for name in ("team/app", "team/one", "team/two"):
            running.put_manifest(name, INDEX, types.OCI_INDEX, "latest")
        yield running, service


def logins(*hosts: str, name: str = "me", password: str = SECRET, **more: str) -> dict[str, dict[str, str]]:
    """The ``auths`` of a Docker config with one account at each of these hosts."""
    encoded = base64.b64encode(f"{name}:{password}".encode()).decode()
    return {host: {"auth": encoded, **more} for host in hosts}


def basic(accounts: Mapping[str, str], *, pull: bool = False) -> Middleware:
    """What demands a name and a password from every request; with ``pull``, from those that write alone."""

    @web.middleware
    async def demand(request: web.Request, handler: Handler) -> web.StreamResponse:
        name, password = _credentials(request)
        free = pull and request.method in {"GET", "HEAD"}
        if not free and (name not in accounts or accounts[name] != password):
            return _unauthorized('Basic realm="registry"')
        return await handler(request)

    return demand


def _unauthorized(challenge: str, message: str = "authentication required") -> web.Response:
    body = json.dumps({"errors": [{"code": "UNAUTHORIZED", "message": message}]}).encode()
    headers = {"WWW-Authenticate": challenge, "Content-Type": "application/json"}
    return web.Response(status=401, body=body, headers=headers)


def _bearer(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme == "Bearer" else ""


def _credentials(request: web.Request) -> tuple[str, str]:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Basic":
        return "", ""
    try:
        name, _, password = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password


def _needed(request: web.Request) -> frozenset[tuple[str, str]]:
    named = _NAMED.match(request.path)
    if named is None:
        return frozenset()
    actions = {"GET": ["pull"], "HEAD": ["pull"], "DELETE": ["delete"]}.get(request.method, ["pull", "push"])
    if request.method == "DELETE" and "/uploads/" in request.path:
        actions = ["pull", "push"]
    return frozenset((named["name"], action) for action in actions)


def _scopes(pairs: Iterable[tuple[str, str]]) -> list[str]:
    found: dict[str, list[str]] = {}
    for repository, action in sorted(pairs):
        found.setdefault(repository, []).append(action)
    return [f"repository:{repository}:{','.join(actions)}" for repository, actions in found.items()]


def _pairs(scope: str) -> Iterator[tuple[str, str]]:
    kind, _, rest = scope.partition(":")
    repository, _, actions = rest.rpartition(":")
    if kind == "repository":
        yield from ((repository, action) for action in actions.split(","))
