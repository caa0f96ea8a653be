"""Accounts and certificates as Debian's docker-registry checks them: htpasswd, TLS, client certificates, tokens."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from manifest_tool.registry import tls
from manifest_tool.server.serve import Running
from tests import harness, seeds
from tests.conftest import Program
from tests.integration.docker_registries import SECRET, guarded, registry, with_tokens
from tests.registry.test_tls import Authority

pytestmark = pytest.mark.docker_registry


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = Authority(tmp_path_factory.mktemp("authority"))
    made.found()
    return made


def _over_tls(authority: Authority, *, demanding: bool = False) -> str:
    clients = f", clientcas: [{authority.folder / 'ca.crt'}]" if demanding else ""
    certificate, key = authority.folder / "server.cert", authority.folder / "server.key"
    return f", tls: {{certificate: {certificate}, key: {key}{clients}}}"


def _spec(source: Running, host: str) -> str:
    """Publish an image of a registry that knows no accounts in one that does."""
    seeds.put_image(source, "app:a", "linux/amd64")
    return f"image: {host}/team/app:1\nmanifests:\n  - image: {source.host}/app:a\n    platform: linux/amd64\n"


def _config(folder: Path, auths: Mapping[str, str]) -> str:
    """A credential file; gives its path."""
    entries = {key: {"auth": base64.b64encode(f"me:{secret}".encode()).decode()} for key, secret in auths.items()}
    path = folder / "auth.json"
    path.write_text(json.dumps({"auths": entries}))
    return str(path)


def test_an_account_on_the_command_line(embedded: Running, program: Program, tmp_path: Path) -> None:
    with guarded(tmp_path) as host:
        account = ("--username", "me", "--password", SECRET)
        ran = program(*account, *_push(tmp_path, _spec(embedded, host)))
        seen = program(*account, "inspect", f"{host}/team/app:1")
    assert ran.code == seen.code == 0, ran.stderr + seen.stderr
    assert ran.stdout.split()[1] in seen.stdout


def _push(folder: Path, spec: str) -> tuple[str, ...]:
    (folder / "spec.yaml").write_text(spec)
    return ("push", "from-spec", str(folder / "spec.yaml"))


def test_an_account_in_a_file_for_a_path(embedded: Running, program: Program, tmp_path: Path) -> None:
    with guarded(tmp_path) as host:
        path = _config(tmp_path, {f"{host}/team": SECRET, host: "wrong"})
        ran = program("--docker-cfg", path, *_push(tmp_path, _spec(embedded, host)))
    assert ran.code == 0, ran.stderr


def test_an_account_in_the_environment(
    embedded: Running, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with guarded(tmp_path) as host:
        monkeypatch.setenv("DOCKER_AUTH_CONFIG", Path(_config(tmp_path, {host: SECRET})).read_text())
        ran = program(*_push(tmp_path, _spec(embedded, host)))
    assert ran.code == 0, ran.stderr


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ((), "hint: no credentials for "),
        (("--username", "me", "--password", "wrong"), "hint: the account 'me' from --username lacks this right, or "),
    ],
)
def test_refusals(embedded: Running, program: Program, tmp_path: Path, options: tuple[str, ...], hint: str) -> None:
    with guarded(tmp_path) as host:
        ran = program(*options, *_push(tmp_path, _spec(embedded, host)))
    assert (ran.code, ran.stdout) == (4, "")
    assert "UNAUTHORIZED: authentication required" in ran.stderr
    assert hint in ran.stderr


def test_an_authority_of_one_s_own(embedded: Running, program: Program, tmp_path: Path, authority: Authority) -> None:
    with guarded(tmp_path, http=_over_tls(authority)) as host:
        push = ("--username", "me", "--password", SECRET, *_push(tmp_path, _spec(embedded, host)))
        refused = program(*push)
        ran = program("--ca-file", str(authority.folder / "ca.crt"), *push)
    assert ran.code == 0, ran.stderr
    assert refused.code == 5
    assert f"the certificate of {host} is not trusted" in refused.stderr
    assert "--ca-file" in refused.stderr


def test_plain_http_to_a_port_of_https(
    embedded: Running, program: Program, tmp_path: Path, authority: Authority
) -> None:
    with registry(tmp_path / "registry", http=_over_tls(authority)) as host:
        ran = program("--plain-http", "inspect", f"{host}/team/app:1")
    assert ran.code == 5
    assert "hint: it may speak https: leave out --plain-http" in ran.stderr


def test_a_client_certificate_is_all_that_is_needed(
    embedded: Running, tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch, program: Program
) -> None:
    with registry(tmp_path / "registry", http=_over_tls(authority, demanding=True)) as host:
        push = _push(tmp_path, _spec(embedded, host))
        refused = program("--ca-file", str(authority.folder / "ca.crt"), *push)
        (folder,) = authority.kept_for(host, tmp_path / "certs.d", "ca.crt", "client.cert", "client.key").folders
        monkeypatch.setattr(tls, "FOLDERS", (folder,))
        ran = program(*push)
    assert refused.code == 5
    assert ran.code == 0, ran.stderr


def test_tokens_that_the_registry_verifies(
    embedded: Running, program: Program, tmp_path: Path, authority: Authority
) -> None:
    with with_tokens(tmp_path, authority) as (host, service):
        ran = program("--username", "me", "--password", SECRET, *_push(tmp_path, _spec(embedded, host)))
    assert ran.code == 0, ran.stderr
    assert [asked.account for asked in service.asked] == ["me"]


def test_a_token_without_the_right_to_push(
    embedded: Running, program: Program, tmp_path: Path, authority: Authority
) -> None:
    with with_tokens(tmp_path, authority) as (host, _):
        ran = program("--username", "reader", "--password", SECRET, *_push(tmp_path, _spec(embedded, host)))
    assert (ran.code, ran.stdout) == (4, "")
    assert f"hint: no push right on {host}/team/app for the account 'reader' from --username" in ran.stderr


def _ask(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


_CLIENTS = {
    "skopeo": ["inspect", "--raw", "--tls-verify=false", "--authfile", "{file}", "docker://{image}"],
    "docker": ["--config", "{folder}", "manifest", "inspect", "--insecure", "{image}"],
}
"""How other clients show an image with the accounts of a file."""


@pytest.fixture(params=["password", "token"])
def accounts(request: pytest.FixtureRequest, tmp_path: Path, authority: Authority) -> Iterator[str]:
    """A registry with an account, by each way of checking it."""
    if request.param == "password":
        with guarded(tmp_path) as host:
            yield host
    else:
        with with_tokens(tmp_path, authority) as (host, _):
            yield host


def test_a_login_serves_until_the_logout(
    accounts: str, embedded: Running, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    refused = program("login", accounts, "-u", "me", "-p", "wrong")
    assert (refused.code, (tmp_path / "docker").exists()) == (4, False)
    entered = program("login", accounts, "-u", "me", "-p", SECRET)
    assert (entered.code, entered.stdout) == (0, "Login Succeeded\n"), entered.stderr
    ran = program(*_push(tmp_path, _spec(embedded, accounts)))
    assert ran.code == 0, ran.stderr
    assert program("logout", accounts).code == 0
    assert program("inspect", f"{accounts}/team/app:1").code == 4


@pytest.mark.parametrize("client", _CLIENTS)
def test_a_login_is_taken_by_other_clients(
    accounts: str, embedded: Running, program: Program, tmp_path: Path, client: str
) -> None:
    path = harness.need(client)
    file = tmp_path / "docker" / "config.json"
    assert program("login", accounts, "-u", "me", "-p", SECRET, "--docker-cfg", str(file)).code == 0
    ran = program("--docker-cfg", str(file), *_push(tmp_path, _spec(embedded, accounts)))
    assert ran.code == 0, ran.stderr
    places = {"file": file, "folder": file.parent, "image": f"{accounts}/team/app:1"}
    command = [path, *(argument.format_map(places) for argument in _CLIENTS[client])]
    done = _ask(*command)
    assert done.returncode == 0, done.stderr
    file.write_text("{}")
    assert _ask(*command).returncode != 0


def test_what_other_clients_log_in_is_logged_out(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skopeo, path = harness.need("skopeo"), tmp_path / "auth.json"
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(path))
    with guarded(tmp_path) as host:
        done = _ask(skopeo, "login", "--tls-verify=false", "-u", "me", "-p", SECRET, host)
        assert done.returncode == 0, done.stderr
        ran = program("logout", host)
    assert (ran.code, ran.stdout) == (0, f"Removed login credentials for {host}\n")
    assert json.loads(path.read_text()) == {"auths": {}}


def test_what_is_logged_in_other_clients_log_out(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skopeo, path = harness.need("skopeo"), tmp_path / "auth.json"
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(path))
    with guarded(tmp_path) as host:
        assert program("login", host, "-u", "me", "-p", SECRET).code == 0
    done = _ask(skopeo, "logout", host)
    assert done.returncode == 0, done.stderr
    assert not json.loads(path.read_text())["auths"]
