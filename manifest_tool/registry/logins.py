"""Logins: credentials checked, kept where Docker and podman read them, and forgotten again."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator
from itertools import takewhile
from typing import TYPE_CHECKING

from manifest_tool.errors import CredentialsError, InvalidReference, RegistryError, Unauthorized, UsageError
from manifest_tool.events import Noticed, Observer
from manifest_tool.oci.reference import Registry, Repository
from manifest_tool.registry import answers, credentials, helpers, links
from manifest_tool.registry.auth import NO_ACCESS, Attempt, Authenticator
from manifest_tool.registry.auth_file import AuthFile
from manifest_tool.registry.credentials import Credential, DockerConfig, Keychain
from manifest_tool.registry.transport import Options, Request, Transport

if TYPE_CHECKING:
    from manifest_tool.registry.answers import Answer

_REFUSALS = frozenset({401, 403})
_API_VERSIONS = frozenset({"", "v1", "v2"})


def parse(text: str) -> Registry:
    """Read a registry's host, also as the URL that people paste; raises `UsageError`."""
    host, _, path = text.removeprefix("https://").partition("/")
    if "@" in text:
        # What stands before it may be a password: it is not repeated.
        raise UsageError("a registry's host has no user name before an @", hint="give it with --username")
    if text.startswith("http://"):
        raise UsageError(f"{text!r} is no registry's host", hint="write it without http:// and pass --plain-http")
    if path.rstrip("/") not in _API_VERSIONS:
        raise UsageError(f"{text!r} is more than a registry's host", hint=f"log in to all of {host}")
    try:
        registry = Registry.parse(host)
    except InvalidReference as error:
        raise UsageError(f"{text!r} is no registry: {error.reason}") from None
    if not any(sign in host for sign in ".:") and registry.host != "localhost":
        raise UsageError(f"{text!r} is no registry", hint="references know one by a dot or a port in its name")
    return registry


async def login(registry: Registry, credential: Credential, options: Options, chosen: str, observe: Observer) -> None:
    """Check an account and keep it; nothing is written where it is refused, or where that cannot be found out."""
    if ":" in credential.username:
        raise UsageError("a user name has no colon in it")
    file = AuthFile.of(chosen)
    helper = file.read().helper(registry)
    await _check(registry, credential, options, observe)
    server, *_ = credentials.servers(registry)
    if helper:
        await _store(helper, server, credential, file)
        await file.keep(registry, server, {})
    else:
        secret = f"{credential.username}:{credential.password}".encode()
        await file.keep(registry, server, {"auth": base64.b64encode(secret).decode()})
        observe(Noticed(f"the password is stored unencrypted in {file.path}; a credential helper would encrypt it"))
    before = takewhile(lambda config: config.path != str(file.path), _configured(chosen, observe))
    async for config, other in _holding(before, registry, observe):
        if (other.username, other.password) != (credential.username, credential.password):
            message = f"{config.path} goes before {file.path}, and what it has for {registry} is used instead"
            observe(Noticed(message))


async def logout(registry: Registry, chosen: str, observe: Observer) -> bool:
    """Forget the account of a registry; whether there was one."""
    file = AuthFile.of(chosen)
    helper = file.read().helper(registry)
    known = await file.forget(registry)
    for server in credentials.servers(registry) if helper else ():
        if await helpers.get(helper, server):
            await helpers.erase(helper, server)
            known = True
    others = (config for config in _configured(chosen, observe) if config.path != str(file.path))
    async for config, _ in _holding(others, registry, observe):
        observe(Noticed(f"{config.path} still has credentials for {registry}"))
    return known


async def _store(helper: str, server: str, credential: Credential, file: AuthFile) -> None:
    try:
        await helpers.store(helper, server, helpers.Kept(credential.username, credential.password))
    except CredentialsError as error:
        hint = f"{file.path} names it; --docker-cfg FILE keeps the password in another file"
        raise CredentialsError(str(error), hint=hint) from None


async def _check(registry: Registry, credential: Credential, options: Options, observe: Observer) -> None:
    """Ask the root of the API with an account; raises `Unauthorized`, or what else kept it from an answer."""
    async with Transport(options, observe=observe) as transport:
        authenticator = Authenticator(transport, Keychain(explicit=credential, explicit_for=registry))
        answer, attempt = await _ask(registry, transport, authenticator)
    if answer.status in _REFUSALS:
        raise Unauthorized(
            f"{registry} refused the account {credential.username!r}",
            answers.exchange(answer),
            hint="the name or the password is wrong, or has expired; some registries want a token for a password",
        )
    if answer.status != 200:
        raise RegistryError(f"{registry} does not answer as a registry does", answers.exchange(answer))
    if not attempt.header:
        observe(Noticed(f"{registry} asks nobody for credentials, so these are stored without being checked"))


async def _ask(registry: Registry, transport: Transport, authenticator: Authenticator) -> tuple[Answer, Attempt]:
    """The last answer of the root of the API, and what it was asked with."""
    root, attempt = Repository(registry, ""), Attempt()
    while True:
        answer = await transport.send(Request("GET", transport.url(registry, "/v2/"), attempt.headers))
        if answer.status != 401 or not links.same_origin(answer.url, transport.url(registry, "/v2/")):
            return answer, attempt
        better = await authenticator.next(answer, attempt, root, NO_ACCESS, NO_ACCESS)
        if better is None:
            return answer, attempt
        attempt = better


def _configured(chosen: str, observe: Observer) -> Iterator[DockerConfig]:
    """What is configured beside the file that was chosen; what is damaged there is told of."""
    yield from credentials.given()
    for path in () if chosen else credentials.usual():
        try:
            yield DockerConfig.find(path)
        except CredentialsError as error:
            observe(Noticed(str(error)))


async def _holding(
    configs: Iterator[DockerConfig], registry: Registry, observe: Observer
) -> AsyncIterator[tuple[DockerConfig, Credential]]:
    """Those that have credentials for a registry."""
    for config in configs:
        try:
            found = await Keychain(config, observe=observe).find(Repository(registry, ""))
        except CredentialsError as error:
            observe(Noticed(str(error)))
            continue
        if found:
            yield config, found
