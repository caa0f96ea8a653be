"""Secrets stay secret: nothing that a registry or a token service was told stands in what is printed."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from manifest_tool.server import actions
from manifest_tool.server.faults import Action
from manifest_tool.server.serve import Running, serving
from tests import harness, seeds
from tests.conftest import Program
from tests.registry.tokens import TokenService, token_service
from tests.test_pusher import crossing

NAME, PASSWORD = "marked-user", "marked:secret-password"
BASIC = base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode()
SIGNATURE, STATE = "marked-signature", "marked-state"
HELPER = """#!/bin/sh
echo "$@" >> "$0.arguments"
read -r registry
echo '{"ServerURL": "'"$registry"'", "Username": "%s", "Secret": "%s"}'
"""


async def signed(request: web.Request, _handler: Handler) -> web.StreamResponse:
    """Send a reader to a signed URL elsewhere, which refuses."""
    location = f"/v2/signed/blobs/{'0' * 64}?X-Amz-Signature={SIGNATURE}&Expires=1"
    return web.Response(status=307, headers={"Location": f"http://{request.host}{location}"})


async def with_state(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Open an upload whose Location has a state in its query."""
    response = await actions.NoMount()(request, handler)
    response.headers["Location"] += f"?_state={STATE}"
    return response


@dataclass(slots=True)
class Guarded:
    """A registry, the service that issues its tokens, and the secrets of an account there."""

    registry: Running
    tokens: TokenService
    identity: str
    config: Path

    def secrets(self) -> list[str]:
        return [PASSWORD, BASIC, self.identity, SIGNATURE, STATE, *self.tokens.issued]

    def configure(self, kind: str) -> None:
        """Write a Docker config with the account in it, in one of the forms that it may have."""
        entry = {"auth": BASIC} if kind == "auth" else {"auth": "", "identitytoken": self.identity}
        config = {"credsStore": "marked"} if kind == "helper" else {"auths": {self.registry.host: entry}}
        self.config.write_text(json.dumps(config))

    def commands(self, folder: Path) -> Iterator[list[str]]:
        """Every command that speaks to a registry."""
        entries = crossing(self.registry, "linux/amd64", "linux/arm64")
        path = folder / "spec.yaml"
        path.write_text(seeds.spec(self.registry.host, "app:1", *entries, tags=["b"]))
        template = f"{self.registry.host}/src/OS-ARCH:1"
        yield ["inspect", f"{self.registry.host}/{entries[0]}"]
        yield ["push", "from-spec", str(path), "--dry-run"]
        platforms = ["--platforms", "linux/amd64,linux/arm64"]
        yield ["push", "from-args", *platforms, "--template", template, "--target", f"{self.registry.host}/app:2"]
        yield ["push", "from-spec", str(path)]


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    """A registry that asks for tokens, with one account."""
    with token_service() as tokens, serving(middlewares=[tokens.middleware()]) as registry:
        tokens.add(NAME, PASSWORD, {"*": "pull,push"})
        yield Guarded(registry, tokens, tokens.identity(NAME), tmp_path / "config.json")


AT_REGISTRY: dict[str, tuple[Action, str, str]] = {
    "401": (actions.Answer(401), "*", ""),
    "403": (actions.Answer(403), "*", ""),
    "500": (actions.Answer(500), "*", ""),
    "reset": (actions.Reset(), "*", ""),
    "401 to writes": (actions.Answer(401), "PUT", ""),
    "reset of writes": (actions.Reset(), "PUT", ""),
    "signed": (signed, "GET", "/blobs/"),
    "state": (with_state, "POST", "/uploads/"),
}
LEFT_OUT = {"signed": "X-Amz-Signature=…", "state": "_state=…"}
AT_SERVICE: dict[str, Action] = {
    "401": actions.Answer(401),
    "500": actions.Answer(500),
    "reset": actions.Reset(),
    "html": actions.Answer(200, b"<html>"),
    "cut": actions.Close(after=10),
    "longer": actions.Length(by=9),
    "no json": actions.Damage(),
}


def nothing_shows(ran: harness.Ran, guarded: Guarded) -> None:
    """Assert that no secret is in what a command printed."""
    told = ran.stdout + ran.stderr
    assert told
    assert [secret for secret in guarded.secrets() if secret in told] == []


@pytest.mark.parametrize("kind", ["auth", "identity"])
@pytest.mark.parametrize("fault", AT_REGISTRY)
def test_failures_of_a_registry_tell_no_secret(
    guarded: Guarded, program: Program, tmp_path: Path, fault: str, kind: str
) -> None:
    action, method, path = AT_REGISTRY[fault]
    guarded.configure(kind)
    for command in guarded.commands(tmp_path):
        guarded.registry.faults.clear()
        guarded.registry.faults.add(action, method=method, path=path)
        if fault == "state":
            guarded.registry.faults.add(actions.Answer(500), method="PUT", path=f"_state={STATE}")
        ran = program("--debug", "--docker-cfg", str(guarded.config), *command)
        nothing_shows(ran, guarded)
        assert LEFT_OUT.get(fault, "") in ran.stderr or command[0] == "inspect" or "--dry-run" in command
    assert guarded.tokens.issued or method == "*"


@pytest.mark.parametrize("kind", ["auth", "identity"])
@pytest.mark.parametrize("fault", AT_SERVICE)
def test_failures_of_a_token_service_tell_no_secret(
    guarded: Guarded, program: Program, tmp_path: Path, fault: str, kind: str
) -> None:
    guarded.configure(kind)
    guarded.tokens.faults.add(AT_SERVICE[fault])
    for command in guarded.commands(tmp_path):
        ran = program("--debug", "--docker-cfg", str(guarded.config), *command)
        assert ran.code != 0
        nothing_shows(ran, guarded)


@pytest.mark.parametrize("fault", [None, 401, 500])
def test_a_helper_is_given_no_secret_as_an_argument(
    guarded: Guarded, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: int | None
) -> None:
    helper = tmp_path / "docker-credential-marked"
    helper.write_text(HELPER % (NAME, PASSWORD))
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    guarded.configure("helper")
    if fault:
        guarded.tokens.faults.add(actions.Answer(fault))
    for command in guarded.commands(tmp_path):
        ran = program("--debug", "--docker-cfg", str(guarded.config), *command)
        assert (ran.code == 0) == (fault is None), ran.stderr
        nothing_shows(ran, guarded)
    assert set((tmp_path / "docker-credential-marked.arguments").read_text().split()) == {"get"}


def logins(guarded: Guarded) -> Iterator[list[str]]:
    """In and out, by a name and a password on the command line."""
    yield ["login", guarded.registry.host, "-u", NAME, "-p", PASSWORD]
    yield ["logout", guarded.registry.host]


@pytest.mark.parametrize("fault", [None, *(name for name, (_, method, _) in AT_REGISTRY.items() if method == "*")])
def test_logins_tell_no_secret(guarded: Guarded, program: Program, fault: str | None) -> None:
    guarded.configure("auth")
    if fault:
        guarded.registry.faults.add(AT_REGISTRY[fault][0])
    for command in logins(guarded):
        ran = program("--debug", "--docker-cfg", str(guarded.config), *command)
        assert (ran.code == 0) == (fault is None or command[0] == "logout"), ran.stderr
        nothing_shows(ran, guarded)


@pytest.mark.parametrize("fault", AT_SERVICE)
def test_logins_that_a_token_service_fails_tell_no_secret(guarded: Guarded, program: Program, fault: str) -> None:
    guarded.configure("identity")
    guarded.tokens.faults.add(AT_SERVICE[fault])
    for command in logins(guarded):
        ran = program("--debug", "--docker-cfg", str(guarded.config), *command)
        assert (ran.code == 0) == (command[0] == "logout"), ran.stderr
        nothing_shows(ran, guarded)


@pytest.mark.parametrize("end", ["exit 0", "cat; exit 1", "cat >&2; exit 1"])
def test_a_helper_is_told_a_password_where_nobody_sees_it(
    guarded: Guarded, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    helper = tmp_path / "docker-credential-marked"
    helper.write_text(f'#!/bin/sh\necho "$@" >> "$0.arguments"\n{end}\n')
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    guarded.configure("helper")
    before = guarded.config.read_text()
    login, _ = logins(guarded)
    ran = program("--debug", "--docker-cfg", str(guarded.config), *login)
    assert (ran.code == 0) == (end == "exit 0"), ran.stderr
    nothing_shows(ran, guarded)
    assert (tmp_path / "docker-credential-marked.arguments").read_text() == "store\n"
    assert PASSWORD not in guarded.config.read_text()
    assert (guarded.config.read_text() == before) == (end != "exit 0")
