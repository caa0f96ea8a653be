"""Other clients at the embedded registry, where it asks for accounts: skopeo, podman and Docker."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from manifest_tool.server import tls
from manifest_tool.server.auth import Auth
from manifest_tool.server.serve import Running, serving
from tests import harness, seeds
from tests.registry.test_tls import Authority, authority

__all__ = ["authority"]

pytestmark = pytest.mark.integration

SECRET = "hunter2"
PLATFORM = ("--override-os", "linux", "--override-arch", "arm64")


@dataclass(frozen=True, slots=True)
class Place:
    """A registry, and a folder in which clients keep what they know of it."""

    running: Running
    folder: Path
    environment: Mapping[str, str]

    @property
    def host(self) -> str:
        return self.running.host

    @property
    def trust(self) -> str:
        """The option by which skopeo and podman take it without TLS, or only with."""
        return f"--tls-verify={str(self.running.scheme == 'https').lower()}"

    def run(self, *command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **self.environment}
        return subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=60, env=environment, cwd=self.folder
        )

    def done(self, *command: str, stdin: str = "") -> str:
        ended = self.run(*command, stdin=stdin)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def refused(self, *command: str, stdin: str = "", why: str = "unauthorized") -> None:
        ended = self.run(*command, stdin=stdin)
        assert ended.returncode != 0
        assert why in ended.stderr.lower(), ended.stderr


@pytest.fixture(params=["basic", "token", "basic over TLS", "token over TLS"])
def place(request: pytest.FixtureRequest, authority: Authority) -> Iterator[Place]:
    """A registry with the account ``me`` and an image in ``app:1``."""
    auth, _, over = request.param.partition(" ")
    context = tls.context(authority.folder / "server.cert", authority.folder / "server.key") if over else None
    # pytest's own folders are too long for podman.
    with (
        tempfile.TemporaryDirectory(prefix="clients-") as name,
        serving(accounts={"me": SECRET}, auth=Auth(auth), tls=context) as running,
    ):
        seeds.put_image(running, "app:1", "linux/arm64")
        folder = Path(name)
        (folder / "auth.json").write_text("{}")
        environment = {
            "DOCKER_CONFIG": name,
            "REGISTRY_AUTH_FILE": f"{name}/auth.json",
            "SSL_CERT_FILE": str(authority.folder / "ca.crt"),
            "XDG_RUNTIME_DIR": name,
        }
        yield Place(running, folder, environment)


def test_skopeo(place: Place) -> None:
    skopeo = harness.need("skopeo")
    source, target = f"docker://{place.host}/app:1", f"docker://{place.host}/team/app:2"
    place.refused(skopeo, "inspect", place.trust, "--raw", source)
    login = (skopeo, "login", place.trust, "-u", "me", "--password-stdin", place.host)
    place.refused(*login, stdin="hunter9", why="invalid username/password")
    place.done(*login, stdin=SECRET)
    trust = [place.trust.replace("--", f"--{side}-") for side in ("src", "dest")]
    copy = (skopeo, "--insecure-policy", *PLATFORM, "copy", *trust)
    place.done(*copy, source, "dir:app")
    place.done(*copy, "dir:app", target)
    place.done(*copy, source, f"docker://{place.host}/mounted:1")
    assert json.loads(place.done(skopeo, "list-tags", place.trust, f"docker://{place.host}/team/app"))["Tags"] == ["2"]
    assert place.running.tags("team/app")["2"] == place.running.tags("mounted")["1"] == place.running.tags("app")["1"]
    place.done(skopeo, "delete", place.trust, target)
    assert place.running.tags("team/app") == {}
    place.done(skopeo, "logout", place.host)
    place.refused(skopeo, "inspect", place.trust, "--raw", source)


def test_podman(place: Place) -> None:
    program, name = harness.need("podman"), str(place.folder)
    podman = [program, "--root", f"{name}/root", "--runroot", f"{name}/run", "--storage-driver", "vfs"]
    podman += ["--cgroup-manager", "cgroupfs", "--events-backend", "file"]
    image = f"{place.host}/app:1"
    pull = (*podman, "pull", "--quiet", place.trust, "--arch", "arm64", image)
    place.refused(*pull)
    login = (*podman, "login", place.trust, "-u", "me", "--password-stdin", place.host)
    place.refused(*login, stdin="hunter9", why="invalid username/password")
    place.done(*login, stdin=SECRET)
    place.done(*pull)
    place.done(*podman, "push", "--quiet", place.trust, image, f"{place.host}/team/app:2")
    assert list(place.running.tags("team/app")) == ["2"]
    place.done(*podman, "logout", place.host)
    place.refused(*podman, "push", "--quiet", place.trust, image, f"{place.host}/team/app:3")


def test_docker(place: Place) -> None:
    docker = harness.need("docker")
    over_tls = place.running.scheme == "https"
    insecure = () if over_tls else ("--insecure",)
    image, target = f"{place.host}/app:1", f"{place.host}/team/list:1"
    place.refused(docker, "manifest", "inspect", *insecure, image, why="")
    login = (docker, "login", "-u", "me", "--password-stdin", place.host)
    place.refused(*login, stdin="hunter9")
    place.done(*login, stdin=SECRET)
    assert place.done(docker, "manifest", "inspect", *insecure, image)
    place.done(docker, "manifest", "create", *insecure, target, image)
    if not over_tls:  # at loopback, Docker pushes lists by http alone
        place.done(docker, "manifest", "push", *insecure, target)
        assert list(place.running.tags("team/list")) == ["1"]
    place.done(docker, "logout", place.host)
    place.refused(docker, "manifest", "inspect", *insecure, image, why="")


def test_docker_keeps_a_refresh_token(authority: Authority, tmp_path: Path) -> None:
    docker = harness.need("docker")
    with serving(accounts={"me": SECRET}, auth=Auth.TOKEN) as running:
        seeds.put_image(running, "app:1", "linux/arm64")
        place = Place(running, tmp_path, {"DOCKER_CONFIG": str(tmp_path)})
        place.done(docker, "login", "-u", "me", "--password-stdin", running.host, stdin=SECRET)
        (kept,) = json.loads((tmp_path / "config.json").read_text())["auths"].values()
        assert kept["identitytoken"]
        assert SECRET not in str(kept)
        place.done(docker, "manifest", "inspect", "--insecure", f"{running.host}/app:1")
        assert [request.status for request in running.log if request.method == "POST"] == [200]
        ran = harness.program(["inspect", f"{running.host}/app:1"], env=place.environment)
        assert ran.code == 0, ran.stderr
