"""HTTP peculiarities: each test is named after its row of the list of faults.

C18: ``OCI-Chunk-Min-Length`` concerns uploads in chunks, which are not made here: what is sent is always the rest.
C25: HTTP/2 is not spoken. What follows a refused mount is the pusher's, and tested with it; here stands what the client
tells it.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator

import pytest
from yarl import URL

from integration.cutting import line
from manifest_tool.errors import InvalidReference, NotFound, RegistryError, Unauthorized, Unreachable
from manifest_tool.oci import media_type as types
from manifest_tool.oci.descriptor import Descriptor
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.reference import Reference, Registry, Repository
from manifest_tool.registry import links
from manifest_tool.registry.client import Client
from manifest_tool.registry.transport import Options, Request, Transport
from manifest_tool.server import actions
from manifest_tool.server.app import create_app
from manifest_tool.server.serve import Running, serving
from tests.registry.parts import application, client, http, raw, repository, tls_registry, transport
from tests.registry.tokens import basic, guarded, logins

_TYPE = types.OCI_INDEX
_INDEX = json.dumps({"schemaVersion": 2, "mediaType": _TYPE, "manifests": []}).encode()
_DIGEST = Digest.of(_INDEX)
_BLOB = b"layer" * 10_000
_LAYER = Descriptor(types.OCI_LAYER, Digest.of(_BLOB), len(_BLOB))
_SECRET = {"Authorization": "Bearer hunter2"}
_REDIRECTS = [301, 302, 303, 307, 308]


@pytest.fixture
def team(embedded: Running) -> Repository:
    embedded.put_manifest("team/app", _INDEX, _TYPE, "latest")
    embedded.put_blob("team/app", _BLOB)
    return repository(embedded.host)


@pytest.fixture
def target(embedded: Running) -> Repository:
    return repository(embedded.host, "target")


@pytest.fixture
async def registry() -> AsyncIterator[Client]:
    async with client() as opened:
        yield opened


async def _content(start: int) -> AsyncGenerator[bytes, None]:
    yield _BLOB[start:]


def _url(running: Running, path: str) -> URL:
    return URL(f"http://{running.host}{path}", encoded=True)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("status", _REDIRECTS)
async def test_c1_another_host_does_not_see_the_authorization(embedded: Running, status: int, method: str) -> None:
    with serving() as other:
        away = {"Location": f"http://{other.host}/v2/", "Set-Cookie": "session=hunter2"}
        embedded.faults.add(actions.Answer(status, headers=away))
        async with transport() as opened:
            assert (await opened.send(Request(method, _url(embedded, "/v2/"), _SECRET))).status == 200
        assert "Authorization" in embedded.log[0].headers
        assert other.log[0].method == method
        assert not {"Authorization", "Cookie"} & other.log[0].headers.keys()


async def test_c1_the_same_host_sees_it_and_no_cookie(embedded: Running) -> None:
    headers = {"Location": "/v2/", "Set-Cookie": "session=hunter2"}
    embedded.faults.add(actions.Answer(307, headers=headers), path="^/a")
    async with transport() as opened:
        assert (await opened.send(Request("GET", _url(embedded, "/a"), _SECRET))).status == 200
    assert [{"Authorization", "Cookie"} & request.headers.keys() for request in embedded.log] == [{"Authorization"}] * 2


@pytest.mark.usefixtures("trusted")
async def test_c2_no_redirect_leaves_https(tls: ssl.SSLContext, embedded: Running) -> None:
    with tls_registry(tls) as secure:
        secure.faults.add(actions.Answer(307, headers={"Location": f"http://{embedded.host}/v2/"}))
        async with transport() as opened:
            with pytest.raises(RegistryError, match="the redirect leaves https, and is not followed"):
                await opened.send(Request("GET", URL(f"https://{secure.host}/v2/")))
    assert not list(embedded.log)


@pytest.mark.usefixtures("names")
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "169.254.169.254", "localhost", "127.1", "[::ffff:127.0.0.1]"])
async def test_c2_no_redirect_leads_from_outside_to_a_local_address(embedded: Running, host: str) -> None:
    port = embedded.host.rpartition(":")[2]
    embedded.faults.add(actions.Answer(307, headers={"Location": f"http://{host}:{port}/latest"}))
    async with transport(plain_http=True) as opened:
        with pytest.raises(RegistryError, match="the redirect leads to a local address, and is not followed"):
            await opened.send(Request("GET", URL(f"http://registry.test:{port}/v2/")))
    assert len(embedded.log) == 1


async def test_c3_a_circle_is_told_with_its_steps(embedded: Running) -> None:
    embedded.faults.add(actions.Answer(307, headers={"Location": "/b?token=hunter2"}), path="^/a")
    embedded.faults.add(actions.Answer(307, headers={"Location": "/a"}), path="^/b")
    async with transport() as opened:
        with pytest.raises(
            RegistryError, match=r"in a circle, http://\S+/a → http://\S+/b\S+ → http://\S+/a:"
        ) as caught:
            await opened.send(Request("GET", _url(embedded, "/a")))
    assert len(embedded.log) == 2
    assert "hunter2" not in str(caught.value)


async def test_c3_ten_redirects_and_no_more(embedded: Running) -> None:
    for step in range(20):
        embedded.faults.add(actions.Answer(307, headers={"Location": f"/s{step + 1}/"}), path=f"^/s{step}/")
    async with transport() as opened:
        with pytest.raises(RegistryError, match=r"more than 10 redirects, http://\S+/s0/ → .*/s11/: GET"):
            await opened.send(Request("GET", _url(embedded, "/s0/")))
        assert len(embedded.log) == 11
        assert (await opened.send(Request("GET", _url(embedded, "/s10/"), expected=frozenset({404})))).status == 404


@pytest.mark.parametrize("status", [307, 308])
async def test_c4_a_write_is_repeated_at_the_same_origin(
    embedded: Running, target: Repository, registry: Client, status: int
) -> None:
    moved = {"Location": "/v2/target/manifests/other"}
    embedded.faults.add(actions.Answer(status, headers=moved), method="PUT", path="manifests/new$")
    await registry.put_manifest(target, "new", _INDEX, _TYPE)
    assert embedded.manifest("target", "other") == (_TYPE, _INDEX)


async def test_c4_a_streamed_body_is_opened_anew(embedded: Running, target: Repository, registry: Client) -> None:
    begun = embedded.store.begin("target").id
    there = {"Location": f"/v2/target/blobs/uploads/{begun}?digest={_LAYER.digest}"}
    embedded.faults.add(actions.Answer(307, headers=there), method="PUT", times=1)
    await registry.put_blob(target, _LAYER, _content)
    assert embedded.blob("target", _LAYER.digest) == _BLOB
    assert [request.method for request in embedded.log.writes()] == ["POST", "PUT", "PUT"]


@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("status", [301, 302, 303])
async def test_c4_a_write_does_not_become_a_read(embedded: Running, method: str, status: int) -> None:
    embedded.faults.add(actions.Answer(status, headers={"Location": "/v2/"}))
    async with transport() as opened:
        with pytest.raises(RegistryError, match="a request that writes was redirected to one that reads"):
            await opened.send(Request(method, _url(embedded, "/x"), body=b"x"))
    assert len(embedded.log) == 1


async def test_c4_no_write_goes_to_another_host(embedded: Running) -> None:
    with serving() as other:
        embedded.faults.add(actions.Answer(307, headers={"Location": f"http://{other.host}/v2/"}))
        async with transport() as opened:
            with pytest.raises(RegistryError, match=f"a request that writes was redirected to {other.host}"):
                await opened.send(Request("PUT", _url(embedded, "/x"), body=b"x"))
        assert not list(other.log)


@pytest.mark.parametrize(
    "location", ["id", "/path", "//host/path", "http://host/path", "host/path", "/path?_state=a%2Fb+c"]
)
async def test_c5_c6_every_form_of_a_location(
    embedded: Running, target: Repository, registry: Client, location: str
) -> None:
    begun = embedded.store.begin("target").id
    path = f"/v2/target/blobs/uploads/{begun}"
    where = begun if location == "id" else location.replace("/path", path).replace("host", embedded.host)
    embedded.faults.add(actions.Answer(202, headers={"Location": where}), method="POST")
    await registry.put_blob(target, _LAYER, _content)
    assert embedded.blob("target", _LAYER.digest) == _BLOB
    state = "_state=a%2Fb+c&" if "_state" in location else ""
    assert embedded.log.by_method("PUT")[0].query == f"{state}digest={_LAYER.digest}"


async def test_c7_an_upload_on_another_host_carries_no_authorization(embedded: Running) -> None:
    begun = embedded.store.begin("target").id
    elsewhere = f"http://{embedded.host}/v2/target/blobs/uploads/{begun}"
    with serving(middlewares=[basic({"me": "hunter2"})]) as running:
        running.faults.add(actions.Answer(202, headers={"Location": elsewhere}), method="POST", after=1)
        async with client(auths={running.host: {"username": "me", "password": "hunter2"}}) as opened:
            await opened.put_blob(repository(running.host, "target"), _LAYER, _content)
    assert embedded.blob("target", _LAYER.digest) == _BLOB
    assert "Authorization" not in embedded.log[0].headers


@pytest.mark.usefixtures("trusted")
async def test_c7_nor_does_one_leave_https(tls: ssl.SSLContext, embedded: Running) -> None:
    with tls_registry(tls) as secure:
        elsewhere = {"Location": f"http://{embedded.host}/v2/target/blobs/uploads/1"}
        secure.faults.add(actions.Answer(202, headers=elsewhere), method="POST")
        async with client() as opened:
            with pytest.raises(RegistryError, match="the upload's Location leaves https, and is not followed"):
                await opened.put_blob(repository(secure.host, "target"), _LAYER, _content)
    assert not list(embedded.log)


async def test_c8_what_is_stored_needs_no_location(embedded: Running, target: Repository, registry: Client) -> None:
    embedded.faults.add(actions.Headers({"Location": None}), method="PUT")
    await registry.put_blob(target, _LAYER, _content)
    await registry.put_manifest(target, "new", _INDEX, _TYPE)
    assert [request.method for request in embedded.log] == ["POST", "PUT", "PUT"]


async def test_c8_an_upload_without_a_location(embedded: Running, target: Repository, registry: Client) -> None:
    embedded.faults.add(actions.Answer(202), method="POST")
    with pytest.raises(RegistryError, match="opened an upload without a Location"):
        await registry.put_blob(target, _LAYER, _content)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_c9_what_a_put_may_be_answered(
    embedded: Running, target: Repository, registry: Client, status: int
) -> None:
    embedded.faults.add(actions.Answer(status, done=True), method="PUT")
    await registry.put_blob(target, _LAYER, _content)
    await registry.put_manifest(target, "new", _INDEX, _TYPE)
    assert [request.method for request in embedded.log].count("HEAD") == (0 if status == 201 else 2)


async def test_c9_a_put_that_did_nothing_is_no_success(embedded: Running, target: Repository, registry: Client) -> None:
    embedded.faults.add(actions.Answer(200, b"<html>hello"), method="PUT")
    with pytest.raises(RegistryError, match="the registry did not store"):
        await registry.put_manifest(target, "new", _INDEX, _TYPE)
    with pytest.raises(RegistryError, match="the registry did not store"):
        await registry.put_blob(target, _LAYER, _content)


@pytest.mark.parametrize("status", [400, 403, 405, 501])
async def test_c10_where_no_head_is_answered_a_get_decides(
    embedded: Running, team: Repository, registry: Client, status: int
) -> None:
    embedded.faults.add(actions.Answer(status), method="HEAD")
    assert await registry.head_manifest(team, "latest") == _DIGEST


@pytest.mark.parametrize("status", [404, 403, 405])
async def test_c11_a_head_is_not_believed_that_denies_what_was_put(
    embedded: Running, target: Repository, registry: Client, status: int
) -> None:
    embedded.faults.add(actions.Answer(status), method="HEAD")
    embedded.faults.add(actions.Answer(202, done=True), method="PUT")
    await registry.put_manifest(target, "new", _INDEX, _TYPE)
    await registry.put_blob(target, _LAYER, _content)


async def test_c11_an_absent_tag_costs_one_request(embedded: Running, target: Repository, registry: Client) -> None:
    # Before a push nothing hangs on it: a tag that is there all the same is put again, with the same bytes.
    assert await registry.head_manifest(target, "new") is None
    assert len(embedded.log) == 1


@pytest.mark.parametrize("status", [403, 405, 501])
async def test_c12_a_blob_of_which_no_head_tells_is_uploaded(
    embedded: Running, team: Repository, registry: Client, status: int
) -> None:
    embedded.faults.add(actions.Answer(status), method="HEAD")
    assert not await registry.has_blob(team, _LAYER.digest)


async def test_c13_a_mount(embedded: Running, team: Repository, target: Repository, registry: Client) -> None:
    assert await registry.mount_blob(target, _LAYER.digest, team) is None
    assert embedded.blob("target", _LAYER.digest) == _BLOB


async def test_c14_a_mount_that_opens_an_upload_is_gone_on_with(
    embedded: Running, team: Repository, target: Repository, registry: Client
) -> None:
    embedded.faults.add(actions.NoMount(), method="POST")
    upload = await registry.mount_blob(target, _LAYER.digest, team)
    await registry.put_blob(target, _LAYER, registry.get_blob(team, _LAYER).chunks, upload)
    assert embedded.blob("target", _LAYER.digest) == _BLOB
    assert [request.method for request in embedded.log.writes()] == ["POST", "PUT"]


@pytest.mark.parametrize("status", [400, 403, 404, 405, 500])
async def test_c15_a_refused_mount_does_not_keep_from_uploading(
    embedded: Running, team: Repository, target: Repository, registry: Client, status: int
) -> None:
    embedded.faults.add(actions.Answer(status), method="POST", path="mount=")
    with pytest.raises(RegistryError, match=f": {status}"):
        await registry.mount_blob(target, _LAYER.digest, team)
    await registry.put_blob(target, _LAYER, registry.get_blob(team, _LAYER).chunks)
    assert embedded.blob("target", _LAYER.digest) == _BLOB


async def test_c16_a_mount_without_a_right_on_the_source_is_told_as_such(
    embedded: Running, team: Repository, target: Repository, registry: Client
) -> None:
    embedded.faults.add(actions.Answer(401), method="POST", path="mount=")
    with pytest.raises(Unauthorized):
        await registry.mount_blob(target, _LAYER.digest, team)


async def test_c17_a_blob_that_a_mount_did_not_bring_is_named_by_its_code(
    embedded: Running, team: Repository, target: Repository, registry: Client
) -> None:
    embedded.faults.add(actions.PhantomMount())
    assert await registry.mount_blob(target, _LAYER.digest, team) is None
    config = {"mediaType": types.OCI_CONFIG, "digest": str(_LAYER.digest), "size": _LAYER.size}
    image = {"schemaVersion": 2, "mediaType": types.OCI_MANIFEST, "layers": [], "config": config}
    with pytest.raises(RegistryError) as caught:
        await registry.put_manifest(target, "new", json.dumps(image).encode(), types.OCI_MANIFEST)
    assert caught.value.exchange
    assert "MANIFEST_BLOB_UNKNOWN" in caught.value.exchange.codes


async def test_c18_a_416_is_answered_by_asking_where_to_go_on(embedded: Running) -> None:
    blob = b"layer" * 2_000_000
    layer = Descriptor(types.OCI_LAYER, Digest.of(blob), len(blob))

    async def content(start: int) -> AsyncGenerator[bytes, None]:
        for first in range(start, len(blob), 65536):
            yield blob[first : first + 65536]

    embedded.faults.add(actions.Answer(416), method="PUT", times=1, after=1)
    with line(embedded.host, up=4_000_000) as cut:
        async with client() as opened:
            await opened.put_blob(repository(cut.host, "target"), layer, content)
    assert embedded.blob("target", layer.digest) == blob
    refused = [request.status for request in embedded.log].index(416)
    assert embedded.log[refused + 1].method == "GET"


async def test_c18_where_it_does_not_say_so_it_is_begun_anew(
    embedded: Running, target: Repository, registry: Client
) -> None:
    embedded.faults.add(actions.Answer(416), method="PUT", times=1)
    await registry.put_blob(target, _LAYER, _content)
    assert embedded.blob("target", _LAYER.digest) == _BLOB
    assert [request.method for request in embedded.log.writes()] == ["POST", "PUT", "DELETE", "POST", "PUT"]


async def test_c19_an_early_refusal_of_an_upload_is_told(embedded: Running, target: Repository) -> None:
    # The head of the request is answered; of its body little is read.
    embedded.faults.add(actions.Answer(413, b"too large"), method="PUT")
    async with client(attempts=1) as opened:
        with pytest.raises(RegistryError, match=r"413 .*: too large"):
            await opened.put_blob(target, _LAYER, _content)
    assert len(embedded.log.by_method("PUT")) == 1


async def test_c19_an_upload_whose_token_has_ended_is_sent_again() -> None:
    with guarded() as (running, service):
        spent = {"WWW-Authenticate": service.challenge(error="invalid_token")}
        running.faults.add(actions.Answer(401, headers=spent), method="PUT", times=1)
        async with client(auths=logins(running.host)) as opened:
            await opened.put_blob(repository(running.host), _LAYER, _content)
        assert running.blob("team/app", _LAYER.digest) == _BLOB
        assert [request.status for request in running.log.by_method("PUT")] == [401, 201]
        assert len(service.asked) == 2


async def test_c19_who_we_are_is_settled_before_a_body_is_sent() -> None:
    with serving(middlewares=[basic({"me": "hunter2"})]) as running:
        async with client(auths={running.host: {"username": "me", "password": "hunter2"}}) as opened:
            await opened.put_blob(repository(running.host), _LAYER, _content)
        assert [request.status for request in running.log] == [401, 202, 201]


@pytest.mark.usefixtures("trusted")
async def test_c20_loopback_that_speaks_tls_is_spoken_to_in_tls(tls: ssl.SSLContext) -> None:
    with tls_registry(tls) as secure:
        async with client() as opened:
            with pytest.raises(NotFound):
                await opened.get_manifest(repository(secure.host), "latest")


@pytest.mark.usefixtures("names")
async def test_c20_plain_http_of_another_host_is_an_error() -> None:
    with raw([http(200)]) as server:
        url = URL(f"https://registry.test:{server.host.rpartition(':')[2]}/v2/")
        async with transport(attempts=1) as opened:
            with pytest.raises(Unreachable):
                await opened.send(Request("GET", url))
    assert not server.heads


async def test_c21_one_accept_line_names_every_type(embedded: Running, team: Repository, registry: Client) -> None:
    await registry.get_manifest(team, "latest")
    assert embedded.log[0].headers["Accept"] == types.ACCEPT


async def test_c22_an_ipv6_host_is_spoken_to() -> None:
    running = Running()
    running.put_manifest("team/app", _INDEX, _TYPE, "latest")
    with application(create_app(running.store, log=running.log, faults=running.faults), address="::1") as host:
        assert host.startswith("[::1]:")
        async with client() as opened:
            team = Reference.parse(f"{host}/team/app").repository
            assert (await opened.get_manifest(team, "latest")).raw == _INDEX
            await opened.put_blob(team, _LAYER, _content)
    assert running.blob("team/app", _LAYER.digest) == _BLOB


@pytest.mark.parametrize("host", ["[::1]", "[::1]:5000"])
def test_c22_ipv6(host: str) -> None:
    reference = Reference.parse(f"{host}/team/app:1")
    assert str(Transport(Options()).url(reference.repository.registry, "/v2/")) == f"http://{host}/v2/"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://r.test/", "https://R.TEST:443/x", True),
        ("http://r.test/", "http://r.test:80/", True),
        ("https://r.test/", "http://r.test/", False),
        ("https://r.test/", "https://r.test:5000/", False),
    ],
)
def test_c23_one_origin_however_it_is_written(one: str, other: str, same: bool) -> None:
    assert links.same_origin(URL(one), URL(other)) is same


async def test_c23_in_whatever_case_a_host_is_written_it_gets_its_credentials() -> None:
    with serving(middlewares=[basic({"me": "hunter2"})]) as running:
        port = running.host.rpartition(":")[2]
        running.faults.add(actions.Answer(307, headers={"Location": f"http://LOCALHOST:{port}/v2/"}), times=1, after=1)
        async with client(auths=logins(f"LocalHost:{port}")) as opened:
            team = Reference.parse(f"LOCALHOST:{port}/team/app").repository
            await opened.has_blob(team, _LAYER.digest)
    assert ["Authorization" in request.headers for request in running.log] == [False, True, True]


def test_c23_docker_io_has_another_name() -> None:
    assert Transport(Options()).url(Registry.parse("docker.io"), "/v2/").host == "registry-1.docker.io"


@pytest.mark.parametrize("text", ["me:pw@r.test/app", "me@r.test/app:1", "r.test/../app", "r.test/a%2fb", "r.tést/app"])
def test_c24_odd_names_are_refused(text: str) -> None:
    with pytest.raises(InvalidReference):
        Reference.parse(text)


async def test_c24_a_name_and_a_password_in_a_redirect_are_not_ours(embedded: Running) -> None:
    with serving() as other:
        embedded.faults.add(actions.Answer(307, headers={"Location": f"http://me:hunter2@{other.host}/v2/"}))
        async with transport() as opened:
            assert (await opened.send(Request("GET", _url(embedded, "/v2/")))).status == 200
        assert "Authorization" not in other.log[0].headers
