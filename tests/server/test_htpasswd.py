"""htpasswd files: what is read, what is refused and how, and how an account is written."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_tool.errors import UsageError
from manifest_tool.server import htpasswd
from manifest_tool.server.htpasswd import InvalidAccount

HASH = "$2y$04$54YPlcpyXdxf7M8A99eo7OvAX9XWmH98RFuE/P2EqOv50Q1/6L2oe"
"""Of ``hunter2``, as ``htpasswd -B`` writes it."""
FILE = Path("accounts")


@pytest.mark.parametrize("kind", ["$2y$", "$2a$", "$2b$"])
def test_every_kind_of_bcrypt_that_is_written_today(kind: str) -> None:
    hashed = HASH.replace("$2y$", kind)
    found = htpasswd.parse(f"# people\n\nme:{hashed}\r\n  \nyou:{hashed} \n".encode(), FILE)
    assert found == {"me": hashed.encode(), "you": hashed.encode()}
    assert bcrypt.checkpw(b"hunter2", found["me"])


def test_a_byte_order_mark_and_a_last_line_without_an_end() -> None:
    assert list(htpasswd.parse(f"\ufeffme:{HASH}\nÿou:{HASH}".encode(), FILE)) == ["me", "ÿou"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("me:$apr1$hunter2$x", "the password of 'me' is hashed with MD5: only bcrypt is taken here"),
        ("me:{SHA}hunter2", "the password of 'me' is hashed with SHA-1: only bcrypt is taken here"),
        ("me:$6$hunter2", "the password of 'me' is hashed with SHA-512: only bcrypt is taken here"),
        ("me:$argon2id$hunter2", "the password of 'me' is hashed with Argon2: only bcrypt is taken here"),
        ("me:hunter2", "the password of 'me' is not hashed, or by an old kind of hash: only bcrypt is taken here"),
        ("me:", "the password of 'me' is not hashed, or by an old kind of hash: only bcrypt is taken here"),
        (f"me:{HASH[:-1]}", "the hash of the password of 'me' is damaged"),
        (f"me:{HASH[:28]}z{HASH[29:]}", "the hash of the password of 'me' is damaged"),
        (f"me:{HASH}:more", "the hash of the password of 'me' is damaged"),
        (f"me:{HASH.replace('$2y$', '$2x$')}", "the password of 'me' is hashed with a broken kind of bcrypt: only "),
        (f"me:{HASH.replace('$04$', '$31$')}", "the password of 'me' is hashed at cost 31: 4 to 16 are taken here"),
        (f"me:{HASH.replace('$04$', '$03$')}", "the password of 'me' is hashed at cost 03: 4 to 16 are taken here"),
        ("hunter2", "there is no colon between the name of an account and the hash of its password"),
        (f":{HASH}", "the name of an account is not empty"),
        (f" me:{HASH}", "the name of an account is not empty, begins with no #, and has no spaces around it"),
        (f"m\x1be:{HASH}", "the name of an account has neither a colon nor control characters"),
        (f"{'m' * 256}:{HASH}", "the name of an account has at most 255 bytes"),
        (f"first:{HASH}", "the account 'first' is there twice"),
    ],
)
def test_lines_that_are_wrong(line: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        htpasswd.parse(f"first:{HASH}\n{line}\n".encode(), FILE)
    assert str(caught.value).startswith(f"accounts:2: {problem}")
    assert "hunter2" not in str(caught.value)
    assert "registry account NAME --htpasswd accounts" in caught.value.hint
    assert "htpasswd -B accounts NAME" in caught.value.hint


def test_every_wrong_line_is_told_but_not_without_end() -> None:
    with pytest.raises(UsageError) as caught:
        htpasswd.parse(b"\n".join(b"wrong" for _ in range(1000)), FILE)
    first, *rest, last = str(caught.value).splitlines()
    assert (first, last) == ("1000 problems in the accounts", "  and 990 more")
    assert [line.split(": ")[0] for line in rest] == [f"  accounts:{number}" for number in range(1, 11)]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\nm\xff:x", "accounts:2: this is no UTF-8"),
        (b"x" * (1024 * 1024 + 1), "accounts is too large for a file with accounts"),
    ],
)
def test_files_that_are_wrong(data: bytes, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        htpasswd.parse(data, FILE)
    assert str(caught.value) == problem


@pytest.mark.parametrize("data", [b"", b"\n", b"# nobody\n\n"])
def test_a_file_of_nobody(data: bytes) -> None:
    assert htpasswd.parse(data, FILE) == {}


@given(st.binary())
def test_whatever_stands_there_is_read_or_refused(data: bytes) -> None:
    with suppress(UsageError):
        htpasswd.parse(data, FILE)


def test_an_account_is_written_and_changed_and_the_rest_stays(tmp_path: Path) -> None:
    path = tmp_path / "accounts"
    assert htpasswd.put(path, "me", "hunter2")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_text()
    path.write_text(f"# kept\nold:$apr1$x$y\r\n{before}me:twice\nother:{HASH}")
    assert not htpasswd.put(path, "me", "hunter3")
    comment, old, mine, other = path.read_text().splitlines()
    assert (comment, old, other) == ("# kept", "old:$apr1$x$y", f"other:{HASH}")
    assert bcrypt.checkpw(b"hunter3", mine.partition(":")[2].encode())
    assert not htpasswd.put(path, "old", "hunter2")
    assert list(htpasswd.parse(path.read_bytes(), path)) == ["old", "me", "other"]


def test_a_file_stays_for_whom_it_was(tmp_path: Path) -> None:
    path = tmp_path / "accounts"
    path.touch()
    path.chmod(0o640)
    htpasswd.put(path, "me", "hunter2")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_an_account_is_written_where_a_link_leads(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder" / "accounts")
    htpasswd.put(tmp_path / "link", "me", "hunter2")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder" / "accounts").read_text().startswith("me:$2b$10$")


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("", "x"),
        ("a:b", "x"),
        ("a\nb", "x"),
        ("#a", "x"),
        (" a", "x"),
        ("\udcff", "x"),
        ("me", ""),
        ("me", "ü" * 36 + "x"),
        ("me", "a\0b"),
        ("me", "\udcff"),
    ],
)
def test_what_no_account_can_have(tmp_path: Path, name: str, password: str) -> None:
    with pytest.raises(InvalidAccount):
        htpasswd.put(tmp_path / "accounts", name, password)
    assert not (tmp_path / "accounts").exists()


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"cannot write the accounts in .*: Not a directory"):
        htpasswd.put(tmp_path / "file" / "below", "me", "x")
    with pytest.raises(UsageError, match=r"cannot write the accounts in .*: Is a directory"):
        htpasswd.put(tmp_path, "me", "x")
    assert not tmp_path.with_name(f"{tmp_path.name}.lock").exists()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(UsageError, match="cannot write the accounts in "):
        htpasswd.put(tmp_path / "loop", "me", "x")


def test_only_a_file_is_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    # Whoever reads this pipe waits for ever.
    other_end = os.open(pipe, os.O_RDWR)
    command = "import sys; from pathlib import Path; from manifest_tool.server import htpasswd; "
    command += "htpasswd.put(Path(sys.argv[1]), 'me', 'x')"
    ran = subprocess.run([sys.executable, "-c", command, pipe], capture_output=True, text=True, timeout=10, check=False)
    os.close(other_end)
    assert ran.stderr.strip().endswith(f"cannot write the accounts in {pipe}: this is no regular file")
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]
