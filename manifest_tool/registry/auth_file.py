"""The file that logins are kept in: Docker's ``config.json``, or podman's ``auth.json``."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from manifest_tool import files
from manifest_tool.errors import CredentialsError
from manifest_tool.registry import credentials
from manifest_tool.registry.credentials import DockerConfig, host_of

if TYPE_CHECKING:
    from manifest_tool.oci.reference import Registry

_Auths = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AuthFile:
    """A file that may not be there yet; what it holds besides logins stays in it."""

    path: Path

    @classmethod
    def of(cls, chosen: str = "") -> Self:
        """The file, or the one in the folder, that was chosen, else the one that both podman and Docker are told of."""
        text = chosen or os.environ.get("REGISTRY_AUTH_FILE") or credentials.of_docker()
        path = credentials.expanded(text)
        if path.parts[:1] == ("~",):
            raise CredentialsError(
                "there is no home folder to keep credentials in", hint="name a file with --docker-cfg FILE"
            )
        return cls(path / credentials.FILE if path.is_dir() or text.endswith("/") else path)

    def read(self) -> DockerConfig:
        """What it says; raises `CredentialsError` where it is damaged."""
        self._auths(self._document())
        return DockerConfig.find(str(self.path))

    async def keep(self, registry: Registry, key: str, entry: Mapping[str, str]) -> None:
        """Put an entry for a registry in place of all that it had, by whatever spelling."""

        def change(auths: _Auths) -> bool:
            for other in _keys(auths, registry):
                if other != key:
                    del auths[other]
            auths[key] = dict(entry)
            return True

        await self._change(change)

    async def forget(self, registry: Registry) -> bool:
        """Take out the entries of a registry; whether there were any."""

        def change(auths: _Auths) -> bool:
            found = _keys(auths, registry)
            for key in found:
                del auths[key]
            return bool(found)

        return bool(_keys(self._auths(self._document()), registry)) and await self._change(change)

    async def _change(self, change: Callable[[_Auths], bool]) -> bool:
        """Change the entries; nothing is written where the change says that it made none."""
        with self._mapped():
            path = self.path.resolve()
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            async with files.locked(path.with_name(f"{path.name}.lock")):
                data = self._document()
                changed = change(self._auths(data))
                if changed:
                    files.replace(path, (json.dumps(data, indent="\t") + "\n").encode())
        return changed

    def _document(self) -> dict[str, Any]:
        text = credentials.content(self.path)
        return {} if text is None else credentials.document(text, f"the credential file {self.path}")

    def _auths(self, data: dict[str, Any]) -> _Auths:
        """The entries of a document, in which they are changed."""
        if self.path.name == credentials.BARE:
            return data
        if data.get("auths") is None:
            data["auths"] = {}
        auths = data["auths"]
        if not isinstance(auths, dict):
            raise CredentialsError(f"the auths of the credential file {self.path} are no JSON object")
        return auths

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except (OSError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise CredentialsError(f"cannot write the credential file {self.path}: {reason}") from None


def _keys(auths: _Auths, registry: Registry) -> list[str]:
    return [key for key in auths if host_of(key) == registry.host]
