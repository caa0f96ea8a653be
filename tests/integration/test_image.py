"""The container image: built, looked into, and run by a user without rights, with nothing to write to."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from integration import samples
from integration.image import Unavailable, Workshop, clone
from integration.trial import HOST, ROOT
from manifest_tool import __version__
from manifest_tool.oci.digest import Digest
from tests import harness

pytestmark = pytest.mark.integration

LIMIT = 60_000_000
TIME = 1_800_000_000
UID = 65532
HOME = "/home/manifest-tool"
_HTPASSWD = "me:$2b$04$54YPlcpyXdxf7M8A99eo7OvAX9XWmH98RFuE/P2EqOv50Q1/6L2oe\n"
_ACCOUNT = base64.b64encode(b"me:hunter2").decode()
_ADDED = """
import json, pathlib
print(json.dumps([str(path) for path in sorted(pathlib.Path("/").glob("[!ps]*/**/*")) if path.is_file()]))
"""


@dataclass(frozen=True, slots=True)
class Built:
    """The image, where it lies, and what it was built on."""

    workshop: Workshop
    base: str
    image: str

    def run(self, *arguments: str, options: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        return self.workshop.run(self.image, *arguments, options=options)

    def shell(self, script: str, *options: str) -> str:
        """What a script prints that the image's own shell runs."""
        done = self.run("-c", script, options=["--entrypoint", "/bin/sh", *options])
        assert done.returncode == 0, done.stderr
        return done.stdout

    def files(self, image: str) -> set[str]:
        """The files of an image, but for those of the kernel and of the system's own folders that begin alike."""
        done = self.workshop.run(image, "-c", _ADDED, options=["--entrypoint", "python3", "--user", "0"])
        assert done.returncode == 0, done.stderr
        return set(json.loads(done.stdout))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    with tempfile.TemporaryDirectory(prefix="image-") as folder:  # pytest's own are too long for podman
        try:
            workshop = Workshop.open(Path(folder))
            base = workshop.base()
        except Unavailable as reason:
            pytest.skip(f"no container image: {reason}")
        context = clone(tmp_path_factory.mktemp("first") / "clone")
        yield Built(workshop, base, workshop.build(context, base, time=TIME))


@pytest.fixture
def mounted() -> Iterator[Path]:
    """A folder that any user may read."""
    with tempfile.TemporaryDirectory(prefix="mounted-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def test_it_adds_less_than_60_mb_to_its_base(built: Built) -> None:
    added = built.workshop.size(built.image) - built.workshop.size(built.base)
    assert 0 < added < LIMIT


def test_it_says_what_it_is_and_that_it_is_not_run_by_root(built: Built) -> None:
    config = built.workshop.config(built.image)["config"]
    assert config["User"] == f"{UID}:{UID}"
    assert config["Entrypoint"] == ["manifest-tool"]
    labels = config["Labels"]
    assert labels["org.opencontainers.image.title"] == "manifest-tool"
    assert labels["org.opencontainers.image.version"] == __version__
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert labels["org.opencontainers.image.base.name"] == built.base


def test_another_clone_gives_the_same_image(built: Built, tmp_path: Path) -> None:
    again = clone(tmp_path / "clone")
    for path in [again, *again.rglob("*")]:
        path.chmod(path.stat().st_mode & 0o700)
        os.utime(path, (0, 0))
    assert built.workshop.build(again, built.base, time=TIME) == built.image


def test_it_holds_the_program_and_what_it_needs_and_no_more(built: Built) -> None:
    added = built.files(built.image) - built.files(built.base)
    folders = {path.rpartition("/")[0] for path in added if not path.startswith("/usr/local/lib/python3.")}
    assert folders == {"/usr/local/bin"}
    modules = {path for path in added if path.endswith(".py")}
    cached = {path for path in added if path.endswith(".pyc")}
    assert any(path.endswith("/manifest_tool/cli/app.py") for path in modules)
    assert len(cached) == len(modules)
    assert not any("/pip/" in path or "/setuptools/" in path for path in added)


@pytest.mark.parametrize("options", [(), ("--user", "1234:5678"), ("--user", "0")], ids=["own", "any", "root"])
def test_it_runs_where_nothing_can_be_written(built: Built, options: tuple[str, ...]) -> None:
    done = built.run("--version", options=["--read-only-tmpfs=false", "--cap-drop=all", *options])
    assert (done.returncode, done.stdout, done.stderr) == (0, f"manifest-tool version {__version__}\n", "")


def test_it_has_a_shell_and_a_home_of_its_user(built: Built) -> None:
    told = built.shell('id -u; id -un; echo "$HOME"; pwd; command -v manifest-tool; stat -c %u "$HOME"')
    assert told.split() == [str(UID), "manifest-tool", HOME, "/work", "/usr/local/bin/manifest-tool", str(UID)]


def test_it_needs_no_home(built: Built, seeded: str) -> None:
    command = f"manifest-tool inspect --digest {seeded}/acme/tool:2.0-amd64"
    homes = ("env -u HOME", "env HOME=/nonexistent", "env HOME=")
    told = built.shell("; ".join(f"{home} {command}" for home in homes)).splitlines()
    found = harness.get_manifest(seeded, "acme/tool", "2.0-amd64")
    assert found
    assert told == [str(Digest.of(found[1]))] * len(homes)


@pytest.fixture
def seeded(docker_registry: str) -> str:
    samples.seed(docker_registry)
    return docker_registry


def test_it_publishes_itself(built: Built, docker_registry: str, mounted: Path) -> None:
    samples.seed(docker_registry)
    own = f"{docker_registry}/manifest-tool:{__version__}-amd64"
    built.workshop.buildah("push", "--quiet", "--tls-verify=false", built.image, f"docker://{own}")
    text = (ROOT / "specs" / "manifest-tool.yaml").read_text()
    (mounted / "spec.yaml").write_text(text.replace(HOST, docker_registry))

    done = built.run("push", "from-spec", "--type", "oci", "spec.yaml", options=["--volume", f"{mounted}:/work:ro"])

    assert done.returncode == 0, done.stderr
    found = harness.get_manifest(docker_registry, "manifest-tool", "latest")
    pushed = harness.get_manifest(docker_registry, "manifest-tool", f"{__version__}-amd64")
    assert found
    assert pushed
    assert done.stdout == f"Digest: {Digest.of(found[1])} {len(found[1])}\n"
    assert json.loads(found[1])["manifests"][0]["digest"] == str(Digest.of(pushed[1]))


@pytest.mark.parametrize(
    ("user", "at", "variables"),
    [
        (1234, f"{HOME}/.docker/config.json", {}),
        (UID, f"{HOME}/.config/containers/auth.json", {}),
        (1234, "/kaniko/.docker/config.json", {"DOCKER_CONFIG": "/kaniko/.docker"}),
        (UID, "/run/secrets/auth.json", {"REGISTRY_AUTH_FILE": "/run/secrets/auth.json"}),
        (1234, "/run/containers/0/containers/auth.json", {"XDG_RUNTIME_DIR": "/run/containers/0"}),
        (UID, None, {}),
    ],
)
def test_it_finds_credentials_where_they_are_mounted(
    built: Built, guarded: str, mounted: Path, user: int, at: str | None, variables: dict[str, str]
) -> None:
    accounts = mounted / "accounts.json"
    accounts.write_text(json.dumps({"auths": {guarded: {"auth": _ACCOUNT}}}))
    accounts.chmod(0o600)
    os.chown(accounts, user, user)
    options = [f"--user={user}", *(f"--env={name}={value}" for name, value in variables.items())]
    if at is not None:
        options.append(f"--volume={accounts}:{at}:ro")
    done = built.run("inspect", f"{guarded}/x:1", options=options)
    assert done.returncode == (4 if at is None else 3), done.stderr  # let in, and told that there is no such image


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[str]:
    """A registry with one account."""
    accounts = tmp_path / "htpasswd"
    accounts.write_text(_HTPASSWD)
    more = f"auth: {{htpasswd: {{realm: test, path: {accounts}}}}}"
    with harness.docker_registry(harness.need("docker-registry"), tmp_path / "registry", more=more) as host:
        yield host
