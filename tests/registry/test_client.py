"""The operations, against a registry that does everything wrong which registries do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler
from yarl import URL

from manifest_tool.errors import InvalidContent, NotFound, RegistryError, Unauthorized, Unreachable
from manifest_tool.events import Noticed
from manifest_tool.oci import media_type as types
from manifest_tool.oci.descriptor import Descriptor
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.manifest import MAX_SIZE
from manifest_tool.oci.reference import Repository
from manifest_tool.registry.client import Client
from manifest_tool.registry.upload import Upload
from manifest_tool.server import actions
from manifest_tool.server.serve import Running, serving
from tests.registry.parts import Clock, Watched, client, http, raw, repository
from tests.registry.tokens import basic

_TYPE = types.OCI_INDEX
_INDEX = json.dumps({"schemaVersion": 2, "mediaType": _TYPE, "manifests": []}).encode()
_DIGEST = Digest.of(_INDEX)
_OTHER = Digest.of(b"other")
_BLOB = bytes(range(256)) * 4_000
_AUTHS = {"username": "me", "password": "hunter2"}


def _descriptor(data: bytes = _BLOB, algorithm: str = "sha256") -> Descriptor:
    return Descriptor(types.OCI_LAYER, Digest.of(data, algorithm), len(data))


@pytest.fixture
def team(embedded: Running) -> Repository:
    embedded.put_manifest("team/app", _INDEX, _TYPE, "latest")
    embedded.put_blob("team/app", _BLOB)
    return repository(embedded.host)


@pytest.fixture
def target(embedded: Running) -> Repository:
    return repository(embedded.host, "team/target")


@pytest.fixture
async def registry() -> AsyncIterator[Client]:
    async with client() as opened:
        yield opened


# Manifests


@pytest.mark.parametrize("which", ["latest", _DIGEST])
async def test_a_manifest_is_its_bytes(team: Repository, registry: Client, which: str | Digest) -> None:
    found = await registry.get_manifest(team, which)
    assert (found.raw, found.digest, found.media_type) == (_INDEX, _DIGEST, _TYPE)


async def test_one_accept_line_names_every_type(embedded: Running, team: Repository, registry: Client) -> None:
    await registry.get_manifest(team, "latest")
    assert embedded.log[0].headers["Accept"] == types.ACCEPT
    assert set(types.INDEXES | types.MANIFESTS) <= set(types.ACCEPT.split(", "))


async def test_a_manifest_that_is_not_there(team: Repository, registry: Client) -> None:
    with pytest.raises(NotFound, match=f"cannot pull {team}:nope, it is not there: GET .*MANIFEST_UNKNOWN"):
        await registry.get_manifest(team, "nope")


@pytest.mark.parametrize("which", ["latest", _DIGEST])
async def test_a_damaged_body_is_asked_for_once_more(
    embedded: Running, team: Repository, registry: Client, which: str | Digest
) -> None:
    embedded.faults.add(actions.Damage(), times=1)
    assert (await registry.get_manifest(team, which)).raw == _INDEX
    assert len(embedded.log) == 2


@pytest.mark.parametrize("which", ["latest", _DIGEST])
async def test_and_then_both_digests_are_named(
    embedded: Running, team: Repository, registry: Client, which: str | Digest
) -> None:
    embedded.faults.add(actions.Damage())
    got = Digest.of(_INDEX[:-1] + bytes([_INDEX[-1] ^ 1]))
    with pytest.raises(InvalidContent, match=f"has the digest {got} where {_DIGEST} was expected: GET http") as caught:
        await registry.get_manifest(team, which)
    assert "changed the content" in caught.value.hint
    assert len(embedded.log) == 2


async def test_a_digest_header_that_is_wrong(embedded: Running, team: Repository, registry: Client) -> None:
    embedded.faults.add(actions.digest_header(str(_OTHER)))
    with pytest.raises(InvalidContent, match=f"has the digest {_DIGEST} where {_OTHER} was expected"):
        await registry.get_manifest(team, "latest")
    # Asked for by digest, the bytes are what counts.
    assert (await registry.get_manifest(team, _DIGEST)).digest == _DIGEST


@pytest.mark.parametrize("header", ["sha256:abc", "md5:abc", "nonsense", f"sha256:{'A' * 64}"])
async def test_a_digest_header_that_is_none(embedded: Running, team: Repository, registry: Client, header: str) -> None:
    embedded.faults.add(actions.digest_header(header))
    for operation in (registry.get_manifest, registry.head_manifest):
        with pytest.raises(InvalidContent, match=f"Docker-Content-Digest is wrong, .*{header}.*http://{embedded.host}"):
            await operation(team, "latest")


@pytest.mark.parametrize("header", [None, ""])
async def test_a_digest_header_that_is_missing(
    embedded: Running, team: Repository, registry: Client, header: str | None
) -> None:
    embedded.faults.add(actions.digest_header(header))
    assert (await registry.get_manifest(team, "latest")).digest == _DIGEST


async def test_sha512(embedded: Running, registry: Client) -> None:
    digest = Digest.of(_INDEX, "sha512")
    embedded.faults.add(actions.Answer(200, _INDEX, {"Docker-Content-Digest": str(digest), "Content-Type": _TYPE}))
    team = repository(embedded.host)
    assert (await registry.get_manifest(team, digest)).digest == digest
    assert (await registry.get_manifest(team, "latest")).digest == digest
    assert await registry.head_manifest(team, "latest") == digest


@pytest.mark.parametrize(
    "content_type",
    [
        f"{_TYPE}; charset=utf-8",
        _TYPE.upper(),
        "application/json",
        "application/octet-stream",
        "text/plain; charset=utf-8",
        None,
    ],
)
async def test_odd_content_types(
    embedded: Running, team: Repository, registry: Client, content_type: str | None
) -> None:
    embedded.faults.add(actions.content_type(content_type))
    assert (await registry.get_manifest(team, "latest")).media_type == _TYPE


@pytest.mark.parametrize(
    ("document", "media_type"),
    [
        ({"schemaVersion": 2, "manifests": []}, types.OCI_INDEX),
        ({"schemaVersion": 2, "layers": [], "config": {"mediaType": "x", "digest": str(_OTHER), "size": 1}},
         types.OCI_MANIFEST),
    ],
)  # fmt: skip
async def test_the_structure_tells_where_nothing_else_does(
    embedded: Running, registry: Client, document: object, media_type: str
) -> None:
    embedded.faults.add(actions.Answer(200, json.dumps(document).encode(), {"Content-Type": "application/json"}))
    assert (await registry.get_manifest(repository(embedded.host), "x")).media_type == media_type


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        (b"<!doctype html><title>Sign in</title>", "text/html", "HTML or XML (text/html), not a manifest"),
        (b"  <html>", _TYPE, "HTML or XML"),
        (b"", _TYPE, "not JSON"),
        (b"[]", _TYPE, "not a JSON object"),
        (b"[" * 100_000, _TYPE, "not JSON"),
        (b"\xff\xfe", _TYPE, "not JSON"),
        (b'{"schemaVersion": 1}', "text/plain", "schema 1"),
        (b"{}", types.DOCKER_SCHEMA1_SIGNED, "schema 1"),
        (b"{}", "application/json", "neither manifests nor a config with layers"),
        (b'{"manifests": [], "layers": []}', _TYPE, "both manifests and layers"),
        (b'{"manifests": []}', types.OCI_MANIFEST, "calls itself an image and has manifests"),
        (b'{"mediaType": "application/vnd.acme"}', "application/json", "neither an image manifest's nor an index's"),
        (f'{{"mediaType": "{types.OCI_MANIFEST}"}}'.encode(), _TYPE, "but the registry sent it as"),
    ],
)
async def test_answers_that_are_no_manifest(
    embedded: Running, registry: Client, body: bytes, content_type: str, message: str
) -> None:
    embedded.faults.add(actions.Answer(200, body, {"Content-Type": content_type}))
    team = repository(embedded.host)
    with pytest.raises(InvalidContent, match=f"{team}:x is not a manifest that can be used: ") as caught:
        await registry.get_manifest(team, "x")
    assert message in str(caught.value)
    assert f"GET http://{embedded.host}/v2/team/app/manifests/x: 200" in str(caught.value)
    assert len(embedded.log) == 1


async def test_four_mebibytes_and_no_more(embedded: Running, registry: Client) -> None:
    team = repository(embedded.host)
    for more, good in ((0, True), (1, False)):
        embedded.faults.clear()
        embedded.faults.add(actions.Answer(200, _INDEX.ljust(MAX_SIZE + more), {"Content-Type": _TYPE}))
        if good:
            assert (await registry.get_manifest(team, "x")).size == MAX_SIZE
        else:
            with pytest.raises(InvalidContent, match="the answer is larger than 4194304 bytes: GET"):
                await registry.get_manifest(team, "x")


@pytest.mark.parametrize("action", [actions.Reset(5), actions.Close(5), actions.Length(7)])
async def test_a_manifest_that_breaks_off_is_asked_for_again(
    embedded: Running, team: Repository, registry: Client, action: actions.Close
) -> None:
    embedded.faults.add(action, times=2)
    assert (await registry.get_manifest(team, "latest")).raw == _INDEX
    assert len(embedded.log) == 3


# HEAD


@pytest.mark.parametrize(("which", "found"), [("latest", _DIGEST), (_DIGEST, _DIGEST), ("x", None), (_OTHER, None)])
async def test_head(
    embedded: Running, team: Repository, registry: Client, which: str | Digest, found: Digest | None
) -> None:
    assert await registry.head_manifest(team, which) == found
    assert len(embedded.log) == 1


@pytest.mark.parametrize("status", [400, 403, 405, 501])
async def test_where_head_is_no_answer_get_decides(
    embedded: Running, team: Repository, registry: Client, status: int
) -> None:
    embedded.faults.add(actions.Answer(status), method="HEAD")
    assert await registry.head_manifest(team, "latest") == _DIGEST
    assert await registry.head_manifest(team, "x") is None
    assert [request.method for request in embedded.log] == ["HEAD", "GET"] * 2


async def test_where_head_has_no_digest_get_decides(embedded: Running, team: Repository, registry: Client) -> None:
    embedded.faults.add(actions.digest_header(None), method="HEAD")
    assert await registry.head_manifest(team, "latest") == _DIGEST
    assert await registry.head_manifest(team, _DIGEST) == _DIGEST
    assert [request.method for request in embedded.log] == ["HEAD", "GET", "HEAD"]


@pytest.mark.parametrize(("status", "kind"), [(403, Unauthorized), (401, Unauthorized), (500, RegistryError)])
async def test_head_where_nothing_answers(
    embedded: Running, team: Repository, registry: Client, status: int, kind: type[RegistryError]
) -> None:
    embedded.faults.add(actions.Answer(status))
    with pytest.raises(kind, match=f": {status}"):
        await registry.head_manifest(team, "latest")


# PUT


@pytest.mark.parametrize("which", ["new", _DIGEST])
async def test_put(embedded: Running, target: Repository, registry: Client, which: str | Digest) -> None:
    await registry.put_manifest(target, which, _INDEX, _TYPE)
    assert embedded.manifest("team/target", which) == (_TYPE, _INDEX)
    assert embedded.log[0].headers["Content-Type"] == _TYPE


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_what_a_put_may_be_answered(embedded: Running, target: Repository, registry: Client, status: int) -> None:
    embedded.faults.add(actions.Answer(status, done=True), method="PUT")
    await registry.put_manifest(target, "new", _INDEX, _TYPE)
    assert embedded.manifest("team/target", "new")


@pytest.mark.parametrize("status", [200, 202, 204])
async def test_a_put_that_did_nothing_is_no_success(
    embedded: Running, target: Repository, registry: Client, status: int
) -> None:
    embedded.faults.add(actions.Answer(status, b"<html>hello"), method="PUT")
    with pytest.raises(RegistryError, match=f"the registry did not store {target}:new"):
        await registry.put_manifest(target, "new", _INDEX, _TYPE)
    with pytest.raises(RegistryError, match=f"the registry did not store blob {_descriptor().digest}"):
        await registry.put_blob(target, _descriptor(), _content(_BLOB))


async def test_a_put_that_is_stored_as_something_else(embedded: Running, target: Repository, registry: Client) -> None:
    embedded.faults.add(actions.digest_header(str(_OTHER)))
    with pytest.raises(InvalidContent, match=f"stored {target}:new as {_OTHER}, which is not what was sent: PUT http"):
        await registry.put_manifest(target, "new", _INDEX, _TYPE)


async def test_a_put_is_repeated(embedded: Running, target: Repository, registry: Client) -> None:
    embedded.faults.add(actions.Answer(500, done=True), times=1)
    embedded.faults.add(actions.Reset(), times=2, after=1)
    await registry.put_manifest(target, "new", _INDEX, _TYPE)
    assert embedded.manifest("team/target", "new")


async def test_a_put_that_is_refused(embedded: Running, target: Repository, registry: Client) -> None:
    with pytest.raises(RegistryError, match=f"cannot push {target}:new: PUT .*: 400.*: MANIFEST_INVALID") as caught:
        await registry.put_manifest(target, "new", b"{", _TYPE)
    assert "--type" in caught.value.hint
    assert len(embedded.log) == 1


# Blobs


async def test_has_blob(team: Repository, target: Repository, registry: Client) -> None:
    assert await registry.has_blob(team, _descriptor().digest)
    assert not await registry.has_blob(target, _descriptor().digest)


@pytest.mark.parametrize("status", [401, 403, 405, 500])
async def test_a_registry_that_does_not_tell_counts_as_no(
    embedded: Running, team: Repository, registry: Client, status: int
) -> None:
    embedded.faults.add(actions.Answer(status))
    assert not await registry.has_blob(team, _descriptor().digest)


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
async def test_a_small_blob_is_read_whole(embedded: Running, registry: Client, algorithm: str) -> None:
    embedded.put_blob("team/app", b"config", algorithm)
    assert await registry.read_blob(repository(embedded.host), _descriptor(b"config", algorithm)) == b"config"


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (actions.Body(b"configs"), "the answer is larger than 6 bytes"),
        (actions.Body(b"confi"), f"has the digest {Digest.of(b'confi')} where {Digest.of(b'config')} was expected"),
        (actions.Damage(), f"where {Digest.of(b'config')} was expected"),
    ],
)
async def test_a_small_blob_that_is_another(
    embedded: Running, registry: Client, action: actions.Body, message: str
) -> None:
    embedded.put_blob("team/app", b"config")
    embedded.faults.add(action)
    with pytest.raises(InvalidContent, match=message):
        await registry.read_blob(repository(embedded.host), _descriptor(b"config"))


async def test_a_config_beyond_all_measure_is_not_asked_for(
    embedded: Running, team: Repository, registry: Client
) -> None:
    with pytest.raises(InvalidContent, match=r"has 4194305 bytes; as a config, at most 4194304 are read"):
        await registry.read_blob(team, Descriptor(types.OCI_CONFIG, _OTHER, MAX_SIZE + 1))
    assert not len(embedded.log)


async def _whole(registry: Client, repo: Repository, descriptor: Descriptor) -> bytes:
    async with aclosing(registry.get_blob(repo, descriptor).chunks()) as chunks:
        return b"".join([chunk async for chunk in chunks])


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
async def test_a_blob_is_streamed(embedded: Running, registry: Client, algorithm: str) -> None:
    embedded.put_blob("team/app", _BLOB, algorithm)
    assert await _whole(registry, repository(embedded.host), _descriptor(algorithm=algorithm)) == _BLOB


@pytest.mark.parametrize(
    ("action", "kind", "message"),
    [
        (actions.Damage(), InvalidContent, f"where {_descriptor().digest} was expected"),
        (actions.Body(_BLOB + b"x"), InvalidContent, f"is longer than the {len(_BLOB)} bytes that its manifest says"),
        (actions.Body(_BLOB[:-1]), InvalidContent, f"where {_descriptor().digest} was expected"),
        (actions.Close(0), Unreachable, "broke off in the middle of its answer"),
        (actions.Answer(404), NotFound, f"cannot pull blob {_descriptor().digest} of"),
        (actions.Answer(403), Unauthorized, f"not allowed to pull blob {_descriptor().digest} of"),
    ],
)
async def test_a_blob_that_is_not_what_it_should_be(
    embedded: Running,
    team: Repository,
    registry: Client,
    action: actions.Answer,
    kind: type[RegistryError],
    message: str,
) -> None:
    embedded.faults.add(action)
    with pytest.raises(kind, match=message):
        await _whole(registry, team, _descriptor())


async def test_a_blob_behind_a_redirect(embedded: Running, team: Repository, registry: Client) -> None:
    with serving() as storage:
        storage.faults.add(actions.Answer(200, _BLOB))
        signed = f"http://{storage.host}/bucket?X-Signature=hunter2"
        embedded.faults.add(actions.Answer(307, headers={"Location": signed}))
        assert await _whole(registry, team, _descriptor()) == _BLOB
        storage.faults.clear()
        with pytest.raises(NotFound, match="X-Signature=…") as caught:
            await _whole(registry, team, _descriptor())
    assert "hunter2" not in str(caught.value)


# Mounts


async def test_a_mount(embedded: Running, team: Repository, target: Repository, registry: Client) -> None:
    assert await registry.mount_blob(target, _descriptor().digest, team) is None
    assert embedded.blob("team/target", _descriptor().digest) == _BLOB
    assert embedded.log[0].query == f"mount={_descriptor().digest}&from=team/app"


async def test_a_mount_that_is_declined(
    embedded: Running, team: Repository, target: Repository, registry: Client
) -> None:
    embedded.faults.add(actions.NoMount())
    upload = await registry.mount_blob(target, _descriptor().digest, team)
    assert upload is not None
    await registry.put_blob(target, _descriptor(), registry.get_blob(team, _descriptor()).chunks, upload)
    assert embedded.blob("team/target", _descriptor().digest) == _BLOB
    assert len(embedded.log.by_method("POST")) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 405, 500])
async def test_a_mount_that_is_refused(
    embedded: Running, team: Repository, target: Repository, registry: Client, status: int
) -> None:
    embedded.faults.add(actions.Answer(status), method="POST")
    wanted = f"mount blob {_descriptor().digest} of {team} in {target}.*: POST .*from=team/app: {status}"
    with pytest.raises(RegistryError, match=wanted):
        await registry.mount_blob(target, _descriptor().digest, team)


# Uploads


def _content(data: bytes, *, fails: int = 0) -> _Source:
    return _Source(data, fails)


class _Source:
    """Content that breaks off some times before it is given whole."""

    def __init__(self, data: bytes, fails: int) -> None:
        self._data = data
        self._fails = fails
        self.starts: list[int] = []
        self.closed = 0

    @property
    def opened(self) -> int:
        return len(self.starts)

    async def __call__(self, start: int) -> AsyncGenerator[bytes, None]:
        self.starts.append(start)
        fails = self.opened <= self._fails
        try:
            yield self._data[start : len(self._data) // 2]
            if fails:
                raise Unreachable("source.test broke off in the middle of its answer", transient=True)
            yield self._data[max(start, len(self._data) // 2) :]
        finally:
            self.closed += 1


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("data", [_BLOB, b""])
async def test_an_upload(embedded: Running, target: Repository, registry: Client, algorithm: str, data: bytes) -> None:
    descriptor, source = _descriptor(data, algorithm), _content(data)
    await registry.put_blob(target, descriptor, source)
    assert embedded.blob("team/target", descriptor.digest) == data
    post, put = embedded.log.writes()
    assert (post.method, put.method, put.headers["Content-Length"]) == ("POST", "PUT", str(len(data)))
    assert "Transfer-Encoding" not in put.headers
    assert source.closed == source.opened == 1


async def test_a_copy_between_registries(team: Repository, registry: Client) -> None:
    with serving() as other:
        away = repository(other.host)
        await registry.put_blob(away, _descriptor(), registry.get_blob(team, _descriptor()).chunks)
        assert other.blob("team/app", _descriptor().digest) == _BLOB


@pytest.mark.parametrize("location", ["relative", "absolute", "query"])
async def test_where_an_upload_goes_on(embedded: Running, target: Repository, registry: Client, location: str) -> None:
    begun = embedded.store.begin("team/target").id
    path = f"/v2/team/target/blobs/uploads/{begun}"
    locations = {
        "relative": begun,
        "absolute": f"http://{embedded.host}{path}",
        "query": f"{path}?_state=a%2Fb%3D+c",
    }
    embedded.faults.add(actions.Answer(202, headers={"Location": locations[location]}), method="POST")
    await registry.put_blob(target, _descriptor(), _content(_BLOB))
    assert embedded.blob("team/target", _descriptor().digest) == _BLOB
    state = "_state=a%2Fb%3D+c&" if location == "query" else ""
    assert embedded.log.by_method("PUT")[0].query == f"{state}digest={_descriptor().digest}"


async def test_an_upload_on_another_host_carries_no_authorization(embedded: Running) -> None:
    begun = embedded.store.begin("team/target").id
    elsewhere = f"http://{embedded.host}/v2/team/target/blobs/uploads/{begun}"
    with serving(middlewares=[basic({"me": "hunter2"})]) as registry:
        registry.faults.add(actions.Answer(202, headers={"Location": elsewhere}), method="POST", after=1)
        async with client(auths={registry.host: _AUTHS}) as opened:
            await opened.put_blob(repository(registry.host, "team/target"), _descriptor(), _content(_BLOB))
    assert embedded.blob("team/target", _descriptor().digest) == _BLOB
    assert "Authorization" in registry.log[1].headers
    assert "Authorization" not in embedded.log[0].headers


async def test_nor_are_credentials_given_where_that_host_asks_for_them(embedded: Running) -> None:
    with serving(middlewares=[basic({"me": "hunter2"})]) as registry:
        embedded.faults.add(actions.Answer(401, headers={"WWW-Authenticate": 'Basic realm="x"'}))
        registry.faults.add(
            actions.Answer(202, headers={"Location": f"http://{embedded.host}/up"}), method="POST", after=1
        )
        async with client(auths={registry.host: _AUTHS, embedded.host: _AUTHS}) as opened:
            with pytest.raises(Unauthorized):
                await opened.put_blob(repository(registry.host, "team/target"), _descriptor(), _content(_BLOB))
    assert [request.method for request in embedded.log] == ["PUT", "DELETE"]


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "opened an upload without a Location"),
        ({"Location": "http://["}, "the upload's Location is no http or https URL, and is not followed"),
        ({"Location": "ftp://r.test/"}, "the upload's Location is no http or https URL"),
    ],
)
async def test_an_upload_that_leads_nowhere(
    embedded: Running, target: Repository, registry: Client, headers: dict[str, str], message: str
) -> None:
    embedded.faults.add(actions.Answer(202, headers=headers), method="POST")
    with pytest.raises(RegistryError, match=message):
        await registry.put_blob(target, _descriptor(), _content(_BLOB))


async def test_a_source_that_has_given_up_is_not_read_again(embedded: Running, target: Repository) -> None:
    watched, source = Watched(), _content(_BLOB, fails=1)
    async with client(observe=watched) as opened:
        with pytest.raises(Unreachable, match=r"source\.test broke off in the middle of its answer"):
            await opened.put_blob(target, _descriptor(), source)
    assert embedded.blob("team/target", _descriptor().digest) is None
    assert source.opened == source.closed == 1
    assert not watched.reasons


async def test_a_source_that_stays_broken_is_named(embedded: Running, target: Repository, team: Repository) -> None:
    with serving() as other:
        other.put_blob("team/app", _BLOB)
        other.faults.add(actions.Close(100_000), times=1)
        other.faults.add(actions.Close(0), after=1)
        source = repository(other.host)
        async with client(attempts=2) as opened:
            with pytest.raises(Unreachable, match=f"{other.host} broke off in the middle of its answer: GET http"):
                await opened.put_blob(target, _descriptor(), opened.get_blob(source, _descriptor()).chunks)
    assert embedded.blob("team/target", _descriptor().digest) is None


@pytest.mark.parametrize(
    ("action", "kind", "message"),
    [
        (actions.Answer(404), NotFound, "cannot pull blob"),
        (actions.Damage(), InvalidContent, "has the digest"),
        (actions.Body(_BLOB + b"x"), InvalidContent, "is longer than"),
        (actions.Body(_BLOB[:-1]), InvalidContent, "has the digest"),
    ],
)
async def test_a_source_with_the_wrong_bytes_is_not_read_again(
    embedded: Running, target: Repository, action: actions.Answer, kind: type[RegistryError], message: str
) -> None:
    with serving() as other:
        other.put_blob("team/app", _BLOB)
        other.faults.add(action)
        async with client() as opened:
            with pytest.raises(kind, match=message):
                await opened.put_blob(
                    target, _descriptor(), opened.get_blob(repository(other.host), _descriptor()).chunks
                )
        assert len(other.log) == 1
    assert embedded.blob("team/target", _descriptor().digest) is None


@pytest.mark.parametrize(
    "action", [actions.Answer(503), actions.Answer(429), actions.Reset(), actions.Close(), actions.Answer(500)]
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_target_that_fails_for_a_while(
    embedded: Running, target: Repository, registry: Client, action: actions.Answer, method: str
) -> None:
    embedded.faults.add(action, method=method, times=2)
    source = _content(_BLOB)
    await registry.put_blob(target, _descriptor(), source)
    assert embedded.blob("team/target", _descriptor().digest) == _BLOB
    assert source.opened == source.closed


async def test_a_target_that_refuses_is_not_asked_again(
    embedded: Running, target: Repository, registry: Client
) -> None:
    embedded.faults.add(actions.Answer(413, b"too large"), method="PUT")
    source = _content(_BLOB)
    wanted = f"cannot push blob {_descriptor().digest} to {target}: PUT .*413.*: too large"
    with pytest.raises(RegistryError, match=wanted):
        await registry.put_blob(target, _descriptor(), source)
    assert source.opened == source.closed == 1


async def test_an_upload_over_a_stale_connection() -> None:
    opened_upload = http(202, b"", "Location: /up")
    with raw([opened_upload, b""], [opened_upload, http(201)]) as server:
        source = _content(b"layer")
        async with client() as opened:
            await opened.put_blob(repository(server.host), _descriptor(b"layer"), source)
    assert source.opened == source.closed == 2
    assert [head.split()[0] for head in server.heads][-1] == "PUT"


async def test_an_upload_that_must_authenticate_begins_again(embedded: Running) -> None:
    with serving(middlewares=[basic({"me": "hunter2"})]) as registry:
        source = _content(_BLOB)
        async with client(auths={registry.host: _AUTHS}) as opened:
            begun = registry.store.begin("team/target").id
            upload = Upload(URL(f"http://{registry.host}/v2/team/target/blobs/uploads/{begun}"))
            await opened.put_blob(repository(registry.host, "team/target"), _descriptor(), source, upload)
        assert registry.blob("team/target", _descriptor().digest) == _BLOB
    assert source.opened == source.closed == 2


async def test_an_upload_is_given_up(embedded: Running, target: Repository, registry: Client) -> None:
    begun = embedded.store.begin("team/target")
    upload = Upload(URL(f"http://{embedded.host}/v2/team/target/blobs/uploads/{begun.id}"))
    await registry.cancel(target, upload)
    assert embedded.store.upload("team/target", begun.id) is None
    # A registry that knows no such request lets it expire.
    await registry.cancel(target, upload)
    assert [request.status for request in embedded.log] == [204, 404]


@pytest.mark.parametrize("blob", [False, True])
@pytest.mark.parametrize("scheme", ["Basic", "Bearer"])
async def test_a_challenge_from_where_a_redirect_leads_is_not_taken_up(
    embedded: Running, team: Repository, blob: bool, scheme: str
) -> None:
    with serving() as elsewhere:
        challenge = f'{scheme} realm="http://{elsewhere.host}/token"'
        elsewhere.faults.add(actions.Answer(401, headers={"WWW-Authenticate": challenge}))
        away = {"Location": f"http://{elsewhere.host}/x"}
        embedded.faults.add(actions.Answer(307, headers=away), times=1)
        async with client(auths={embedded.host: _AUTHS, elsewhere.host: _AUTHS}) as opened:
            with pytest.raises(Unauthorized):
                await (_whole(opened, team, _descriptor()) if blob else opened.get_manifest(team, "latest"))
            # Nor is it remembered as what the registry itself wants.
            assert (await opened.get_manifest(team, "latest")).digest == _DIGEST
    assert [request.path for request in elsewhere.log] == ["/x"]
    assert not [request for request in (*elsewhere.log, *embedded.log) if "Authorization" in request.headers]


async def test_an_upload_waits_as_long_as_it_is_asked_to(embedded: Running, target: Repository) -> None:
    clock = Clock()
    embedded.faults.add(actions.Answer(429, headers={"Retry-After": "6"}), method="PUT", times=1)
    async with client(clock=clock) as opened:
        await opened.put_blob(target, _descriptor(), _content(_BLOB))
    assert clock.pauses == [6.0]


async def test_a_page_is_no_word_of_a_registry(embedded: Running, team: Repository, registry: Client) -> None:
    page = b"<html><title>404 no backend</title></html>"
    embedded.faults.add(actions.Answer(404, page, {"Content-Type": "text/html"}))
    with pytest.raises(RegistryError, match="404 no backend") as caught:
        await registry.get_manifest(team, "latest")
    assert not isinstance(caught.value, NotFound)
    assert "proxy" in caught.value.hint


async def test_a_long_answer_to_a_put_is_not_read_to_its_end(
    embedded: Running, target: Repository, registry: Client
) -> None:
    embedded.faults.add(actions.Answer(201, b"x" * 200_000, done=True), method="PUT")
    await registry.put_manifest(target, "1", _INDEX, _TYPE)
    assert embedded.tags("team/target") == {"1": _DIGEST}


async def test_an_error_is_told_however_little_was_asked_for(
    embedded: Running, team: Repository, registry: Client
) -> None:
    embedded.put_blob("team/app", b"{}")
    embedded.faults.add(actions.Answer(403, b'{"errors":[{"code":"DENIED","message":"no pull right"}]}'))
    with pytest.raises(Unauthorized, match="DENIED: no pull right"):
        await registry.read_blob(team, _descriptor(b"{}"))


async def test_e6_what_is_being_read_is_not_asked_for_again(embedded: Running, team: Repository) -> None:
    embedded.latency = 0.05
    async with client() as registry:
        one, other = await asyncio.gather(*(registry.get_manifest(team, "latest") for _ in range(2)))
        assert one is other
        assert len(embedded.log) == 1
        await registry.get_manifest(team, "latest")
    assert len(embedded.log) == 2


async def test_e6_who_waits_for_it_may_be_cancelled(embedded: Running, team: Repository) -> None:
    embedded.latency = 0.05
    async with client() as registry:
        first, second = (asyncio.ensure_future(registry.get_manifest(team, "latest")) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert (await second).digest == _DIGEST
    assert first.cancelled()
    assert len(embedded.log) == 1


async def test_e6_a_failure_is_one_for_all_and_not_for_ever(embedded: Running, team: Repository) -> None:
    embedded.faults.add(actions.Answer(403), times=1)
    embedded.latency = 0.05
    async with client() as registry:
        ended = await asyncio.gather(*(registry.get_manifest(team, "latest") for _ in range(2)), return_exceptions=True)
        assert [type(error) for error in ended] == [Unauthorized, Unauthorized]
        assert (await registry.get_manifest(team, "latest")).digest == _DIGEST
    assert len(embedded.log) == 2


@pytest.mark.parametrize(("lagging", "found"), [(4, True), (6, False)])
async def test_e3_what_was_written_is_looked_for_some_times(
    embedded: Running, target: Repository, lagging: int, found: bool
) -> None:
    clock = Clock()
    embedded.faults.add(actions.Answer(202, done=True), method="PUT")
    embedded.faults.add(actions.Answer(404), method="GET", times=lagging // 2)
    embedded.faults.add(actions.Answer(404), method="HEAD", times=lagging // 2)
    async with client(clock=clock) as registry:
        if found:
            await registry.put_manifest(target, "new", _INDEX, _TYPE)
        else:
            with pytest.raises(RegistryError, match="the registry did not store"):
                await registry.put_manifest(target, "new", _INDEX, _TYPE)
    assert len(clock.pauses) == 2


async def test_b10_the_limit_can_be_moved(embedded: Running, team: Repository) -> None:
    watched = Watched()
    long = _INDEX.ljust(MAX_SIZE + 1)
    embedded.faults.add(actions.Answer(201), method="PUT")
    embedded.faults.add(actions.Answer(200, long, {"Content-Type": _TYPE}), method="GET")
    async with client(manifest_limit=MAX_SIZE + 1, observe=watched) as registry:
        await registry.put_manifest(team, "long", long, _TYPE)
        assert (await registry.get_manifest(team, "long")).size == MAX_SIZE + 1
    (notice,) = watched.of(Noticed)
    assert notice.message.endswith(f"has {MAX_SIZE + 1} bytes; there are registries that take no more than {MAX_SIZE}")


async def test_a_tag_that_may_have_been_moved_is_resolved_anew(embedded: Running, team: Repository) -> None:
    async with client(attempts=1) as registry:
        assert (await registry.resolve(team, "latest")).digest == _DIGEST
        moved = json.dumps(
            {"schemaVersion": 2, "mediaType": _TYPE, "manifests": [], "annotations": {"a": "b"}}
        ).encode()
        embedded.faults.add(_lost, method="PUT")
        with pytest.raises(Unreachable):
            await registry.put_manifest(team, "latest", moved, _TYPE)
        assert (await registry.resolve(team, "latest")).digest == Digest.of(moved)


async def _lost(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Do what is asked for, and lose the answer."""
    await handler(request)
    return await actions.Reset()(request, handler)
