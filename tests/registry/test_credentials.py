"""Credentials: Docker's configuration file, and helpers that are really run."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from manifest_tool.errors import CredentialsError, ExitCode, UsageError
from manifest_tool.events import Noticed
from manifest_tool.oci.reference import Reference, Registry, Repository
from manifest_tool.registry.credentials import Credential, DockerConfig, Keychain, configured
from tests.registry.parts import Watched, credential_helper

_SECRET = "hunter2"


def _auth(name: str = "me", password: str = _SECRET) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{name}:{password}".encode()).decode()}


def _repository(text: str = "r.test/team/app") -> Repository:
    return Reference.parse(text).repository


def _write(path: Path, document: Any) -> DockerConfig:
    path.write_text(json.dumps(document))
    return DockerConfig.load(str(path))


def _entry(folder: Path, auths: Any, wanted: str = "r.test/team/app") -> Credential | None:
    return _write(folder / "config.json", {"auths": auths}).entry(_repository(wanted))


# The file


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (_auth(), ("me", _SECRET, "", "")),
        (_auth(password="a:b"), ("me", "a:b", "", "")),
        (_auth(password=_SECRET + "\0\0"), ("me", _SECRET, "", "")),
        (_auth(password="pässword"), ("me", "pässword", "", "")),
        ({"username": "me", "password": _SECRET}, ("me", _SECRET, "", "")),
        ({"auth": "", "username": "me", "password": _SECRET}, ("me", _SECRET, "", "")),
        ({**_auth("0000", ""), "identitytoken": _SECRET}, ("0000", "", _SECRET, "")),
        ({"registrytoken": f" {_SECRET}\n"}, ("", "", "", _SECRET)),
    ],
)
def test_forms_of_an_entry(tmp_path: Path, entry: dict[str, str], expected: tuple[str, ...]) -> None:
    found = _entry(tmp_path, {"r.test": entry})
    assert found is not None
    assert (found.username, found.password, found.identity_token, found.registry_token) == expected
    assert found.origin == str(tmp_path / "config.json")


@pytest.mark.parametrize("entry", [{}, {"auth": ""}, _auth(password=""), {"auth": 1}, {"username": "me"}, None, []])
def test_entries_that_hold_nothing(tmp_path: Path, entry: Any) -> None:
    assert _entry(tmp_path, {"r.test": entry}) is None


@pytest.mark.parametrize(
    "key",
    [
        "r.test",
        "R.test",
        "r.test/",
        "https://r.test",
        "http://r.test",
        "https://r.test/v1/",
        "https://r.test/v2/",
        "r.test/v2",
        "r.test/team",
        "r.test/team/app",
    ],
)
def test_keys_that_name_a_registry(tmp_path: Path, key: str) -> None:
    assert _entry(tmp_path, {key: _auth()}) is not None


@pytest.mark.parametrize("key", ["other.test", "r.test:5000", "r.test.evil.test", "r.test/team/ap", "test", "", "team"])
def test_keys_that_do_not(tmp_path: Path, key: str) -> None:
    assert _entry(tmp_path, {key: _auth()}) is None


@pytest.mark.parametrize(
    "key", ["https://index.docker.io/v1/", "docker.io", "index.docker.io", "registry-1.docker.io", "docker.io/library"]
)
def test_keys_of_docker_hub(tmp_path: Path, key: str) -> None:
    assert _entry(tmp_path, {key: _auth()}, "alpine") is not None


def test_the_longest_path_wins(tmp_path: Path) -> None:
    auths = {"r.test": _auth("host"), "r.test/team": _auth("team"), "r.test/team/app": _auth("app")}
    found = {name: _entry(tmp_path, auths, name) for name in ("r.test/team/app", "r.test/team/x/y", "r.test/other")}
    assert [entry.username for entry in found.values() if entry] == ["app", "team", "host"]


def test_an_empty_entry_hides_no_other_of_the_same_host(tmp_path: Path) -> None:
    auths = {"https://index.docker.io/v1/": _auth(), "docker.io": {}}
    assert _entry(tmp_path, auths, "alpine") is not None
    assert _entry(tmp_path, dict(reversed(auths.items())), "alpine") is not None


@pytest.mark.parametrize("encoded", ["a", "bWU6/w==", "ä"])
def test_what_is_no_base64_names_its_key(tmp_path: Path, encoded: str) -> None:
    with pytest.raises(CredentialsError, match=r"auth of 'https://r.test' in .*config.json is not base64"):
        _entry(tmp_path, {"https://r.test": {"auth": encoded}})


def test_a_damaged_entry_of_another_host_is_no_matter(tmp_path: Path) -> None:
    assert _entry(tmp_path, {"other.test": {"auth": "a"}, "r.test": _auth()}) is not None


def test_a_registry_token_that_would_break_out_of_its_header(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match=r"registrytoken of 'r\.test'") as caught:
        _entry(tmp_path, {"r.test": {"registrytoken": f"{_SECRET}\nX: y"}})
    assert _SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not valid JSON at line 1"),
        (b'{\n "auths": {,}\n}', "is not valid JSON at line 2"),
        (b"\xff\xfe\xfd", "is not valid JSON"),
        (b"[" * 100_000, "is not valid JSON"),
        (b"[]", "is not a JSON object"),
        (b'{"auths": "' + b"x" * 2**20 + b'"}', "is larger than 1 MiB"),
    ],
)
def test_damaged_files(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "auth.json"
    path.write_bytes(content)
    with pytest.raises(CredentialsError, match=f"auth.json {message}") as caught:
        DockerConfig.load(str(path))
    assert caught.value.exit_code is ExitCode.DENIED


@pytest.mark.parametrize("document", [{}, {"auths": None}, {"auths": [], "credHelpers": 1, "credsStore": {}}])
def test_files_with_nothing_of_use(tmp_path: Path, document: Any) -> None:
    config = _write(tmp_path / "config.json", document)
    assert (config.entry(_repository()), config.helper(Registry("r.test"))) == (None, "")


def test_a_byte_order_mark_is_read_over(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(b"\xef\xbb\xbf" + json.dumps({"auths": {"r.test": _auth()}}).encode())
    assert DockerConfig.load(str(tmp_path)).entry(_repository()) is not None


@pytest.mark.parametrize("suffix", ["", "/", "/config.json"])
def test_a_folder_or_a_file_may_be_chosen(tmp_path: Path, suffix: str) -> None:
    _write(tmp_path / "config.json", {"auths": {"r.test": _auth()}})
    assert DockerConfig.load(f"{tmp_path}{suffix}").path == str(tmp_path / "config.json")


_PLACES = {
    "DOCKER_AUTH_CONFIG": "",
    "REGISTRY_AUTH_FILE": "podman.json",
    "XDG_RUNTIME_DIR": "runtime/containers/auth.json",
    "XDG_CONFIG_HOME": "config/containers/auth.json",
    "DOCKER_CONFIG": "docker/config.json",
}


def _everywhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Put an account into every place that is looked at, each with the name of its place; gives these names."""
    for variable, place in _PLACES.items():
        path = folder / (place or variable)
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, {"auths": {"r.test": _auth(variable)}})
        monkeypatch.setenv(variable, str(folder / place.partition("/")[0]) if place else path.read_text())
    (folder / ".dockercfg").write_text(json.dumps({"https://r.test/v1/": _auth(".dockercfg")}))
    monkeypatch.setenv("HOME", str(folder))
    return [*_PLACES, ".dockercfg"]


async def test_the_order_of_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for expected in _everywhere(tmp_path, monkeypatch):
        found = await Keychain(*configured()).find(_repository())
        assert found is not None
        assert found.username == expected
        if expected in _PLACES:
            monkeypatch.delenv(expected)


async def test_each_registry_is_found_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _everywhere(tmp_path, monkeypatch)
    _write(tmp_path / "docker" / "config.json", {"auths": {"other.test": _auth("other")}})
    keychain = Keychain(*configured())
    found = [await keychain.find(_repository(name)) for name in ("r.test/app", "other.test/app", "third.test/app")]
    assert [entry and entry.username for entry in found] == ["DOCKER_AUTH_CONFIG", "other", None]


async def test_a_chosen_file_is_the_only_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _everywhere(tmp_path, monkeypatch)
    _write(tmp_path / "chosen.json", {"auths": {}})
    assert [config.path for config in configured(str(tmp_path / "chosen.json"))] == [
        "DOCKER_AUTH_CONFIG",
        str(tmp_path / "chosen.json"),
    ]


def test_every_place_is_named_whether_it_is_there_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _everywhere(tmp_path, monkeypatch)
    (tmp_path / "runtime" / "containers" / "auth.json").unlink()
    files = [str(tmp_path / place) for place in (*filter(None, _PLACES.values()), ".dockercfg")]
    assert Keychain(*configured()).source == ", ".join(["DOCKER_AUTH_CONFIG", *files])


def test_podman_s_own_place_without_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "DOCKER_CONFIG"):
        monkeypatch.delenv(name)
    assert [Path(config.path).relative_to(tmp_path) for config in configured()] == [
        Path(".config/containers/auth.json"),
        Path(".docker/config.json"),
        Path(".dockercfg"),
    ]


def test_a_damaged_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", "{")
    with pytest.raises(CredentialsError, match=r"^DOCKER_AUTH_CONFIG is not valid JSON at line 1$"):
        configured()
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", " ")
    assert "DOCKER_AUTH_CONFIG" not in [config.path for config in configured()]


def test_only_a_chosen_file_has_to_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "nowhere"))
    assert not any(config.auths for config in configured())
    with pytest.raises(UsageError, match=r"there is no credential file .*nowhere") as caught:
        DockerConfig.load(str(tmp_path / "nowhere"))
    assert caught.value.hint


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DOCKER_CONFIG")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert not any(config.auths for config in configured())


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "config.json").mkdir()
    with pytest.raises(CredentialsError, match=r"cannot read the credential file .*config.json: Is a directory"):
        DockerConfig.load(str(tmp_path))


def test_a_folder_that_cannot_be_entered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_dir", denied)
    with pytest.raises(CredentialsError, match="Permission denied"):
        DockerConfig.load(str(tmp_path))


# The helpers


def _keychain(observe: Watched | None = None, auths: dict[str, Any] | None = None, **config: Any) -> Keychain:
    return Keychain(DockerConfig("config.json", auths or {}, **config), observe=observe or Watched())


_FOUND = f"""printf '%s' '{{"ServerURL":"x","Username":"me","Secret":"{_SECRET}"}}'"""


async def test_a_helper_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = credential_helper(tmp_path, monkeypatch, _FOUND)
    found = await _keychain(store="fake").find(_repository())
    assert found == Credential("me", _SECRET, origin="docker-credential-fake")
    assert asked.read_text() == "get r.test\n"


async def test_docker_hub_has_a_key_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = credential_helper(tmp_path, monkeypatch, _FOUND)
    assert await _keychain(store="fake").find(_repository("alpine"))
    assert asked.read_text() == "get https://index.docker.io/v1/\n"


async def test_an_identity_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    credential_helper(tmp_path, monkeypatch, f"""printf '%s' '{{"Username":"<token>","Secret":"{_SECRET}"}}'""")
    found = await _keychain(store="fake").find(_repository())
    assert found is not None
    assert (found.username, found.password, found.identity_token) == ("", "", _SECRET)


async def test_a_host_s_helper_comes_before_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    credential_helper(tmp_path, monkeypatch, _FOUND, "own")
    keychain = _keychain(store="missing", helpers={"https://R.test/v2/": "own"})
    assert await keychain.find(_repository())


async def test_an_empty_helper_switches_the_store_off() -> None:
    watched = Watched()
    keychain = _keychain(watched, {"r.test": _auth()}, store="missing", helpers={"r.test": ""})
    assert await keychain.find(_repository())
    assert not watched.events


@pytest.mark.parametrize("where", ["", ">&2"])
async def test_nothing_found_falls_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    asked = credential_helper(tmp_path, monkeypatch, f"echo 'credentials not found in native keychain' {where}; exit 1")
    watched = Watched()
    assert await _keychain(watched, {"r.test": _auth()}, store="fake").find(_repository())
    assert asked.read_text() == "get r.test\nget https://r.test\n"
    assert await _keychain(watched, store="fake").find(_repository()) is None
    assert not watched.events


async def test_a_helper_that_fails_is_told_of_and_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    credential_helper(tmp_path, monkeypatch, "echo 'the vault is sealed'; exit 1")
    watched = Watched()
    assert await _keychain(watched, {"r.test": _auth()}, store="fake").find(_repository())
    (notice,) = watched.of(Noticed)
    expected = "the credential helper docker-credential-fake failed: the vault is sealed; going on without it"
    assert notice.message == expected


async def test_a_helper_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = credential_helper(tmp_path, monkeypatch, _FOUND)
    keychain = _keychain(store="fake")
    found = await asyncio.gather(*(keychain.find(_repository(f"r.test/team/{n}")) for n in range(20)))
    assert len(set(found)) == 1
    assert asked.read_text() == "get r.test\n"


# What was given


async def test_given_credentials_are_for_one_registry() -> None:
    given = Credential("me", _SECRET)
    keychain = Keychain(DockerConfig(), explicit=given, explicit_for=Registry("r.test"))
    assert await keychain.find(_repository()) is given
    assert await keychain.find(_repository("other.test/team/app")) is None
    assert await keychain.find(_repository("r.test:5000/team/app")) is None


def test_secrets_are_in_no_text_form() -> None:
    credential = Credential("me", _SECRET, _SECRET, _SECRET, "config.json")
    assert repr(credential) == str(credential) == "Credential(username='me', origin='config.json')"
    config = DockerConfig("config.json", {"r.test": {"auth": _SECRET}})
    assert _SECRET not in repr(config)


@pytest.mark.parametrize("field", ["username", "password", "identity_token", "registry_token"])
def test_credentials_that_are_no_text(field: str) -> None:
    with pytest.raises(CredentialsError, match="the credentials from here are no text"):
        Credential(**{field: "p\udcff", "origin": "here"})
