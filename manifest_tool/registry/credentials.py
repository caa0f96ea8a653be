"""Credentials: from the command line, from Docker's configuration file, from credential helpers."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from manifest_tool.errors import CredentialsError
from manifest_tool.events import Noticed, Observer, ignore
from manifest_tool.oci.reference import HUB

if TYPE_CHECKING:
    from manifest_tool.oci.reference import Registry, Repository

_HUB_KEY = "https://index.docker.io/v1/"
_MAX_CONFIG = 1024 * 1024
_MAX_HELPER_OUTPUT = 128 * 1024
_HELPER_SECONDS = 30.0
_NOT_FOUND = "credentials not found"


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


@dataclass(frozen=True, slots=True)
class DockerConfig:
    """Docker's ``config.json``, or podman's ``auth.json``."""

    path: str = ""
    auths: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, hash=False)
    helpers: Mapping[str, str] = field(default_factory=dict, hash=False)
    store: str = ""

    @classmethod
    def load(cls, chosen: str = "") -> DockerConfig:
        """Read the file or folder ``chosen``, else ``$DOCKER_CONFIG``, else ``~/.docker``.

        Only a chosen file has to be there. Raises `CredentialsError`.
        """
        path = Path(chosen or os.environ.get("DOCKER_CONFIG") or "~/.docker").expanduser()
        if path.is_dir() or not chosen:
            path /= "config.json"
        try:
            with path.open("rb") as file:
                text = file.read(_MAX_CONFIG + 1)
        except FileNotFoundError:
            if not chosen:
                return cls()
            raise CredentialsError(f"there is no credential file {path}", hint="see --docker-cfg") from None
        except OSError as error:
            raise CredentialsError(f"cannot read the credential file {path}: {error.strerror}") from None
        return cls._read(path, text)

    @classmethod
    def _read(cls, path: Path, text: bytes) -> DockerConfig:
        try:
            data = json.loads(text)
            if not isinstance(data, dict) or len(text) > _MAX_CONFIG:
                raise ValueError("it is no JSON object of at most 1 MiB")
        except (ValueError, RecursionError) as error:
            where = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
            raise CredentialsError(f"the credential file {path} is not valid JSON{where}") from None
        auths, helpers, store = data.get("auths"), data.get("credHelpers"), data.get("credsStore")
        return cls(
            path=str(path),
            auths={k: v for k, v in auths.items() if isinstance(v, dict)} if isinstance(auths, dict) else {},
            helpers={k: v for k, v in helpers.items() if isinstance(v, str)} if isinstance(helpers, dict) else {},
            store=store if isinstance(store, str) else "",
        )

    def helper(self, registry: Registry) -> str:
        """The name of the credential helper for a registry, or an empty text."""
        names = {_host_of(key): name for key, name in self.helpers.items()}
        return names.get(registry.host, self.store)

    def entry(self, repository: Repository) -> Credential | None:
        """What the file itself holds: the longest path that covers the repository, then the host."""
        entries = {_host_of(key): value for key, value in self.auths.items()}
        for key in _keys(repository):
            if found := _credential(entries.get(key, {}), self.path):
                return found
        return None


class Keychain:
    """Finds the credential for a repository; each helper is asked once a registry."""

    def __init__(
        self,
        config: DockerConfig,
        *,
        explicit: Credential | None = None,
        explicit_for: Registry | None = None,
        observe: Observer = ignore,
    ) -> None:
        self._config = config
        self._explicit = explicit
        self._explicit_for = explicit_for
        self._observe = observe
        self._asked: dict[Registry, asyncio.Task[Credential | None]] = {}

    @property
    def source(self) -> str:
        """The file that was read, for error texts."""
        return self._config.path

    async def find(self, repository: Repository) -> Credential | None:
        """The credential for a repository, or none: then it is tried anonymously."""
        registry = repository.registry
        if self._explicit and registry == self._explicit_for:
            return self._explicit
        if helper := self._config.helper(registry):
            if registry not in self._asked:
                self._asked[registry] = asyncio.ensure_future(self._ask(helper, registry))
            if found := await asyncio.shield(self._asked[registry]):
                return found
        return self._config.entry(repository)

    async def _ask(self, helper: str, registry: Registry) -> Credential | None:
        host = registry.host
        servers = (_HUB_KEY,) if host == HUB else (host, f"https://{host}")
        for server in servers:
            try:
                if found := await _run_helper(helper, server):
                    return found
            except CredentialsError as error:
                self._observe(Noticed(f"{error}; going on without it"))
                return None
        return None


async def _run_helper(helper: str, server: str) -> Credential | None:
    """Speak the protocol of ``docker-credential-<helper> get``; none where it holds nothing."""
    program = f"docker-credential-{helper}"
    if "/" in helper or os.sep in helper:
        raise CredentialsError(f"{helper!r} is no name of a credential helper")
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            "get",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as error:
        raise CredentialsError(f"the credential helper {program} cannot be run: {error.strerror}") from None
    try:
        output, _ = await asyncio.wait_for(process.communicate(server.encode()), _HELPER_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise CredentialsError(f"the credential helper {program} did not answer in {_HELPER_SECONDS:g} s") from None
    text = output[:_MAX_HELPER_OUTPUT].decode(errors="replace").strip()
    if process.returncode:
        if _NOT_FOUND in text or not text:
            return None
        raise CredentialsError(f"the credential helper {program} failed: {text[:200]}")
    return _helper_answer(program, text)


def _helper_answer(program: str, text: str) -> Credential | None:
    try:
        data = json.loads(text)
        username, secret = str(data["Username"]), str(data["Secret"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise CredentialsError(f"the credential helper {program} did not answer with JSON") from None
    if not secret:
        return None
    if username == "<token>":
        return Credential(identity_token=secret, origin=program)
    return Credential(username, secret, origin=program)


def _keys(repository: Repository) -> Iterator[str]:
    path = f"{repository.registry.host}/{repository.name}"
    while path:
        yield path
        path = path.rpartition("/")[0]


def _host_of(key: str) -> str:
    """A key of ``auths`` as a host, with the path where it has one: ``https://host/v1/`` is ``host``."""
    bare = key.removeprefix("https://").removeprefix("http://").rstrip("/")
    host, slash, path = bare.partition("/")
    host = HUB if host in {"index.docker.io", "registry-1.docker.io"} else host.lower()
    return host if path in {"v1", "v2"} else f"{host}{slash}{path}"


def _credential(entry: Mapping[str, Any], origin: str) -> Credential | None:
    def text(key: str) -> str:
        value = entry.get(key)
        return value if isinstance(value, str) else ""

    username, password = text("username"), text("password")
    if encoded := text("auth"):
        try:
            decoded = base64.b64decode(encoded, validate=False).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise CredentialsError(f"an auth entry of the credential file {origin} is not base64") from None
        username, _, password = decoded.partition(":")
        password = password.strip("\0")
    found = Credential(username, password, text("identitytoken"), text("registrytoken"), origin)
    return found if found.password or found.identity_token or found.registry_token else None
