"""Logins against registries that really check them, and where they are kept."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from manifest_tool.errors import CredentialsError, ExitCode, RegistryError, Unauthorized, Unreachable, UsageError
from manifest_tool.events import Noticed
from manifest_tool.oci.reference import Registry, Repository
from manifest_tool.registry import logins
from manifest_tool.registry.credentials import Credential, Keychain, configured
from manifest_tool.registry.retry import Retry
from manifest_tool.registry.transport import Options
from manifest_tool.server.actions import Answer, Reset
from manifest_tool.server.serve import Running, serving
from tests import harness
from tests.registry.parts import Watched, credential_helper
from tests.registry.tokens import basic, token_service

SECRET = "hunter2"
ME = Credential("me", SECRET)
ENTRY = {"auth": base64.b64encode(f"me:{SECRET}".encode()).decode()}


@pytest.fixture
def guarded() -> Iterator[Running]:
    """A registry with one account."""
    with serving(middlewares=[basic({"me": SECRET})]) as running:
        yield running


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Docker keeps its own, with nothing there yet."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    return tmp_path / "docker" / "config.json"


def _put(path: Path, document: Any) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return str(path)


def _text(path: Path) -> str:
    return path.read_text()


def _document(path: Path) -> Any:
    return json.loads(_text(path))


def _auths(path: Path) -> Any:
    return _document(path)["auths"]


async def _login(host: str, credential: Credential = ME, chosen: str = "") -> list[str]:
    """Log in; gives what was told."""
    watched = Watched()
    await logins.login(Registry.parse(host), credential, Options(retry=Retry(attempts=1)), chosen, watched)
    return [notice.message for notice in watched.of(Noticed)]


async def _logout(host: str, chosen: str = "") -> tuple[bool, list[str]]:
    watched = Watched()
    known = await logins.logout(Registry.parse(host), chosen, watched)
    return known, [notice.message for notice in watched.of(Noticed)]


def _plain(path: Path) -> str:
    return f"the password is stored unencrypted in {path}; a credential helper would encrypt it"


# The host


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("r.test", "r.test"),
        ("https://R.test/", "r.test"),
        ("r.test:5000/v2/", "r.test:5000"),
        ("localhost", "localhost"),
        ("[::1]:5000", "[::1]:5000"),
        ("docker.io", "docker.io"),
        ("https://index.docker.io/v1/", "docker.io"),
    ],
)
def test_a_host(text: str, expected: str) -> None:
    assert logins.parse(text).host == expected


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("r.test/team/app", "'r.test/team/app' is more than a registry's host", "log in to all of r.test"),
        ("https://r.test/team", "'https://r.test/team' is more than a registry's host", "log in to all of r.test"),
        ("http://r.test", "'http://r.test' is no registry's host", "write it without http:// and pass --plain-http"),
        ("team", "'team' is no registry", "references know one by a dot or a port in its name"),
        ("", "'' is no registry: expected a registry's host name, with a port where it needs one", ""),
        ("r.test:99999", "'r.test:99999' is no registry: there is no port 99999", ""),
        *(
            (text, "a registry's host has no user name before an @", "give it with --username")
            for text in (
                f"https://me:{SECRET}@r.test",
                f"http://me:{SECRET}@r.test",
                f"HTTPS://me:{SECRET}@r.test/v2/",
                f"me:a/{SECRET}@r.test",
            )
        ),
    ],
)
def test_no_host(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        logins.parse(text)
    assert (str(caught.value), caught.value.hint) == (message, hint)


# The check


async def test_a_registry_that_wants_a_password(guarded: Running, path: Path) -> None:
    assert await _login(guarded.host) == [_plain(path)]
    assert _auths(path) == {guarded.host: ENTRY}
    assert await Keychain(*configured()).find(Repository(Registry(guarded.host), "app")) == Credential(
        "me", SECRET, origin=str(path)
    )


async def test_a_registry_that_wants_a_token(path: Path) -> None:
    with token_service() as tokens, serving(middlewares=[tokens.middleware()]) as running:
        tokens.add("me", SECRET, {})
        assert await _login(running.host) == [_plain(path)]
    assert [(asked.account, asked.scopes) for asked in tokens.asked] == [("me", ())]
    assert _auths(path) == {running.host: ENTRY}


async def test_a_registry_that_names_a_scope_as_an_example(path: Path) -> None:
    with token_service(strict=True) as tokens, serving() as running:
        tokens.add("me", SECRET, {})
        challenge = tokens.challenge(["repository:user/image:pull"])
        running.faults.add(Answer(401, headers={"WWW-Authenticate": challenge}), times=1)
        await _login(running.host)
    assert [asked.scopes for asked in tokens.asked] == [()]


async def test_a_registry_that_asks_nobody(embedded: Running, path: Path) -> None:
    message = f"{embedded.host} asks nobody for credentials, so these are stored without being checked"
    assert await _login(embedded.host) == [message, _plain(path)]
    assert _auths(path) == {embedded.host: ENTRY}


async def test_a_password_that_is_refused(guarded: Running, path: Path) -> None:
    with pytest.raises(Unauthorized, match=r"^127.* refused the account 'me': GET http.*/v2/: 401 ") as caught:
        await _login(guarded.host, Credential("me", "wrong"))
    assert caught.value.exit_code is ExitCode.DENIED
    assert "the name or the password is wrong" in caught.value.hint
    assert not path.parent.exists()


async def test_a_password_that_a_token_service_refuses(path: Path) -> None:
    with (
        token_service(takes_refresh=False) as tokens,
        serving(middlewares=[tokens.middleware()]) as running,
        pytest.raises(Unauthorized, match=r"token endpoint of .* refused the account 'me'"),
    ):
        await _login(running.host)
    assert not path.parent.exists()


@pytest.mark.parametrize(("status", "error"), [(403, Unauthorized), (404, RegistryError), (500, RegistryError)])
async def test_a_registry_that_does_not_answer_as_one(
    embedded: Running, path: Path, status: int, error: type[RegistryError]
) -> None:
    embedded.faults.add(Answer(status))
    with pytest.raises(error) as caught:
        await _login(embedded.host)
    assert caught.value.exit_code is (ExitCode.DENIED if status == 403 else ExitCode.REGISTRY)
    assert not path.parent.exists()


async def test_a_network_that_fails(embedded: Running, path: Path) -> None:
    embedded.faults.add(Reset())
    with pytest.raises(Unreachable):
        await _login(embedded.host)
    with pytest.raises(Unreachable):
        await _login(f"127.0.0.1:{harness.free_port()}")
    assert not path.parent.exists()


async def test_a_name_that_no_header_could_hold(guarded: Running, path: Path) -> None:
    with pytest.raises(UsageError, match="no colon"):
        await _login(guarded.host, Credential("me:you", SECRET))
    assert not guarded.log.where(lambda request: True)


async def test_a_damaged_file_is_told_before_anything_is_asked(guarded: Running, path: Path) -> None:
    _put(path, "{")
    for work in (_login(guarded.host), _logout(guarded.host)):
        with pytest.raises(CredentialsError, match=r"config.json is not valid JSON at line 1"):
            await work
    assert _text(path) == "{"
    assert not guarded.log.where(lambda request: True)


# The helper

_VAULT = """
cd "${0%/*}"
case $1 in
store) echo "$server" > kept ;;
get) cat kept 2>/dev/null || { echo 'credentials not found in native keychain'; exit 1; } ;;
erase) rm kept ;;
esac
"""


def _vault(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A helper that keeps one thing; gives the file in which it does."""
    return credential_helper(folder, monkeypatch, _VAULT).with_name("kept")


@pytest.mark.parametrize("key", ["credsStore", "credHelpers"])
async def test_a_helper_keeps_it(
    guarded: Running, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    kept = _vault(tmp_path, monkeypatch)
    before = {
        "auths": {f"https://{guarded.host}/v1/": ENTRY},
        key: "fake" if key == "credsStore" else {guarded.host: "fake"},
    }
    _put(path, before)
    assert await _login(guarded.host) == []
    assert _document(kept) == {"ServerURL": guarded.host, "Username": "me", "Secret": SECRET}
    assert _document(path) == {**before, "auths": {guarded.host: {}}}
    found = await Keychain(*configured()).find(Repository(Registry(guarded.host), "app"))
    assert found == Credential("me", SECRET, origin="docker-credential-fake")
    assert await _logout(guarded.host) == (True, [])
    assert not kept.exists()
    assert _document(path) == {**before, "auths": {}}
    assert await _logout(guarded.host) == (False, [])


@pytest.mark.parametrize("script", [f"echo {SECRET} is no good; exit 1", f"echo '\"{SECRET}\"' >&2; exit 1"])
async def test_a_helper_that_fails_leaves_nothing_in_clear_text(
    guarded: Running, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    credential_helper(tmp_path, monkeypatch, script)
    text = _text(Path(_put(path, {"credsStore": "fake"})))
    with pytest.raises(CredentialsError, match=r"docker-credential-fake failed: .*…") as caught:
        await _login(guarded.host)
    assert SECRET not in str(caught.value)
    assert caught.value.hint == f"{path} names it; --docker-cfg FILE keeps the password in another file"
    assert _text(path) == text


async def test_a_helper_that_is_gone_keeps_no_entry_from_being_forgotten(path: Path) -> None:
    _put(path, {"auths": {"r.test": {}}, "credsStore": "gone"})
    with pytest.raises(CredentialsError, match="docker-credential-gone cannot be run"):
        await _logout("r.test")
    assert _auths(path) == {}


# Where it is kept


async def test_docker_hub_has_a_key_of_its_own(guarded: Running, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Registry, "api_host", guarded.host)
    monkeypatch.setattr(Registry, "is_loopback", True)
    await _login("docker.io")
    assert _auths(path) == {"https://index.docker.io/v1/": ENTRY}
    _put(path, {"auths": {"https://index.docker.io/v1/": ENTRY, "docker.io": ENTRY, "registry-1.docker.io": ENTRY}})
    assert await _logout("docker.io") == (True, [])
    assert _auths(path) == {}


async def test_a_file_that_was_chosen(guarded: Running, path: Path, tmp_path: Path) -> None:
    chosen = tmp_path / "mine.json"
    assert await _login(guarded.host, chosen=str(chosen)) == [_plain(chosen)]
    assert _auths(chosen) == {guarded.host: ENTRY}
    assert await _logout(guarded.host) == (False, [])
    assert await _logout(guarded.host, str(chosen)) == (True, [])
    assert not path.parent.exists()


@pytest.mark.parametrize(("held", "told"), [("other", True), (SECRET, False)])
async def test_what_goes_before_is_told_where_it_is_another(
    guarded: Running, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: str, told: bool
) -> None:
    entry = {"auth": base64.b64encode(f"me:{held}".encode()).decode()}
    before = _put(tmp_path / "containers" / "auth.json", {"auths": {guarded.host: entry}})
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    message = f"{before} goes before {path}, and what it has for {guarded.host} is used instead"
    assert await _login(guarded.host) == [_plain(path), *([message] if told else [])]
    assert await _logout(guarded.host) == (True, [f"{before} still has credentials for {guarded.host}"])


async def test_the_environment_goes_before_a_file_that_was_chosen(
    guarded: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = {"auth": base64.b64encode(b"other:x").decode()}
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", json.dumps({"auths": {guarded.host: entry}}))
    chosen = tmp_path / "mine.json"
    _, told = await _login(guarded.host, chosen=str(chosen))
    assert told.startswith("DOCKER_AUTH_CONFIG goes before ")


async def test_what_goes_behind_is_no_matter(guarded: Running, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(path.parent))
    _put(path.parent / ".dockercfg", {guarded.host: {"auth": base64.b64encode(b"other:x").decode()}})
    assert await _login(guarded.host) == [_plain(path)]


@pytest.mark.parametrize("text", ["{", '{"auths": {"%s": {"auth": "a"}}}'])
async def test_damage_elsewhere_is_told_and_keeps_nobody_out(
    guarded: Running, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (tmp_path / "containers").mkdir()
    (tmp_path / "containers" / "auth.json").write_text(text.replace("%s", guarded.host))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    _, told = await _login(guarded.host)
    assert "auth.json is not " in told
    assert _auths(path) == {guarded.host: ENTRY}
    assert (await _logout(guarded.host))[0]


def test_logins_at_once_lose_nothing(path: Path) -> None:
    with ExitStack() as stack, ThreadPoolExecutor(20) as threads:
        hosts = [stack.enter_context(serving(middlewares=[basic({"me": SECRET})])).host for _ in range(20)]
        list(threads.map(lambda host: asyncio.run(_login(host)), hosts))
        assert _auths(path).keys() == set(hosts)
        assert all(known for known, _ in threads.map(lambda host: asyncio.run(_logout(host)), hosts))
    assert _auths(path) == {}
