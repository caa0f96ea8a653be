"""Our own client at registries that ask for accounts: login, push from another registry, inspect."""

from __future__ import annotations

from pathlib import Path

import pytest

from manifest_tool.server.auth import Auth
from manifest_tool.server.serve import Running, serving
from tests import seeds
from tests.conftest import Program
from tests.server.test_guard import SECRET


@pytest.mark.parametrize("auth", [Auth.BASIC, Auth.TOKEN])
def test_in_and_a_push_and_out_again(
    auth: Auth, embedded: Running, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    seeds.put_image(embedded, "app:a", "linux/amd64")
    with serving(accounts={"me": SECRET}, auth=auth) as running:
        target = f"{running.host}/team/app:1"
        (tmp_path / "spec.yaml").write_text(
            f"image: {target}\nmanifests:\n  - image: {embedded.host}/app:a\n    platform: linux/amd64\n"
        )
        push = ("push", "from-spec", str(tmp_path / "spec.yaml"))
        refused = program(*push)
        assert (refused.code, refused.stdout) == (4, "")
        assert "UNAUTHORIZED: authentication required" in refused.stderr
        wrong = program("login", running.host, "-u", "me", "-p", "hunter9")
        assert (wrong.code, wrong.stdout) == (4, "")
        assert "the user name or the password is wrong" in wrong.stderr
        assert program("login", running.host, "-u", "me", "-p", SECRET).code == 0
        ran = program(*push)
        assert ran.code == 0, ran.stderr
        assert ran.stdout.split()[1] in program("inspect", target).stdout
        assert program("logout", running.host).code == 0
        assert program("inspect", target).code == 4


def test_a_mount_by_the_token_of_one_run(program: Program, tmp_path: Path) -> None:
    with serving(accounts={"me": SECRET}, auth=Auth.TOKEN) as running:
        for name in ("one", "two"):
            seeds.put_image(running, f"{name}:a", f"linux/{'amd64' if name == 'one' else 'arm64'}")
        (tmp_path / "spec.yaml").write_text(
            f"image: {running.host}/team/app:1\nmanifests:\n"
            f"  - image: {running.host}/one:a\n    platform: linux/amd64\n"
            f"  - image: {running.host}/two:a\n    platform: linux/arm64\n"
        )
        ran = program("-u", "me", "-p", SECRET, "push", "from-spec", str(tmp_path / "spec.yaml"))
        assert ran.code == 0, ran.stderr
        mounts = [request for request in running.log.by_method("POST") if "mount=" in request.query]
    assert mounts
    assert {request.status for request in mounts} <= {201, 401}
    assert "mounted" in ran.stderr


def test_a_push_to_a_registry_that_takes_nothing(embedded: Running, program: Program, tmp_path: Path) -> None:
    seeds.put_image(embedded, "app:a", "linux/amd64")
    with serving(read_only=True) as running:
        (tmp_path / "spec.yaml").write_text(
            f"image: {running.host}/team/app:1\nmanifests:\n"
            f"  - image: {embedded.host}/app:a\n    platform: linux/amd64\n"
        )
        ran = program("push", "from-spec", str(tmp_path / "spec.yaml"))
    assert (ran.code, ran.stdout) == (5, "")
    assert "405 Method Not Allowed: UNSUPPORTED: this registry is read-only" in ran.stderr
