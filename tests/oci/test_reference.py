"""References, registries and tags."""

from __future__ import annotations

import random
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_tool.errors import InvalidReference
from manifest_tool.oci.reference import Reference, Registry, check_tag
from tests.oci.strategies import REFERENCES, REGISTRIES

HEX = "1" * 64


@given(REFERENCES)
def test_text_and_reference_reverse_each_other(reference: Reference) -> None:
    assert Reference.parse(str(reference)) == reference


@given(REGISTRIES)
def test_text_and_registry_reverse_each_other(registry: Registry) -> None:
    assert Registry.parse(str(registry)) == registry
    assert isinstance(registry.is_loopback, bool)


@given(st.text() | st.text("aA0./:@_-[]{}$ \t", max_size=40))
def test_what_parses_can_be_written_and_read_again(text: str) -> None:
    try:
        reference = Reference.parse(text)
    except InvalidReference:
        return
    assert Reference.parse(str(reference)) == reference


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("alpine", "docker.io/library/alpine"),
        ("alpine:3", "docker.io/library/alpine:3"),
        ("acme/app", "docker.io/acme/app"),
        ("index.docker.io/alpine", "docker.io/library/alpine"),
        ("registry-1.docker.io/acme/app:1", "docker.io/acme/app:1"),
        ("localhost/app", "localhost/app"),
        ("localhost:5000/app:1", "localhost:5000/app:1"),
        ("REG.Example.com/app", "reg.example.com/app"),
        ("reg.example.com:0443/a/b/c", "reg.example.com:443/a/b/c"),
        ("192.168.99.100:444/admin/multi:latest", "192.168.99.100:444/admin/multi:latest"),
        ("[::0001]:5000/app", "[::1]:5000/app"),
        ("myprivreg:5000/app", "myprivreg:5000/app"),
        (f"a@sha256:{HEX}", f"docker.io/library/a@sha256:{HEX}"),
        (f"a:t@sha256:{HEX}", f"docker.io/library/a:t@sha256:{HEX}"),
    ],
)
def test_short_forms_are_filled_out(text: str, expected: str) -> None:
    assert str(Reference.parse(text)) == expected


@pytest.mark.parametrize(
    ("text", "reason", "hint"),
    [
        ("", "it is empty", ""),
        ("a b", "it has white space", ""),
        ("a:{{ tag }}", "it has white space", "{{ tag }} looks like a placeholder"),
        ("Acme/app", "in lower case", "did you mean acme/app?"),
        ("a:b:c", "there are two tags, b and c", ""),
        ("a:", "the tag behind the colon is empty", ""),
        ("a:" + "x" * 129, "longer than 128 characters", ""),
        ("a:-b", "'-b' is no tag", ""),
        ("a/$TAG", "is no part of a repository's name", "$TAG looks like a placeholder"),
        ("a:{build.tag}-x", "is no tag", "{build.tag} looks like a placeholder"),
        ("https://a/b", "a reference has no URL scheme", "write it without https://"),
        ("http://a/b", "a reference has no URL scheme", "--plain-http"),
        ("a//b", "an empty part between two slashes", ""),
        ("reg.example.com/", "the repository's name is missing", ""),
        ("reg.example.com:99999/a", "there is no port 99999", ""),
        (HEX, "64 hexadecimal digits are an image's ID", ""),
        (f"a@sha256:{HEX[1:]}", "behind the @ sha256 has 64", ""),
        ("a@${DIGEST}", "behind the @", "${DIGEST} looks like a placeholder"),
        ("[::1]", "it names a registry, and no repository in it", ""),
        ("[::g]:1/a", "is no registry", ""),
        ("x" * 2000, "longer than any reference can be", ""),
        (" " * 2000, "longer than any reference can be", ""),
        ("a" * 300, "longer than 255 characters", ""),
    ],
)
def test_what_is_wrong_is_said(text: str, reason: str, hint: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        Reference.parse(text)
    assert reason in caught.value.reason
    assert hint in caught.value.hint


def test_a_password_is_not_repeated() -> None:
    with pytest.raises(InvalidReference) as caught:
        Reference.parse("me:secret@reg.example.com/app")
    assert "secret" not in str(caught.value)


@given(st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", fullmatch=True))
def test_tags(tag: str) -> None:
    check_tag(tag)


@pytest.mark.parametrize("tag", ["", ".a", "-a", "a:b", "a/b", "é", "a\n", "x" * 129, "${TAG}"])
def test_what_is_no_tag(tag: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        check_tag(tag)
    assert caught.value.hint == ("${TAG} looks like a placeholder that was never filled in" if "$" in tag else "")


def test_paths_and_scopes() -> None:
    reference = Reference.parse("alpine:3")
    assert reference.repository.registry.api_host == "registry-1.docker.io"
    assert reference.repository.manifest_path(reference.which) == "/v2/library/alpine/manifests/3"
    assert reference.repository.scope("pull", "push") == "repository:library/alpine:pull,push"
    assert Reference.parse("alpine").which == "latest"


PARTS = ("localhost", "reg.example.com", "REG:5000", "[::1]:80", "192.168.0.1", "acme", "a__b", "a-b", "library", "x.y")
DAMAGE = (
    *"/:@ \t\n.-_[]{}$%AZé\0\x1b\ud800",
    "//",
    "::",
    "@sha256:",
    "docker://",
    "${X}",
    "{{x}}",
    "a" * 300,
    "{{" * 600,
)


def grammatical(rng: random.Random) -> str:
    name = "/".join(rng.choices(PARTS, k=rng.randint(1, 4)))
    tag = rng.choice(["", ":1.10", ":latest", ":_"])
    return name + tag + rng.choice(["", "", f"@sha256:{HEX}", f"@sha512:{HEX}{HEX}"])


def mutated(rng: random.Random) -> str:
    text = grammatical(rng)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice(DAMAGE) + text[at + rng.randint(0, 2) :]
    return text


def parsed(text: str) -> Reference | None:
    try:
        return Reference.parse(text)
    except InvalidReference as error:
        assert error.reason  # noqa: PT017
        return None


def test_ten_thousand_references() -> None:
    rng = random.Random(20260102)
    start = time.monotonic()
    valid = 0
    for number in range(10_000):
        text = grammatical(rng) if number % 3 == 0 else mutated(rng)
        reference = parsed(text)
        if reference:
            valid += 1
            assert Reference.parse(str(reference)) == reference
            assert re.fullmatch(r"[a-z0-9._/:-]+", reference.repository.name)
    assert 1_000 < valid < 9_000
    assert time.monotonic() - start < 30


@pytest.mark.parametrize(
    "text",
    [
        "user:hunter2@reg/app",
        "https://user:hunter2@reg/app",
        "docker://user:hunter2@reg/app:1",
        "user:hunter2 @reg/app",
        "user:hun/hunter2@reg/app",
        "user:hunter2@reg",
        "user:hunter2@reg:5000",
        "user:hunt@er:hunter2@reg/app",
    ],
)
def test_what_may_be_a_password_is_not_repeated(text: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        Reference.parse(text)
    assert "hunter2" not in f"{caught.value} {caught.value.text} {caught.value.hint}"
    assert "no user name and password" in str(caught.value)


@pytest.mark.parametrize("host", ["a" * 64 + ".test", "xn--a.test", ".".join(["a" * 60] * 5), "a." + "xn--" + "9" * 20])
def test_what_no_host_can_be_called(host: str) -> None:
    with pytest.raises(InvalidReference, match="is no registry"):
        Reference.parse(f"{host}/app")


@pytest.mark.parametrize("host", ["a" * 63 + ".test", "xn--bcher-kva.example", "a--b.test"])
def test_what_hosts_are_called(host: str) -> None:
    assert str(Reference.parse(f"{host}/app").repository.registry) == host
