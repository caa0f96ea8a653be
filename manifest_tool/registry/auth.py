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
from typing import TYPE_CHECKING, Any

from yarl import URL

from manifest_tool.errors import Exchange, InvalidContent, RegistryError, Unauthorized
from manifest_tool.registry import answers, challenge, links, redact
from manifest_tool.registry.transport import Request, Transport

if TYPE_CHECKING:
    from manifest_tool.oci.reference import Registry, Repository
    from manifest_tool.registry.answers import Answer
    from manifest_tool.registry.challenge import Challenge
    from manifest_tool.registry.credentials import Credential, Keychain

    _Scopes = tuple[str, ...]
    _Key = tuple[Registry, str, str, Credential | None, _Scopes]

_TOKEN_LIMIT = 128 * 1024
_DEFAULT_SECONDS = 60.0
_CLIENT_ID = "manifest-tool"
_OPAQUE = re.compile(r"[A-Za-z0-9+/=_.-]{25,}")
"""What may be a token."""
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
        self._tokens: dict[_Key, asyncio.Task[Token]] = {}

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
        known = _choose(answer, await self._keychain.find(repository))
        if known is None:
            return None
        self._challenges[repository.registry] = known
        return await self._better(known, last, repository, need, planned)

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
        for level in (Level.WIDE, Level.RENEWED):
            if level > last:
                yield level, wide
        if narrow != wide and last < Level.NARROW:
            self._narrow.add((registry, narrow))
            yield Level.NARROW, narrow

    async def _token(
        self, registry: Registry, known: Challenge, scopes: tuple[str, ...], credential: Credential | None, stale: str
    ) -> Token:
        """A token for the scopes, fetched once however many ask at the same time; never the one that is stale."""
        # The registry is part of the key: another one may name the same realm, and is not sent a token of this one.
        key = (registry, known.parameters["realm"], known.parameters.get("service", ""), credential, scopes)
        flight = self._tokens.get(key)
        if flight is not None and flight.done() and self._is_spent(flight, stale):
            flight = None
        if flight is None:
            flight = asyncio.ensure_future(self._fetch(registry, known, scopes, credential))
            flight.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._tokens[key] = flight
        return await asyncio.shield(flight)

    async def _fetch(
        self, registry: Registry, known: Challenge, scopes: tuple[str, ...], credential: Credential | None
    ) -> Token:
        realm = self._realm(registry, known.parameters["realm"])
        service = known.parameters.get("service", "")
        started = self._clock()
        answer = None
        if credential and credential.identity_token:
            answer = await self._transport.send(_refresh(realm, service, scopes, credential))
        if answer is None or (answer.status in {400, 401, 403, 404, 405} and credential and credential.password):
            answer = await self._transport.send(_get(realm, service, scopes, credential))
        if answer.status != 200:
            raise self._refused(registry, answer, credential)
        return _read(answer, started)

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

    def _refused(self, registry: Registry, answer: Answer, credential: Credential | None) -> RegistryError:
        about = _without_secrets(answer, credential)
        if answer.status not in {400, 401, 403}:
            return RegistryError(f"the token endpoint of {registry} failed", about)
        return Unauthorized(
            f"the token endpoint of {registry} refused {_who(credential)}",
            about,
            hint=self._advice(registry, credential),
        )

    async def advice(self, repository: Repository, answer: Answer) -> str:
        """What to do about a refusal."""
        offered = {offer.scheme for offer in _offers(answer)}
        if offered and not offered & {"basic", "bearer"}:
            return f"the registry asks for {', '.join(sorted(offered))}; only basic and bearer are known here"
        return self._advice(repository.registry, await self._keychain.find(repository))

    def _advice(self, registry: Registry, credential: Credential | None) -> str:
        if credential:
            origin = f" from {credential.origin}" if credential.origin else ""
            return f"{_who(credential)}{origin} lacks this right, or its password is wrong or has expired"
        where = f" in {self._keychain.source}" if self._keychain.source else ""
        return f"no credentials for {registry} were found{where}: log in, or pass --username and --password"


def _who(credential: Credential | None) -> str:
    if credential is None:
        return "anonymous access"
    return f"the account {credential.username!r}" if credential.username else "the identity token"


def _choose(answer: Answer, credential: Credential | None) -> Challenge | None:
    """The challenge to take up: Bearer before Basic, which is of use only with a password."""
    offered = _offers(answer)
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


def _get(realm: URL, service: str, scopes: Iterable[str], credential: Credential | None) -> Request:
    query = [("service", service)] if service else []
    query += [("scope", scope) for scope in scopes]
    headers = {}
    if credential and credential.password:
        query.append(("account", credential.username))
        headers["Authorization"] = _basic(credential)
    return Request("GET", realm.extend_query(query), headers, limit=_TOKEN_LIMIT, confidential=True)


def _refresh(realm: URL, service: str, scopes: Iterable[str], credential: Credential) -> Request:
    """RFC 6749 § 6."""
    form = URL.build(
        query={
            "grant_type": "refresh_token",
            "refresh_token": credential.identity_token,
            "service": service,
            "client_id": _CLIENT_ID,
            "scope": " ".join(scopes),
        }
    )
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
    return Token(value, started + seconds - min(max(5.0, seconds * 0.1), seconds / 2))


def _without_body(answer: Answer) -> Exchange:
    """What a good answer of a token endpoint says may be a token: it is not repeated."""
    return Exchange(answer.method, redact.url(answer.url), answer.status)


def _without_secrets(answer: Answer, credential: Credential | None) -> Exchange:
    """What a token endpoint says of an error, where it says so in words; what it was sent may stand there too."""
    about = answers.exchange(answer)
    if not about.codes:
        return _without_body(answer)
    detail = about.detail
    if credential:
        secrets = (credential.password, credential.identity_token, _basic(credential).removeprefix("Basic "))
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
