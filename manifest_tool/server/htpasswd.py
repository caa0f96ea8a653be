"""htpasswd files whose passwords are hashed with bcrypt, as ``htpasswd -B`` writes them."""

from __future__ import annotations

import asyncio
import os
import re
import stat
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import bcrypt

from manifest_tool import files
from manifest_tool.errors import InvalidValue, UsageError

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 1024 * 1024
MOST = 72
"""Bytes of a password that bcrypt looks at."""

_ROUNDS = 10
"""Some 50 ms for each password that was not seen before."""
_FEWEST, _SLOWEST = 4, 16
"""The latter take several seconds."""
_MAX_NAME = 255
# The last character of the salt has but two of its six bits.
_HASH = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}")
_BCRYPT = re.compile(r"\$2[aby]\$")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_MOST_TOLD = 10
_KINDS = {
    "$apr1$": "MD5",
    "$1$": "MD5",
    "{SHA}": "SHA-1",
    "$5$": "SHA-256",
    "$6$": "SHA-512",
    "$argon2": "Argon2",
    "$y$": "yescrypt",
    "$2": "a broken kind of bcrypt",
}


class InvalidAccount(InvalidValue):
    """Not a name, or not a password, that an account can have."""

    noun = "account"


def parse(data: bytes, path: Path) -> dict[str, bytes]:
    """The hash of each account; raises `UsageError` that tells every line that is wrong, and never what is hashed."""
    found: dict[str, bytes] = {}
    problems = []
    for number, line in enumerate(_lines(data, path), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if problem := _problem(line, found):
            problems.append(f"{path}:{number}: {problem}")
        name, _, hashed = line.partition(":")
        found.setdefault(name, hashed.strip().encode())
    if problems:
        raise UsageError(_told(problems), hint=command(path))
    return found


def command(path: Path) -> str:
    """What writes an account, for hints."""
    return f"manifest-tool registry account NAME --htpasswd {path} writes an account, as htpasswd -B {path} NAME does"


def put(path: Path, name: str, password: str) -> bool:
    """Write an account, in place of the one of that name; whether there was none. Other lines stay as they are.

    A file that is made is for its owner alone; one that is there stays for whom it was.
    Raises `InvalidAccount`, and `UsageError` where the file cannot be read or written.
    """
    check(name, password)
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(_ROUNDS)).decode()
    try:
        path = path.resolve()
        _lines(_content(path), path)  # before there is a lock beside it
        return asyncio.run(_put(path, name, hashed))
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot write the accounts in {path}: {reason}") from None


def check(name: str, password: str) -> None:
    """Refuse what an account cannot have; raises `InvalidAccount`."""
    check_name(name)
    if problem := _of_password(password):
        raise InvalidAccount(name, problem)


def check_name(name: str) -> None:
    """Refuse what no account can be called; raises `InvalidAccount`."""
    if problem := _of_name(name):
        raise InvalidAccount(name, problem)


async def _put(path: Path, name: str, hashed: str) -> bool:
    async with files.locked(path.with_name(f"{path.name}.lock")):
        lines = _lines(_content(path), path)
        place = next((number for number, line in enumerate(lines) if line.startswith(f"{name}:")), len(lines))
        after = [line for line in lines[place:] if not line.startswith(f"{name}:")]
        text = "".join(f"{line}\n" for line in [*lines[:place], f"{name}:{hashed}", *after])
        files.replace(path, text.encode(), shared=True)
    return place == len(lines)


def _content(path: Path) -> bytes:
    """What a file says; raises `UsageError` where it is none, and would be lost, or never end."""
    try:
        with open(path, "rb", opener=_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UsageError(f"cannot write the accounts in {path}: this is no regular file")
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return b""


def _at_once(path: str, flags: int) -> int:
    """Open a pipe, too, without waiting for somebody at its other end."""
    return os.open(path, flags | os.O_NONBLOCK)


def _lines(data: bytes, path: Path) -> list[str]:
    if len(data) > MAX_BYTES:
        raise UsageError(f"{path} is too large for a file with accounts", hint=command(path))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}:{line}: this is no UTF-8", hint=command(path)) from None
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else []


def _told(problems: Sequence[str]) -> str:
    if len(problems) == 1:
        return problems[0]
    shown = problems[:_MOST_TOLD]
    rest = [f"and {len(problems) - len(shown)} more"] if len(problems) > len(shown) else []
    return "\n  ".join([f"{len(problems)} problems in the accounts", *shown, *rest])


def _problem(line: str, found: Mapping[str, bytes]) -> str:
    name, colon, hashed = line.partition(":")
    if not colon:
        # Who knows what stands there: it is not repeated.
        return "there is no colon between the name of an account and the hash of its password"
    if problem := _of_name(name):
        return problem
    if name in found:
        return f"the account {name!r} is there twice"
    return _of_hash(name, hashed.strip())


def _of_name(name: str) -> str:
    if not name or name != name.strip() or name.startswith("#"):
        return "the name of an account is not empty, begins with no #, and has no spaces around it"
    if ":" in name or _CONTROL.search(name):
        return "the name of an account has neither a colon nor control characters"
    return "" if len(name.encode()) <= _MAX_NAME else f"the name of an account has at most {_MAX_NAME} bytes"


def _of_password(password: str) -> str:
    if not password:
        return "it has no password"
    if _CONTROL.search(password):
        return "there are control characters in its password, or it is no UTF-8"
    return "" if len(password.encode()) <= MOST else f"its password has more than {MOST} bytes, and bcrypt sees no more"


def _of_hash(name: str, hashed: str) -> str:
    matched = _HASH.fullmatch(hashed)
    if matched is None and _BCRYPT.match(hashed):
        return f"the hash of the password of {name!r} is damaged"
    if matched is None:
        kind = next((kind for start, kind in _KINDS.items() if hashed.startswith(start)), "")
        how = f"hashed with {kind}" if kind else "not hashed, or by an old kind of hash"
        return f"the password of {name!r} is {how}: only bcrypt is taken here"
    if not _FEWEST <= int(matched[1]) <= _SLOWEST:
        return f"the password of {name!r} is hashed at cost {matched[1]}: {_FEWEST} to {_SLOWEST} are taken here"
    return ""
