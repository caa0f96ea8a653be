"""Where drafts are kept: a folder of the user's, with a file for each list."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from manifest_tool import files
from manifest_tool.errors import DraftError, InvalidReference
from manifest_tool.oci.reference import Reference

FOLDER = "MANIFEST_TOOL_DRAFTS"
_SUFFIX = ".yaml"
_LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class Store:
    """The drafts of a user.

    That of ``host/team/app:1`` is ``host/team/app/:1.yaml``: no part of a repository's name begins with a colon, so no
    two lists share a file.
    """

    folder: Path

    @classmethod
    def of(cls) -> Self:
        """The folder that the environment names, else the one for a program's data."""
        if chosen := os.environ.get(FOLDER):
            return cls(Path(chosen).absolute())
        data = Path(os.environ.get("XDG_DATA_HOME") or "")
        if not data.is_absolute():
            try:
                data = Path.home() / ".local" / "share"
            except RuntimeError:
                raise DraftError("there is no home folder to keep drafts in", hint=f"name one by ${FOLDER}") from None
        return cls(data / "manifest-tool" / "drafts")

    def path(self, target: Reference) -> Path:
        """The file of a list."""
        return self.folder / str(target.repository) / f":{target.tag}{_SUFFIX}"

    def targets(self) -> list[Reference]:
        """The lists that have a draft, in order."""
        with self._mapped():
            found = [self._target(path) for path in self.folder.rglob(f":*{_SUFFIX}")]
        return sorted((target for target in found if target), key=str)

    def read(self, target: Reference) -> bytes | None:
        """The draft of a list, or none."""
        with self._mapped():
            try:
                return self.path(target).read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None

    async def change(self, target: Reference, change: Callable[[bytes | None], bytes]) -> None:
        """Put another draft in the place of what there is; nobody else changes any meanwhile."""
        path = self.path(target)
        with self._mapped():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            async with files.locked(self.folder / _LOCK):
                data = change(self.read(target))
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                files.replace(path, data)

    async def remove(self, target: Reference, unchanged: bytes | None = None) -> bool:
        """Remove the draft of a list, if need be only where it is still the one that is known; whether it did."""
        path = self.path(target)
        with self._mapped():
            if self.read(target) is None:
                return False
            async with files.locked(self.folder / _LOCK):
                if unchanged is not None and self.read(target) != unchanged:
                    return False
                path.unlink(missing_ok=True)
                self._tidy(path)
        return True

    def _tidy(self, path: Path) -> None:
        """Remove the folders that are empty now; one that is not ends it."""
        with suppress(OSError):
            for folder in path.parents:
                if folder == self.folder:
                    break
                folder.rmdir()

    def _target(self, path: Path) -> Reference | None:
        """The list of a file; none where it is no draft's name."""
        repository = path.parent.relative_to(self.folder).as_posix()
        try:
            return Reference.parse(repository + path.name.removesuffix(_SUFFIX))
        except InvalidReference:
            return None

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            where = error.filename or self.folder
            hint = f"${FOLDER} names another folder for drafts"
            raise DraftError(f"cannot use the drafts at {where}: {error.strerror or error}", hint=hint) from None
