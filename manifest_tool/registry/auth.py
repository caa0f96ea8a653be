"""Authentication: challenges answered with Basic or with tokens (distribution-spec, token authentication)."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeVar

from yarl import URL

from manifest_tool.concurrency import begun
from manifest_tool.errors import Exchange, InvalidContent, RegistryError, Unauthorized
from manifest_tool.registry import answers, challenge, links, redact
from manifest_tool.registry.challenge import Challenge
from manifest_tool.registry.transport import Request, Transport

if TYPE_CHECKING:
    from manifest_tool.oci.reference import Registry, Repository
    from manifest_tool.registry.answers import Answer
    from manifest_tool.registry.credentials import Credential, Keychain

    _Scopes = tuple[str, ...]
    _Account = tuple[Registry, str, str, Credential | None]
    _Way = tuple[Request, frozenset[int]]

T = TypeVar("T")

_TOKEN_LIMIT = 128 * 1024
_DEFAULT_SECONDS = 60.0
_CLIENT_ID = "manifest-tool"
_OPAQUE = re.compile(r"[A-Za-z0-9+/=_.-]{25,}")
"""What may be a token."""
_NO_REFRESH = frozenset({400, 401, 403, 404, 405})
_NO_GET = frozenset({405})
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class Access:
    """Rights on repositories of one registry: what a request needs, or what a whole run will."""

    rights: Mapping[Repository, frozenset[str]] = field(default_factory=dict, hash=False)

    @classmethod
    def to(cls, repository: Repository, *actions: str) -> Access:
        """Rights on one repository."""
        return cls({repository: frozenset(actions)})

    def __or__(self, other: Access) -> Access:
        merged = dict(self.rights)
        for repository, actions in other.rights.items():
            merged[repository] = merged.get(repository, frozenset()) | actions
        return Access(merged)

    def at(self, registry: Registry) -> Access:
        """The part that concerns one registry."""
        return Access({repo: actions for repo, actions in self.rights.items() if repo.registry == registry})

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes to ask a token for; those with push first, as some registries read only the first."""
        ordered = sorted(self.rights.items(), key=lambda item: ("push" not in item[1], item[0]))
        return tuple(repository.scope(*sorted(actions)) for repository, actions in ordered)


NO_ACCESS = Access()


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token, and when to ask for another one."""

    value: str = field(repr=False)
    renew_at: float
    """On the monotonic clock."""
    refresh: str = field(default="", repr=False)
    """What the next one may be asked for with; it is kept in memory alone."""


class Level(IntEnum):
    """How a request was authorized, from the cheapest to the last that is left to try."""

    NOTHING = 0
    WIDE = 1
    """With a token for everything that the run will need."""
    RENEWED = 2
    """With another one of these, as the first may have ended before its time."""
    NARROW = 3
    """With a token for this request alone: some registries refuse several scopes, some accounts lack one of them."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a request was sent with, so that a refusal can be answered with something better."""

    header: str = field(default="", repr=False)
    level: Level = Level.NOTHING

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": self.header} if self.header else {}


class Authenticator:
    """Knows how each registry wants to be asked, and holds the tokens; one flight a realm and scope set."""

    def __init__(
        self, transport: Transport, keychain: Keychain, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._transport = transport
        self._keychain = keychain
        self._clock = clock
        self._narrow: set[tuple[Registry, _Scopes]] = set()
        """What a wide token did not do for."""
        self._challenges: dict[Registry, Challenge] = {}
        self._probes: dict[Registry, asyncio.Task[Answer]] = {}
        self._demanded: dict[tuple[Registry, _Scopes], _Scopes] = {}
        """What a challenge asked for where we would have asked for these."""
        self._tokens: dict[tuple[_Account, _Scopes], asyncio.Task[Token]] = {}
        self._refreshes: dict[_Account, str] = {}

    async def first(self, repository: Repository, need: Access, planned: Access) -> Attempt:
        """What to send before any refusal: nothing, until the registry has shown what it wants."""
        known = self._challenges.get(repository.registry)
        if known is None:
            return Attempt()
        return await self._better(known, Attempt(), repository, need, planned) or Attempt()

    async def next(
        self, answer: Answer, last: Attempt, repository: Repository, need: Access, planned: Access
    ) -> Attempt | None:
        """What to send after a 401, or none where nothing is left to try."""
        registry = repository.registry
        credential = await self._keychain.find(repository)
        known = _choose(_offers(answer), credential)
        if known is None and not _offers(answer):
            known = self._challenges.get(registry) or _choose(await self._probe(registry), credential)
        if known is None:
            return None
        self._challenges[registry] = known
        if need.rights:
            # At the root of the API, where no right is needed, there are registries that name an example.
            self._demanded[registry, need.scopes] = tuple(known.parameters.get("scope", "").split())
        return await self._better(known, last, repository, need, planned)

    async def _probe(self, registry: Registry) -> tuple[Challenge, ...]:
        """What the root of the API offers, for a registry that refuses without a word; asked once."""
        url = self._transport.url(registry, "/v2/")
        if registry not in self._probes:
            self._probes[registry] = begun(self._transport.send(Request("GET", url)))
        answer = await asyncio.shield(self._probes[registry])
        return _offers(answer) if answer.status == 401 and links.same_origin(answer.url, url) else ()

    async def _better(
        self, known: Challenge, last: Attempt, repository: Repository, need: Access, planned: Access
    ) -> Attempt | None:
        credential = await self._keychain.find(repository)
        if known.scheme == "basic" or (credential and credential.registry_token):
            header = _direct(known, credential)
            return Attempt(header, Level.NARROW) if header and header != last.header else None
        refusal = None
        for level, scopes in self._steps(repository.registry, last.level, need, planned):
            try:
                token = await self._token(repository.registry, known, scopes, credential, stale=last.header)
            except Unauthorized as error:
                refusal = error
                continue
            if f"Bearer {token.value}" != last.header:
                return Attempt(f"Bearer {token.value}", level)
        if refusal:
            raise refusal
        return None

    def _steps(self, registry: Registry, last: Level, need: Access, planned: Access) -> Iterator[tuple[Level, _Scopes]]:
        """What is left to try, with the scopes of each; what needed the narrow ones begins with them from then on."""
        wide, narrow = (need | planned.at(registry)).scopes, need.scopes
        if (registry, narrow) in self._narrow:
            wide = narrow
        demanded = self._demanded.get((registry, narrow), ())
        for level in (Level.WIDE, Level.RENEWED):
            if level > last:
                yield level, _with(demanded, wide)
        if narrow != wide and last < Level.NARROW:
            self._narrow.add((registry, narrow))
            yield Level.NARROW, _with(demanded, narrow)

    async def _token(
        self, registry: Registry, known: Challenge, scopes: tuple[str, ...], credential: Credential | None, stale: str
    ) -> Token:
        """A token for the scopes, fetched once however many ask at the same time; never the one that is stale."""
        # The registry is part of the key: another one may name the same realm, and is not sent a token of this one.
        account = (registry, known.parameters["realm"], known.parameters.get("service", ""), credential)
        flight = self._tokens.get((account, scopes))
        if flight is not None and flight.done() and self._is_spent(flight, stale):
            flight = None
        if flight is None:
            flight = self._tokens[account, scopes] = begun(self._fetch(account, scopes))
        return await asyncio.shield(flight)

    async def _fetch(self, account: _Account, scopes: _Scopes) -> Token:
        registry, realm, service, credential = account
        refresh = self._refreshes.get(account, "")
        started = self._clock()
        answer = await self._ask(_ways(self._realm(registry, realm), service, scopes, credential, refresh))
        if answer.status != 200:
            raise self._refused(registry, answer, credential, refresh)
        token = _read(answer, started)
        if token.refresh:
            self._refreshes[account] = token.refresh
        elif answer.method == "GET":
            self._refreshes.pop(account, None)
        return token

    async def _ask(self, ways: Iterable[_Way]) -> Answer:
        """The answer of a token endpoint to the first way of asking that it takes, else to the last."""
        (first, _), *others = ways
        answer = await self._transport.send(first)
        for request, refusals in others:
            if answer.status in refusals:
                answer = await self._transport.send(request)
        return answer

    def _is_spent(self, flight: asyncio.Task[Token], stale: str) -> bool:
        """Whether a flight that has ended is of no use; a refusal is, it would be the same again."""
        if flight.cancelled():
            return True
        if error := flight.exception():
            return not isinstance(error, Unauthorized)
        token = flight.result()
        return self._clock() >= token.renew_at or f"Bearer {token.value}" == stale

    def _realm(self, registry: Registry, text: str) -> URL:
        base = self._transport.url(registry, "/v2/")
        try:
            realm = links.follow(base, text)
        except ValueError as error:
            raise Unauthorized(f"{registry} names a token endpoint that {error}, and nothing is sent there") from None
        return realm

    def _refused(
        self, registry: Registry, answer: Answer, credential: Credential | None, refresh: str
    ) -> RegistryError:
        about = _without_secrets(answer, credential, refresh)
        if answer.status not in {400, 401, 403}:
            return RegistryError(f"the token endpoint of {registry} failed", about)
        return Unauthorized(
            f"the token endpoint of {registry} refused {_who(credential)}",
            about,
            hint=self._advice(registry, credential),
        )

    async def advice(self, repository: Repository, answer: Answer) -> str:
        """What to do about a refusal, or about a 404 that may be one."""
        offers = _offers(answer)
        offered = {offer.scheme for offer in offers}
        if offered and not offered & {"basic", "bearer"}:
            return f"the registry asks for {', '.join(sorted(offered))}; only basic and bearer are known here"
        if "bearer" in offered and not any(offer.parameters.get("realm") for offer in offers):
            header = answers.plain(", ".join(answer.headers.getall("WWW-Authenticate")))
            return f"the registry does not say where tokens are to be had: WWW-Authenticate: {header[:200]}"
        known = self._challenges.get(repository.registry)
        credential = await self._keychain.find(repository)
        if answer.status == 404:
            hidden = known is not None and credential is None
            return f"it may need credentials: {self._advice(repository.registry, None)}" if hidden else ""
        if credential is None or known is None or known.scheme != "bearer":
            return self._advice(repository.registry, credential)
        refusal = _choose(offers, credential) or Challenge("bearer")
        if refusal.parameters.get("error") == "invalid_token":
            return f"the registry does not accept the token that its own token endpoint gave {_who(credential)}"
        return f"no {_lacking(refusal, repository, answer.method)} for {_who(credential)}{_from(credential)}"

    def _advice(self, registry: Registry, credential: Credential | None) -> str:
        if credential:
            return f"{_who(credential)}{_from(credential)} lacks this right, or its password is wrong or has expired"
        where = f" in {self._keychain.source}" if self._keychain.source else ""
        return f"no credentials for {registry} were found{where}: {login(registry)}, or pass --username and --password"


def login(registry: Registry) -> str:
    """What brings credentials for a registry, for hints."""
    return f"log in with manifest-tool login {registry}"


def _who(credential: Credential | None) -> str:
    if credential is None:
        return "anonymous access"
    return f"the account {credential.username!r}" if credential.username else "the identity token"


def _from(credential: Credential) -> str:
    return f" from {credential.origin}" if credential.origin else ""


def _lacking(refusal: Challenge, repository: Repository, method: str) -> str:
    """The right that a refusal is about: what its scope names first, else what the request needed."""
    scope, *_ = *refusal.parameters.get("scope", "").split(), ""
    kind, _, rest = scope.partition(":")
    name, _, actions = rest.rpartition(":")
    if kind == "repository" and name:
        right = "push" if "push" in actions.split(",") else actions
        return f"{right} right on {repository.registry}/{name}"
    right = {"GET": "pull", "HEAD": "pull", "DELETE": "delete"}.get(method, "push")
    return f"{right} right on {repository}"


def _with(demanded: _Scopes, scopes: _Scopes) -> _Scopes:
    """The scopes, after those that a challenge demanded beyond them: some registries read only the first."""
    ours = {right for scope in scopes for right in _rights(scope)}
    return (*(scope for scope in demanded if not _rights(scope) <= ours), *scopes)


def _rights(scope: str) -> frozenset[tuple[str, str]]:
    resource, _, actions = scope.rpartition(":")
    return frozenset((resource, action) for action in actions.split(","))


def _choose(offered: Iterable[Challenge], credential: Credential | None) -> Challenge | None:
    """The challenge to take up: Bearer before Basic, which is of use only with a password."""
    for wanted in offered:
        if wanted.scheme == "bearer" and wanted.parameters.get("realm"):
            return wanted
    for wanted in offered:
        if wanted.scheme == "basic" and credential and credential.password:
            return wanted
    return None


def _offers(answer: Answer) -> tuple[Challenge, ...]:
    return challenge.parse(answer.headers.getall("WWW-Authenticate", []))


def _direct(known: Challenge, credential: Credential | None) -> str:
    """The header that a credential makes by itself, without a token endpoint."""
    if credential is None:
        return ""
    return _basic(credential) if known.scheme == "basic" else f"Bearer {credential.registry_token}"


def _basic(credential: Credential) -> str:
    return "Basic " + base64.b64encode(f"{credential.username}:{credential.password}".encode()).decode()


def _ways(realm: URL, service: str, scopes: _Scopes, credential: Credential | None, refresh: str) -> Iterator[_Way]:
    """The ways to ask for a token, each with the answers to the one before after which it is tried."""
    if refresh or (credential and credential.identity_token):
        token = refresh or (credential.identity_token if credential else "")
        grant = {"grant_type": "refresh_token", "refresh_token": token}
        yield _post(realm, service, scopes, grant), _NO_REFRESH
    if credential is None or credential.password or not credential.identity_token:
        yield _get(realm, service, scopes, credential), _NO_REFRESH
    if credential and credential.password:
        grant = {"grant_type": "password", "username": credential.username, "password": credential.password}
        yield _post(realm, service, scopes, grant), _NO_GET


def _get(realm: URL, service: str, scopes: Iterable[str], credential: Credential | None) -> Request:
    query = [("service", service)] if service else []
    query += [("scope", scope) for scope in scopes]
    headers = {}
    if credential and credential.password:
        query.append(("account", credential.username))
        headers["Authorization"] = _basic(credential)
    return Request("GET", realm.extend_query(query), headers, limit=_TOKEN_LIMIT, confidential=True)


def _post(realm: URL, service: str, scopes: _Scopes, grant: Mapping[str, str]) -> Request:
    """RFC 6749 § 4.3 and § 6."""
    form = URL.build(query={**grant, "service": service, "client_id": _CLIENT_ID, "scope": " ".join(scopes)})
    body = form.raw_query_string.encode()
    return Request("POST", realm, _FORM, body, limit=_TOKEN_LIMIT, confidential=True)


def _read(answer: Answer, started: float) -> Token:
    try:
        data = json.loads(answer.body)
        value = data.get("access_token") or data.get("token")
    except (ValueError, RecursionError, AttributeError):
        raise InvalidContent("the token endpoint did not answer with JSON", _without_body(answer)) from None
    if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable():
        raise InvalidContent("the token endpoint answered without a token", _without_body(answer))
    seconds = _seconds(data)
    refresh = data.get("refresh_token")
    return Token(
        value,
        started + seconds - min(max(5.0, seconds * 0.1), seconds / 2),
        refresh if isinstance(refresh, str) and refresh.isascii() else "",
    )


def _without_body(answer: Answer) -> Exchange:
    """What a good answer of a token endpoint says may be a token: it is not repeated."""
    return Exchange(answer.method, redact.url(answer.url), answer.status)


def _without_secrets(answer: Answer, credential: Credential | None, refresh: str) -> Exchange:
    """What a token endpoint says of an error, where it says so in words; what it was sent may stand there too."""
    about = answers.exchange(answer)
    if not about.codes:
        return _without_body(answer)
    detail, secrets = about.detail, [refresh]
    if credential:
        secrets += [credential.password, credential.identity_token, _basic(credential).removeprefix("Basic ")]
    for secret in filter(None, secrets):
        detail = detail.replace(secret, "…")
    return replace(about, detail=_OPAQUE.sub("…", detail))


def _seconds(data: Mapping[str, Any]) -> float:
    """How long a token lasts; there are servers that send the number as text or not at all."""
    try:
        seconds = float(data.get("expires_in") or _DEFAULT_SECONDS)
    except (TypeError, ValueError, OverflowError):
        return _DEFAULT_SECONDS
    return seconds if 0 < seconds < 1e9 else _DEFAULT_SECONDS
