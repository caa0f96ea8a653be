"""The cache that runs share: a small file for each reference."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import platformdirs

from manifest_tool import files
from manifest_tool.errors import ManifestToolError
from manifest_tool.events import Noticed, Observer, ignore
from manifest_tool.oci import strict_json
from manifest_tool.query.lookup import Entry, Key
from manifest_tool.query.support import Support

MAX_BYTES = 1024 * 1024
"""Of a file; what takes more is not kept."""
_MOST = 1_000
"""Files."""
_SPARED = 900
"""Files that stay where there were too many."""
_NAME = re.compile(r"\.?[0-9a-f]{64}\.json.*")
_VERSION = 1
_LATEST = 1e11
"""A time that is later than this is none."""


@dataclass(frozen=True, slots=True)
class DiskCache:
    """A folder that is for its owner alone; what does not look right in it counts as absent, and is replaced."""

    folder: Path
    observe: Observer = ignore
    most: int = _MOST
    spared: int = _SPARED

    @classmethod
    def of_user(cls, observe: Observer = ignore) -> Self:
        """Where this system keeps the caches of a user."""
        return cls(platformdirs.user_cache_path("manifest-tool", appauthor=False) / "query", observe)

    def get(self, key: Key) -> Entry | None:
        """What a file says, if it is one of ours and about this."""
        try:
            return _read(key, _content(self._path(key)))
        except (OSError, ValueError, ManifestToolError):
            return None

    def put(self, key: Key, entry: Entry) -> None:
        """Write the file anew; where that cannot be done, it is told and no more."""
        data = json.dumps(_document(key, entry)).encode()
        if len(data) > MAX_BYTES:
            return
        try:
            self._prepare()
            files.replace(self._path(key), data)
            self._tidy()
        except OSError as error:
            self.observe(Noticed(f"cannot write to the cache {self.folder}: {error.strerror or error}"))

    def _path(self, key: Key) -> Path:
        name = hashlib.sha256(json.dumps(_subject(key)).encode()).hexdigest()
        return self.folder / f"{name}.json"

    def _prepare(self) -> None:
        if not self.folder.is_absolute():
            raise OSError("there is no home folder")
        for folder in (self.folder.parent, self.folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _tidy(self) -> None:
        """Remove the oldest files where there are too many."""
        with os.scandir(self.folder) as found:
            ours = [entry for entry in found if _NAME.fullmatch(entry.name)]
        if len(ours) <= self.most:
            return
        aged = sorted(_aged(ours), reverse=True)
        for _, path in aged[self.spared :]:
            Path(path).unlink(missing_ok=True)


def _aged(entries: list[os.DirEntry[str]]) -> Iterator[tuple[float, str]]:
    for entry in entries:
        with suppress(FileNotFoundError):  # others tidy up at the same time
            yield entry.stat(follow_symlinks=False).st_mtime, entry.path


def _content(path: Path) -> bytes:
    """The bytes of a file that nobody else has put there."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(handle, "rb") as file:  # noqa: PTH123  # it is open already
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid() or about.st_size > MAX_BYTES:
            raise ValueError("it is no file of ours")
        return file.read(MAX_BYTES)


def _subject(key: Key) -> dict[str, str]:
    """What an entry is about; no two keys have the same."""
    return {"reference": str(key.reference), "account": key.account, "channel": key.channel}


def _document(key: Key, entry: Entry) -> dict[str, object]:
    support = entry.support.to_json()
    return {"schemaVersion": _VERSION, **_subject(key), "checked": entry.checked, "support": support}


def _read(key: Key, raw: bytes) -> Entry:
    """Raises `ValueError` where it is damaged, or about something else."""
    document = strict_json.decode(raw)
    if not isinstance(document, dict) or document.get("schemaVersion") != _VERSION:
        raise ValueError("it is of another version")
    if any(document.get(name) != value for name, value in _subject(key).items()):
        raise ValueError("it is about something else")
    checked = document.get("checked")
    if not isinstance(checked, float) or not 0 <= checked < _LATEST:
        raise ValueError("it does not tell when")
    return Entry(Support.from_json(document.get("support")), checked)
