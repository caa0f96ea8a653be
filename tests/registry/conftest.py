"""Certificates, and names that lead to this machine."""

from __future__ import annotations

import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import harness


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for this machine and for ``*.test``, its key in the same file."""
    folder = tmp_path_factory.mktemp("certificate")
    made = folder / "both.pem"
    names = "subjectAltName=DNS:localhost,DNS:registry.test,DNS:other.test,DNS:tokens.test,IP:127.0.0.1"
    command = [harness.need("openssl"), "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-keyout", str(folder / "key.pem")]
    done = subprocess.run([*command, *key, "-addext", names, "-out", str(folder / "cert.pem")], capture_output=True)
    assert done.returncode == 0, done.stderr
    made.write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return made


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    """What a server speaks TLS with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make clients trust the certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every ``*.test`` be this machine: registries whose names do not say so."""
    resolve = socket.getaddrinfo

    def resolved(host: Any, *rest: Any, **options: Any) -> Any:
        return resolve("127.0.0.1" if str(host).endswith(".test") else host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
