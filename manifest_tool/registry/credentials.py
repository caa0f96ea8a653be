"""Credentials: from the command line, from the files of Docker and podman, from credential helpers."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from manifest_tool.errors import CredentialsError, UsageError
from manifest_tool.events import Noticed, Observer, ignore
from manifest_tool.oci.reference import HUB
from manifest_tool.registry import helpers

if TYPE_CHECKING:
    from manifest_tool.oci.reference import Registry, Repository

_HUB_KEY = "https://index.docker.io/v1/"
_TOKEN_USER = "<token>"  # noqa: S105  # what helpers call whoever has an identity token
FILE = "config.json"
BARE = ".dockercfg"
"""What Docker had before it: the ``auths`` alone."""
_VARIABLE = "DOCKER_AUTH_CONFIG"
_MAX_CONFIG = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Credential:
    """What an account proves itself with; secrets stay out of its text form."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    """A refresh token, from ``docker login`` against an OAuth2 endpoint."""
    registry_token: str = field(default="", repr=False)
    """A bearer token that is used as it is."""
    origin: str = ""
    """Where it was found, for error texts."""

    def __post_init__(self) -> None:
        try:
            "".join((self.username, self.password, self.identity_token, self.registry_token)).encode()
        except UnicodeEncodeError:
            raise CredentialsError(f"the credentials from {self.origin or 'the configuration'} are no text") from None


@dataclass(frozen=True, slots=True)
class DockerConfig:
    """Docker's ``config.json``, or podman's ``auth.json``."""

    path: str = ""
    auths: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, hash=False, repr=False)
    helpers: Mapping[str, str] = field(default_factory=dict, hash=False)
    store: str = ""

    @classmethod
    def load(cls, chosen: str) -> DockerConfig:
        """Read the file that was chosen, or the ``config.json`` of the folder; raises `UsageError` where it is not."""
        path = expanded(chosen)
        text = content(path)
        if text is None:
            raise UsageError(f"there is no credential file {path}", hint="see --docker-cfg")
        return cls._read(path, text)

    @classmethod
    def find(cls, path: str) -> DockerConfig:
        """Read a file that need not be there."""
        place = expanded(path)
        text = content(place)
        return cls(str(place)) if text is None else cls._read(place, text)

    @classmethod
    def _read(cls, path: Path, text: bytes) -> DockerConfig:
        path = path / FILE if path.is_dir() else path
        return cls.parse(text, str(path), f"the credential file {path}", bare=path.name == BARE)

    @classmethod
    def parse(cls, text: bytes, path: str, name: str, *, bare: bool = False) -> DockerConfig:
        """What a text says that stands at ``path``, which errors call ``name``; ``bare``: it is ``auths`` itself."""
        data = document(text, name)
        if bare:
            data = {"auths": data}
        auths, helpers, store = data.get("auths"), data.get("credHelpers"), data.get("credsStore")
        return cls(
            path=path,
            auths={k: v for k, v in auths.items() if isinstance(v, dict)} if isinstance(auths, dict) else {},
            helpers={k: v for k, v in helpers.items() if isinstance(v, str)} if isinstance(helpers, dict) else {},
            store=store if isinstance(store, str) else "",
        )

    def helper(self, registry: Registry) -> str:
        """The name of the credential helper for a registry, or an empty text."""
        names = {host_of(key): name for key, name in self.helpers.items()}
        return names.get(registry.host, self.store)

    def entry(self, repository: Repository) -> Credential | None:
        """What the file itself holds: the longest path that covers the repository, then the host."""
        for wanted in _keys(repository):
            for key, value in self.auths.items():
                # One host may stand there by several names, with an empty entry under all but one.
                if host_of(key) == wanted and (found := _credential(key, value, self.path)):
                    return found
        return None


def document(text: bytes, name: str) -> dict[str, Any]:
    """The JSON object that a text is, which errors call ``name``."""
    if len(text) > _MAX_CONFIG:
        raise CredentialsError(f"{name} is larger than 1 MiB")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise CredentialsError(f"{name} is not valid JSON{where}") from None
    if not isinstance(data, dict):
        raise CredentialsError(f"{name} is not a JSON object")
    return data


def configured(chosen: str = "") -> tuple[DockerConfig, ...]:
    """What is configured, the first to go before the others: the environment, then the chosen file, else the usual."""
    files = [DockerConfig.load(chosen)] if chosen else [DockerConfig.find(path) for path in usual()]
    return (*given(), *files)


def given() -> tuple[DockerConfig, ...]:
    """What the environment itself holds."""
    text = os.environ.get(_VARIABLE, "")
    return (DockerConfig.parse(text.encode(errors="replace"), _VARIABLE, _VARIABLE),) if text.strip() else ()


def usual() -> Iterator[str]:
    """Where podman and Docker look for credentials, in the order of podman; not all of these have to be there."""
    environment = os.environ
    if path := environment.get("REGISTRY_AUTH_FILE"):
        yield path
    if folder := environment.get("XDG_RUNTIME_DIR"):
        yield f"{folder}/containers/auth.json"
    yield f"{environment.get('XDG_CONFIG_HOME') or '~/.config'}/containers/auth.json"
    yield of_docker()
    yield f"~/{BARE}"


def of_docker() -> str:
    """Where Docker keeps its own."""
    return f"{os.environ.get('DOCKER_CONFIG') or '~/.docker'}/{FILE}"


def expanded(path: str) -> Path:
    """The path with the home folder in place of ``~``, where there is one."""
    with suppress(RuntimeError):  # there are containers whose user has no home
        return Path(path).expanduser()
    return Path(path)


def content(path: Path) -> bytes | None:
    """What stands in a file, or in the ``config.json`` of a folder; none where there is no such file."""
    try:
        with (path / FILE if path.is_dir() else path).open("rb") as file:
            return file.read(_MAX_CONFIG + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise CredentialsError(f"cannot read the credential file {error.filename}: {error.strerror}") from None


class Keychain:
    """Finds the credential for a repository; each helper is asked once a registry."""

    def __init__(
        self,
        *configs: DockerConfig,
        explicit: Credential | None = None,
        explicit_for: Registry | None = None,
        observe: Observer = ignore,
    ) -> None:
        self._configs = configs
        self._explicit = explicit
        self._explicit_for = explicit_for
        self._observe = observe
        self._asked: dict[tuple[str, Registry], asyncio.Task[Credential | None]] = {}

    @property
    def source(self) -> str:
        """The places that were looked at, for error texts."""
        return ", ".join(config.path for config in self._configs if config.path)

    async def find(self, repository: Repository) -> Credential | None:
        """The credential for a repository, or none: then it is tried anonymously."""
        if self._explicit and repository.registry == self._explicit_for:
            return self._explicit
        for config in self._configs:
            if found := await self._helped(config, repository.registry) or config.entry(repository):
                return found
        return None

    async def _helped(self, config: DockerConfig, registry: Registry) -> Credential | None:
        """What the helper of a registry has, where there is one."""
        helper = config.helper(registry)
        if not helper:
            return None
        key = helper, registry
        if key not in self._asked:
            self._asked[key] = asyncio.ensure_future(self._ask(helper, registry))
        return await asyncio.shield(self._asked[key])

    async def _ask(self, helper: str, registry: Registry) -> Credential | None:
        for server in servers(registry):
            try:
                if kept := await helpers.get(helper, server):
                    return _of(kept, helpers.program(helper))
            except CredentialsError as error:
                self._observe(Noticed(f"{error}; going on without it"))
                return None
        return None


def servers(registry: Registry) -> tuple[str, ...]:
    """The names by which helpers know a registry; credentials are kept under the first."""
    return (_HUB_KEY,) if registry.host == HUB else (registry.host, f"https://{registry.host}")


def _of(kept: helpers.Kept, origin: str) -> Credential:
    if kept.username == _TOKEN_USER:
        return Credential(identity_token=kept.secret, origin=origin)
    return Credential(kept.username, kept.secret, origin=origin)


def _keys(repository: Repository) -> Iterator[str]:
    for host in dict.fromkeys((repository.registry.host, repository.registry.host.removesuffix(":443"))):
        path = f"{host}/{repository.name}"
        while path:
            yield path
            path = path.rpartition("/")[0]


def host_of(key: str) -> str:
    """A key of ``auths`` as a host, with the path where it has one: ``https://host/v1/`` is ``host``."""
    bare = key.removeprefix("https://").removeprefix("http://").rstrip("/")
    host, slash, path = bare.partition("/")
    host = HUB if host in {"index.docker.io", "registry-1.docker.io"} else host.lower()
    return host if path in {"v1", "v2"} else f"{host}{slash}{path}"


def _credential(key: str, entry: Mapping[str, Any], origin: str) -> Credential | None:
    """What an entry of ``auths`` holds; an empty one marks that a helper has it."""

    def text(name: str) -> str:
        value = entry.get(name)
        return value if isinstance(value, str) else ""

    username, password = text("username"), text("password")
    if encoded := text("auth"):
        try:
            decoded = base64.b64decode(encoded, validate=False).decode()
        except ValueError:
            raise CredentialsError(f"the auth of {key!r} in {origin} is not base64") from None
        username, _, password = decoded.partition(":")
        password = password.strip("\0")
    token = text("registrytoken").strip()
    if not token.isascii() or not token.isprintable():
        raise CredentialsError(f"the registrytoken of {key!r} in {origin} is no token")
    found = Credential(username, password, text("identitytoken"), token, origin)
    return found if found.password or found.identity_token or found.registry_token else None
