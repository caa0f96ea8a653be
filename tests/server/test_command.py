"""``registry serve`` as a user starts and stops it."""

from __future__ import annotations

import json
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
from manifest_tool.server.serve import serving
from tests.server.conftest import Client

app = typer.Typer()
app.add_typer(command.app, name="registry")

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
        assert client("POST", "/v2/a/blobs/uploads/").status == 202
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
    assert result.exception.hint == "--port 0 takes any port that is free"


def test_a_root_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = CliRunner().invoke(app, ["registry", "serve", "--root", str(tmp_path / "file" / "below")])
    assert isinstance(result.exception, UsageError)


def test_a_warning_where_others_may_come() -> None:
    # An address of no machine (RFC 5737), so that nothing comes to listen.
    result = CliRunner().invoke(app, ["registry", "serve", "--host", "192.0.2.1", "--port", "0"])
    assert result.stderr.startswith("warning: whoever reaches 192.0.2.1 ")
    assert isinstance(result.exception, UsageError)


@pytest.mark.parametrize("host", ["127.9.9.9", "localhost", "::1"])
def test_no_warning_on_this_machine(host: str) -> None:
    with started("--host", host) as line:
        assert line.startswith("http://")


def test_help_needs_no_aiohttp() -> None:
    script = "import sys, manifest_tool.cli.registry; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
