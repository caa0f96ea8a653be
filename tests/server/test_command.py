"""``registry serve`` as a user starts and stops it."""

from __future__ import annotations

import base64
import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from manifest_tool.cli import registry as command
from manifest_tool.errors import UsageError
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.media_type import OCI_INDEX
from manifest_tool.server.disk import DiskStore
from manifest_tool.server.serve import Running, serving
from tests import harness
from tests.server.conftest import Client

app = typer.Typer()
app.add_typer(command.app, name="registry")

ME = {"Authorization": "Basic " + base64.b64encode(b"me:hunter2").decode()}
SCRIPT = "from tests.server.test_command import app; app()"


@contextmanager
def started(*options: str, stop: signal.Signals = signal.SIGTERM) -> Iterator[str]:
    arguments = [sys.executable, "-c", SCRIPT, "registry", "serve", "--port", "0", *options]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline()
        finally:
            process.send_signal(stop)
            output, errors = process.communicate(timeout=20)
        assert (process.returncode, output, errors) == (0, "", "")


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_until_a_signal(tmp_path: Path, stop: signal.Signals) -> None:
    with started("--root", str(tmp_path), stop=stop) as line:
        scheme, host = line.strip().split("//")
        assert scheme == "http:"
        client = Client(host)
        assert client("POST", f"/v2/a/blobs/uploads/?digest={Digest.of(b'')}").status == 201
        client.close()
    assert (tmp_path / "repositories" / "a").is_dir()


def test_a_sparse_one() -> None:
    child = {"mediaType": OCI_INDEX, "digest": str(Digest.of(b"")), "size": 0}
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [child]}
    with started("--sparse") as line:
        client = Client(line.strip().removeprefix("http://"))
        assert client("PUT", "/v2/a/manifests/tag", json.dumps(document), Content_Type=OCI_INDEX).status == 201
        client.close()


def test_a_taken_port() -> None:
    with serving() as running:
        port = running.host.partition(":")[2]
        result = CliRunner().invoke(app, ["registry", "serve", "--port", port])
    assert isinstance(result.exception, UsageError)
    assert str(result.exception) == f"cannot listen on 127.0.0.1:{port}: Address already in use"
    assert result.exception.hint == "--port 0 takes any port that is free"


@pytest.mark.parametrize("host", ["a" * 64 + ".test", "\udcff"])
def test_what_is_no_host(host: str) -> None:
    result = CliRunner().invoke(app, ["registry", "serve", "--allow-anonymous", "--port", "0", "--host", host])
    assert isinstance(result.exception, UsageError)
    assert str(result.exception) == f"cannot listen on {host}:0: this is no name of a host"
    assert result.exception.hint == ""


def test_an_address_of_another_machine() -> None:
    result = CliRunner().invoke(app, ["registry", "serve", "--allow-anonymous", "--port", "0", "--host", "192.0.2.1"])
    assert isinstance(result.exception, UsageError)
    assert str(result.exception) == f"cannot listen on 192.0.2.1:0: {os.strerror(errno.EADDRNOTAVAIL)}"
    assert result.exception.hint == ""


def test_a_root_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = CliRunner().invoke(app, ["registry", "serve", "--root", str(tmp_path / "file" / "below")])
    assert isinstance(result.exception, UsageError)


@pytest.mark.parametrize("host", ["192.0.2.1", "0.0.0.0", "::", "", "registry.test"])
def test_others_are_not_let_in_by_mistake(host: str) -> None:
    result = CliRunner().invoke(app, ["registry", "serve", "--host", host, "--port", "0"])
    assert isinstance(result.exception, UsageError)
    assert "could read, write and delete everything here" in str(result.exception)
    for way in ("--auth basic --htpasswd FILE", "--allow-anonymous", "-p 127.0.0.1:5000:5000"):
        assert way in result.exception.hint


@pytest.mark.parametrize(
    ("options", "warning"),
    [
        (["--allow-anonymous"], "whoever reaches 192.0.2.1 may read, write and delete everything here\n"),
        (["--allow-anonymous", "--read-only"], "whoever reaches 192.0.2.1 may read everything here\n"),
        (["--auth", "token"], "passwords travel to 192.0.2.1 in the clear: encrypt them with --tls-cert and --tls-key"),
    ],
)
def test_a_warning_where_others_may_come(options: list[str], warning: str, accounts: Path) -> None:
    # An address of no machine (RFC 5737), so that nothing comes to listen.
    arguments = ["registry", "serve", "--host", "192.0.2.1", "--port", "0", *options]
    arguments += ["--htpasswd", str(accounts)] if "--auth" in options else []
    result = CliRunner().invoke(app, arguments)
    assert result.stderr.startswith(f"warning: {warning}")
    assert "cannot listen on 192.0.2.1:0" in str(result.exception)


def test_every_address_has_a_name_in_the_warning() -> None:
    # The last option does not fit, so that nothing comes to listen.
    result = CliRunner().invoke(app, ["registry", "serve", "--host", "", "--allow-anonymous", "--anonymous-pull"])
    assert result.stderr.startswith("warning: whoever reaches this machine may read, write and delete everything")
    assert isinstance(result.exception, UsageError)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("--auth basic", "--auth basic needs accounts: --htpasswd FILE"),
        ("--auth token", "--auth token needs accounts: --htpasswd FILE"),
        ("--htpasswd FILE", "--htpasswd does nothing without --auth"),
        ("--anonymous-pull", "--anonymous-pull needs --auth token"),
        ("--auth basic --htpasswd FILE --anonymous-pull", "--anonymous-pull needs --auth token"),
        ("--auth basic --htpasswd FILE --allow-anonymous", "--allow-anonymous and --auth basic exclude each other"),
        ("--auth basic --htpasswd /gone", "cannot read the accounts in /gone: No such file or directory"),
        ("--tls-cert FILE", "--tls-cert and --tls-key belong together"),
        ("--tls-key FILE", "--tls-cert and --tls-key belong together"),
        ("--access-log /gone/log", "cannot write the access log /gone/log: No such file or directory"),
    ],
)
def test_options_that_do_not_fit_together(options: str, problem: str, accounts: Path) -> None:
    arguments = options.replace("FILE", str(accounts)).split()
    result = CliRunner().invoke(app, ["registry", "serve", "--port", "0", *arguments])
    assert isinstance(result.exception, UsageError)
    assert str(result.exception) == problem


@pytest.fixture
def accounts(tmp_path: Path) -> Path:
    """A file with the account ``me``, whose password is ``hunter2``."""
    path = tmp_path / "accounts"
    path.write_text("me:$2y$04$54YPlcpyXdxf7M8A99eo7OvAX9XWmH98RFuE/P2EqOv50Q1/6L2oe\n")
    return path


def test_a_guarded_registry_that_tells_who_asked(accounts: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with started("--auth", "basic", "--htpasswd", str(accounts), "--read-only", "--access-log", str(log)) as line:
        host = line.strip().removeprefix("http://")
        assert harness.request(host, "GET", "/v2/")[0] == 401
        status, _, body = harness.request(host, "POST", "/v2/a/blobs/uploads/", headers=ME)
    assert (status, json.loads(body)["errors"][0]["code"]) == (405, "UNSUPPORTED")
    assert [line.split('"')[0].split(" [")[0] for line in log.read_text().splitlines()] == [
        "127.0.0.1 - -",
        "127.0.0.1 - me",
    ]


@pytest.mark.parametrize("host", ["127.9.9.9", "localhost", "::1", "[::1]"])
def test_no_warning_on_this_machine(host: str) -> None:
    with started("--host", host) as line:
        assert line.startswith("http://")


def test_help_needs_no_aiohttp() -> None:
    script = "import sys, manifest_tool.cli.registry; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


def test_a_root_that_is_only_read(tmp_path: Path) -> None:
    digest = Digest.of(b"blob")
    with DiskStore(tmp_path / "root") as store:
        Running(store).put_blob("a", b"blob")
    with started("--root", str(tmp_path / "root"), "--read-only") as line:
        host = line.strip().removeprefix("http://")
        assert harness.request(host, "GET", f"/v2/a/blobs/{digest}")[::2] == (200, b"blob")
        assert harness.request(host, "POST", "/v2/a/blobs/uploads/")[0] == 405
    arguments = ["registry", "serve", "--port", "0", "--read-only", "--root", str(tmp_path / "typo")]
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, UsageError)
    assert str(result.exception) == f"there is no registry in {tmp_path / 'typo'}"
    assert not (tmp_path / "typo").exists()
