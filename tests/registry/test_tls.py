"""Whom clients trust, and what they show of themselves, at servers with real certificates."""

from __future__ import annotations

import os
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from yarl import URL

from manifest_tool.errors import RegistryError, Unreachable, UsageError
from manifest_tool.registry import tls
from manifest_tool.registry.answers import Answer
from manifest_tool.registry.tls import Contexts, Trust
from manifest_tool.registry.transport import Options, Request, Transport
from manifest_tool.server.serve import serving
from tests import harness
from tests.registry.parts import Clock, client, http, raw, repository, tls_registry

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
_EXPIRED = """
[ca]
default_ca = a
[a]
database = index.txt
new_certs_dir = .
serial = serial
default_md = sha256
policy = p
copy_extensions = copy
[p]
commonName = supplied
"""


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority of our own, with what it has signed."""

    folder: Path

    def _openssl(self, *arguments: str) -> None:
        program = harness.need("openssl")
        done = subprocess.run([program, *arguments], cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def found(self) -> None:
        """Make ``ca.crt``, one certificate for a server, one for a client, and one that has expired."""
        self._openssl("req", "-x509", *_KEY, "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.crt")
        signed = ("-CA", "ca.crt", "-CAkey", "ca.key")
        for name, name_of in (("server", "IP:127.0.0.1"), ("client", "DNS:client.test")):
            rest = ("-subj", f"/CN={name}", "-addext", f"subjectAltName={name_of}")
            self._openssl("req", "-x509", *_KEY, *signed, *rest, "-keyout", f"{name}.key", "-out", f"{name}.cert")
        (self.folder / "config").write_text(_EXPIRED)
        (self.folder / "index.txt").touch()
        (self.folder / "serial").write_text("01")
        names = ("-addext", "subjectAltName=IP:127.0.0.1")
        self._openssl("req", "-new", *_KEY, "-subj", "/CN=old", *names, "-keyout", "old.key", "-out", "old.csr")
        dates = ("-startdate", "20200101000000Z", "-enddate", "20200102000000Z")
        issuer = ("-config", "config", "-cert", "ca.crt", "-keyfile", "ca.key")
        self._openssl("ca", "-batch", "-notext", *issuer, *dates, "-in", "old.csr", "-out", "old.cert")

    def server(self, name: str = "server", *, demanding: bool = False) -> ssl.SSLContext:
        """What a server speaks TLS with; a demanding one wants a certificate of this authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{name}.cert", self.folder / f"{name}.key")
        if demanding:
            context.load_verify_locations(self.folder / "ca.crt")
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def kept_for(self, host: str, folder: Path, *names: str) -> Trust:
        """Keep some of these files for a host, as Docker does."""
        (folder / host).mkdir(parents=True)
        for name in names:
            (folder / host / name).write_bytes((self.folder / name).read_bytes())
        return Trust(folders=(folder,))

    @property
    def trust(self) -> Trust:
        return Trust(str(self.folder / "ca.crt"), folders=())


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = Authority(tmp_path_factory.mktemp("authority"))
    made.found()
    return made


async def _ask(url: str, trust: Trust, **options: bool) -> Answer:
    async with Transport(Options(trust=trust, retry=Clock().retry(1), **options)) as transport:
        return await transport.send(Request("GET", URL(url)))


async def _refusal(url: str, trust: Trust) -> Unreachable:
    with pytest.raises(Unreachable) as caught:
        await _ask(url, trust)
    return caught.value


@contextmanager
def _registry(context: ssl.SSLContext) -> Iterator[str]:
    with tls_registry(context) as running:
        yield running.host


async def test_an_authority_of_one_s_own(authority: Authority) -> None:
    with _registry(authority.server()) as host:
        assert (await _ask(f"https://{host}/v2/", authority.trust)).status == 200
        error = await _refusal(f"https://{host}/v2/", Trust(folders=()))
    assert "is not trusted, " in str(error)
    assert "--ca-file" in error.hint


def test_an_authority_that_says_less_than_it_should_is_taken_by_every_python() -> None:
    assert not Trust().common().verify_flags & ssl.VERIFY_X509_STRICT


def test_an_authority_of_one_s_own_is_added_to_the_others(authority: Authority) -> None:
    before = Trust(folders=()).common().cert_store_stats()["x509"]
    assert authority.trust.common().cert_store_stats()["x509"] == before + 1


@pytest.mark.usefixtures("trusted")
async def test_ssl_cert_file_is_still_heeded(authority: Authority, tls: ssl.SSLContext) -> None:
    with _registry(tls) as host:
        assert (await _ask(f"https://{host}/v2/", authority.trust)).status == 200


async def test_what_is_kept_for_a_host_is_for_that_host(authority: Authority, tmp_path: Path) -> None:
    with _registry(authority.server()) as host, _registry(authority.server()) as other:
        trust = authority.kept_for(host, tmp_path, "ca.crt")
        assert (await _ask(f"https://{host}/v2/", trust)).status == 200
        assert "is not trusted" in str(await _refusal(f"https://{other}/v2/", trust))


async def test_a_client_certificate(authority: Authority, tmp_path: Path) -> None:
    with _registry(authority.server(demanding=True)) as host:
        trust = authority.kept_for(host, tmp_path / "a", "ca.crt", "client.cert", "client.key")
        assert (await _ask(f"https://{host}/v2/", trust)).status == 200
        assert (await _ask(f"https://{host}/v2/", trust, insecure=True)).status == 200
        await _refusal(f"https://{host}/v2/", authority.kept_for(host, tmp_path / "b", "ca.crt"))


@pytest.mark.parametrize("home", ["XDG_CONFIG_HOME", "HOME"])
async def test_what_the_user_keeps_goes_first(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv(home, str(tmp_path))
    folder = tmp_path / (".config" if home == "HOME" else "") / "containers" / "certs.d"
    with _registry(authority.server(demanding=True)) as host:
        everybody = authority.kept_for(host, tmp_path / "etc", "ca.crt", "old.cert", "old.key").folders
        monkeypatch.setattr(tls, "FOLDERS", everybody)
        await _refusal(f"https://{host}/v2/", Trust())
        authority.kept_for(host, folder, "client.cert", "client.key")
        assert (await _ask(f"https://{host}/v2/", Trust())).status == 200


def test_a_user_without_a_home_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CONFIG_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)
    assert Trust().folders == tls.FOLDERS


@pytest.mark.parametrize("name", ["r.test", "r.test:443"])
def test_the_port_of_https_may_be_left_out(authority: Authority, tmp_path: Path, name: str) -> None:
    trust = authority.kept_for(name, tmp_path, "ca.crt")
    assert trust.folders_of(URL("https://r.test/v2/")) == (tmp_path / name,)
    assert not trust.folders_of(URL("https://r.test:5000/v2/"))


def test_contexts_are_made_once(authority: Authority, tmp_path: Path) -> None:
    contexts = Contexts(authority.kept_for("r.test", tmp_path, "ca.crt"))
    special, one, other = (contexts.of(URL(f"https://{host}/v2/")) for host in ("r.test", "a.test", "b.test:5000"))
    assert one is other
    assert special is not one
    assert contexts.of(URL("https://r.test/x")) is special


def test_files_that_are_of_no_use(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no certificate")
    url = URL("https://r.test/")
    with pytest.raises(UsageError, match=r"cannot read authorities from .*text: no certificate or crl found"):
        Trust(str(tmp_path / "text")).common()
    with pytest.raises(UsageError, match=r"cannot read authorities from .*gone: no such file"):
        Trust(str(tmp_path / "gone")).common()
    with pytest.raises(UsageError, match=r"there is no key .*client\.key for the certificate beside it"):
        authority.kept_for("r.test", tmp_path / "a", "client.cert").context(url)
    trust = authority.kept_for("r.test", tmp_path / "b", "client.cert", "client.key")
    (tmp_path / "b" / "r.test" / "client.key").write_bytes((authority.folder / "server.key").read_bytes())
    with pytest.raises(UsageError, match=r"cannot use .*client\.cert with its key: key values mismatch"):
        trust.context(url)


async def test_a_certificate_that_signed_itself(tls: ssl.SSLContext) -> None:
    with _registry(tls) as host:
        error = await _refusal(f"https://{host}/v2/", Trust(folders=()))
    assert f"the certificate of {host} is not trusted, self-signed certificate" in str(error)
    assert error.hint.endswith("a self-signed certificate is its own authority")


async def test_a_certificate_for_another_name(authority: Authority) -> None:
    with _registry(authority.server()) as host:
        error = await _refusal(f"https://localhost:{host.rpartition(':')[2]}/v2/", authority.trust)
    assert "it is for another name: Hostname mismatch, certificate is not valid for 'localhost': GET" in str(error)
    assert error.hint == "use the name that the certificate is for"


async def test_a_certificate_that_has_expired(authority: Authority) -> None:
    with _registry(authority.server("old")) as host:
        error = await _refusal(f"https://{host}/v2/", authority.trust)
    assert "is not trusted, certificate has expired" in str(error)
    assert "renewed at the registry" in error.hint


async def test_https_to_a_port_of_plain_http() -> None:
    with serving() as running:
        error = await _refusal(f"https://{running.host}/v2/", Trust())
    assert f"{running.host} does not speak TLS" in str(error)
    assert error.hint == "pass --plain-http where it speaks plain http"


@pytest.mark.usefixtures("names")
@pytest.mark.parametrize("name", ["registry.test", ""])
async def test_plain_http_to_a_port_of_https(authority: Authority, name: str) -> None:
    with (
        tls_registry(authority.server(), name) as running,
        pytest.raises(Unreachable, match="closed the connection") as caught,
    ):
        await _ask(f"http://{running.host}/v2/", authority.trust, plain_http=True)
    assert caught.value.hint == "it may speak https: leave out --plain-http"


@pytest.mark.parametrize(
    "body",
    [
        b"Client sent an HTTP request to an HTTPS server.\n",
        b"<html><title>400 The plain HTTP request was sent to HTTPS port</title></html>",
    ],
)
async def test_a_server_of_https_that_says_so(body: bytes) -> None:

    with raw([http(400, body)]) as server:
        async with client(plain_http=True) as opened:
            with pytest.raises(RegistryError, match="400 Bad Request") as caught:
                await opened.get_manifest(repository(server.host), "x")
    assert caught.value.hint == "it may speak https: leave out --plain-http"
