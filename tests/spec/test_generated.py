"""Ten thousand specs from one seed: valid, damaged and hostile; only our own errors come out, and soon."""

from __future__ import annotations

import random
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable

import pytest

from manifest_tool.errors import Problem, SpecError
from manifest_tool.spec import load
from manifest_tool.spec.model import Spec

# Coverage is measured by the other tests; here it would take most of the time.
pytestmark = pytest.mark.no_cover

COUNT = 10_000
VALID = (
    (
        b"image: reg.example.com:5000/acme/app:1.10\n"
        b"tags: [1.10, 0755, latest]\n"
        b"x-os: &os {os: linux}\n"
        b"manifests:\n"
        b"  - image: reg.example.com:5000/acme/app:1.10-amd64\n"
        b"    platform: {<<: *os, architecture: amd64}\n"
        b"  -\n"
        b"    image: acme/app:1.10-armv7\n"
        b"    platform:\n"
        b"      architecture: arm\n"
        b"      os: linux\n"
        b"      variant: v7\n"
        b"  - image: acme/win@sha256:1111111111111111111111111111111111111111111111111111111111111111\n"
        b"    platform: {os: windows, os.version: 10.0.1, os.features: [win32k]}\n"
        b"annotations:\n"
        b"  org.opencontainers.image.title: 'My app'\n"
    ),
    b"---\r\nimage: acme/app\r\nmanifests:\r\n- image: acme/app:386\r\n  platform: linux/386\r\n",
    b'{"image": "a/b:1", "tags": null, "manifests": [{"image": "a/b:2", "platform": {"os": "linux"}}]}',
    b"image: a:1\nmanifests:\n- &e\n  image: b\n- *e\n- <<: *e\n  image: c\n- image: >-\n    d\n- {image: |-\n e}\n",
)
TOKENS = (
    *(b"- ", b": ", b"? ", b"[", b"]", b"{", b"}", b",", b"&a ", b"*a", b"<<: *a", b"!!python/object:x ", b"!t "),
    *(
        b"|\n",
        b">-\n",
        b"'",
        b'"',
        b"\\",
        b"\t",
        b"\r",
        b"\n",
        b"\n\n",
        b"---\n",
        b"...\n",
        b"%YAML 1.2\n",
        b"#",
        b" #",
    ),
    *(b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\xc2\x85", b"\xe2\x80\xa8", b"\x1b[0m", b"@", b"`", b"%", b"~"),
    *(b"{{x}}", b"${X}", b"__X__", b"image:", b"manifests:", b"tags:", b"platform:", b"os.version: 1", b"null", b"[]"),
    *(
        b"{}",
        b"docker://",
        b"dir:",
        b"linux/amd46",
        b"A",
        b"1e3",
        b'"\\ud800"',
        b'"\\x"',
        b'"\\UFFFFFFFF"',
        b"a" * 2000,
    ),
)
UNITS = (
    b"[",
    b"{",
    b"- ",
    b"? ",
    b"&a [*a,",
    b"{a: ",
    b"a: ",
    b"*a ",
    b"!a ",
    b"'",
    b'"',
    b"\t",
    b"- [",
    b"a\n",
    b"%A\n",
)

Generate = Callable[[random.Random], bytes]


def valid(rng: random.Random) -> bytes:
    entries = "".join(
        f"- {{image: 'acme/app:{rng.randrange(10**6)}', platform: {rng.choice(['linux/386', 'linux/arm/v7', '~'])}}}\n"
        for _ in range(rng.randint(1, 4))
    )
    tags = ", ".join(
        rng.choice(["1.10", "0755", "yes", "1e3", "2026-01-02", "~", "'a'"]) for _ in range(rng.randint(0, 3))
    )
    return f"image: acme/app:1\ntags: [{tags}]\nmanifests:\n{entries}".encode()


def damaged_bytes(rng: random.Random) -> bytes:
    data = bytearray(rng.choice(VALID))
    for _ in range(rng.randint(1, 4)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


def damaged_lines(rng: random.Random) -> bytes:
    lines = rng.choice(VALID).splitlines(keepends=True)
    for _ in range(rng.randint(1, 3)):
        line = rng.randrange(len(lines))
        match rng.randrange(4):
            case 0:
                del lines[line : line + len(lines) // 2]
            case 1:
                lines.insert(line, rng.choice(lines))
            case 2:
                lines[line] = b" " * rng.randint(1, 4) + lines[line]
            case _:
                lines[line] = lines[line].lstrip()
        lines = lines or [b"image: a\n"]
    return b"".join(lines)


def damaged_tokens(rng: random.Random) -> bytes:
    data = rng.choice(VALID)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        data = data[:at] + rng.choice(TOKENS) + data[at + rng.choice([0, 0, 1, 5]) :]
    return data


def token_soup(rng: random.Random) -> bytes:
    return b"".join(rng.choices(TOKENS, k=rng.randint(1, 30)))


def cut(rng: random.Random) -> bytes:
    data = rng.choice(VALID)
    return data[: rng.randrange(len(data))]


def repeated(rng: random.Random) -> bytes:
    return rng.choice([b"", b"image: a\nmanifests: ", b"a: "]) + rng.choice(UNITS) * rng.randint(1, 400)


def noise(rng: random.Random) -> bytes:
    return rng.choice([b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"]) + rng.randbytes(rng.randint(0, 60))


GENERATORS: tuple[Generate, ...] = (
    *(valid, damaged_bytes, damaged_lines, damaged_tokens, damaged_tokens, token_soup, cut, repeated, noise),
)


def outcome(data: bytes) -> tuple[Problem, ...]:
    try:
        found = load.parse(data, "s.yaml")
    except Exception as error:
        raise AssertionError(f"{type(error).__name__} from {data!r}") from error
    errors = [error for error in found if not isinstance(error, Spec)]
    assert all(isinstance(error, SpecError) and len(error.problems) <= 51 for error in errors), data
    return tuple(problem for error in errors if isinstance(error, SpecError) for problem in error.problems)


def test_only_our_own_errors_come_out() -> None:
    rng = random.Random(20260102)
    start = time.monotonic()
    seen: Counter[tuple[str, str]] = Counter()
    for number in range(COUNT):
        generate = GENERATORS[number % len(GENERATORS)]
        problems = outcome(generate(rng))
        assert all(problem.where.startswith("s.yaml") and problem.message for problem in problems)
        seen[generate.__name__, "refused" if problems else "read"] += 1
    assert seen["valid", "read"] == seen.total() // len(GENERATORS) + 1
    assert not seen["valid", "refused"]
    assert all(seen[generate.__name__, "refused"] for generate in GENERATORS[1:])
    assert time.monotonic() - start < 300


def test_memory_stays_small() -> None:
    rng = random.Random(1)
    outcome(VALID[0])
    tracemalloc.start()
    try:
        for number in range(300):
            outcome(GENERATORS[number % len(GENERATORS)](rng))
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    finally:
        tracemalloc.stop()
