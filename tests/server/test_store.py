"""Both stores keep the same promises."""

from __future__ import annotations

import pytest

from manifest_tool.oci.digest import Digest
from manifest_tool.server.sessions import Superseded
from manifest_tool.server.store import Store, Stored

DATA = b"some bytes"
DIGEST = Digest.of(DATA)
MANIFEST = Stored("application/vnd.oci.image.index.v1+json", b"{}")


def put(store: Store, repository: str, data: bytes = DATA) -> Digest:
    upload, digest = store.begin(repository), Digest.of(data)
    upload.write(data)
    assert store.commit(repository, upload.id, digest)
    return digest


def read(store: Store, repository: str, digest: Digest = DIGEST) -> bytes | None:
    blob = store.blob(repository, digest)
    if blob is None:
        return None
    with blob.open() as file:
        data = file.read()
    assert blob.size == len(data)
    return data


def test_an_upload_grows_and_becomes_a_blob(store: Store) -> None:
    upload = store.begin("a/b")
    assert upload.size == 0
    upload.write(DATA[:4])
    upload.write(DATA[4:])
    found = store.upload("a/b", upload.id)
    assert found is not None
    assert found.size == len(DATA)
    assert store.upload("a", upload.id) is None
    assert store.commit("a/b", upload.id, DIGEST)
    assert store.upload("a/b", upload.id) is None
    assert read(store, "a/b") == DATA
    assert not store.commit("a/b", upload.id, DIGEST)


def test_bytes_of_another_digest_are_dropped(store: Store) -> None:
    upload = store.begin("a")
    upload.write(b"others")
    assert not store.commit("a", upload.id, DIGEST)
    assert store.upload("a", upload.id) is None
    assert read(store, "a") is None


def test_whoever_took_an_upload_over_last_goes_on_with_it(store: Store) -> None:
    upload = store.begin("a")
    first = upload.take_over()
    upload.write(DATA[:4], first)
    second = upload.take_over()
    with pytest.raises(Superseded):
        upload.write(b"more", first)
    with pytest.raises(Superseded):
        store.commit("a", upload.id, DIGEST, first)
    upload.write(DATA[4:], second)
    assert store.commit("a", upload.id, DIGEST, second)
    with pytest.raises(Superseded):
        upload.write(b"more", second)
    assert read(store, "a") == DATA


def test_sha512_and_nothing_at_all_are_content_too(store: Store) -> None:
    upload, digest = store.begin("a"), Digest.of(b"", "sha512")
    assert store.commit("a", upload.id, digest)
    assert read(store, "a", digest) == b""


def test_an_upload_can_be_given_up(store: Store) -> None:
    upload = store.begin("a")
    assert store.discard("a", upload.id)
    assert not store.discard("a", upload.id)


@pytest.mark.parametrize("identity", ["..", "../../a", "0" * 32, ""])
def test_an_unknown_upload_is_none(store: Store, identity: str) -> None:
    assert store.upload("a", identity) is None
    assert not store.discard("a", identity)


def test_a_blob_is_only_where_it_was_put_or_mounted(store: Store) -> None:
    put(store, "a")
    assert read(store, "b") is None
    assert not store.mount("b", DIGEST, "c")
    assert store.mount("b", DIGEST, "a")
    assert read(store, "b") == DATA
    assert store.mount("d", DIGEST)
    assert not store.mount("d", Digest.of(b"unknown"))
    assert store.repositories() == ["a", "b", "d"]


def test_a_deleted_blob_stays_where_else_it_is(store: Store) -> None:
    put(store, "a")
    store.mount("b", DIGEST, "a")
    assert store.delete_blob("a", DIGEST)
    assert not store.delete_blob("a", DIGEST)
    assert read(store, "a") is None
    assert read(store, "b") == DATA
    assert store.delete_blob("b", DIGEST)
    assert not store.mount("c", DIGEST)


def test_manifests_and_their_tags(store: Store) -> None:
    digest = Digest.of(MANIFEST.raw)
    store.put_manifest("a", digest, MANIFEST, ["one", "two"])
    assert store.manifest("a", digest) == MANIFEST
    assert store.manifest("b", digest) is None
    assert store.manifests("a") == [digest]
    assert store.tags("a") == {"one": digest, "two": digest}
    assert (store.tag("a", "one"), store.tag("a", "three"), store.tag("b", "one")) == (digest, None, None)
    assert store.delete_tag("a", "one")
    assert not store.delete_tag("a", "one")
    assert store.delete_manifest("a", digest)
    assert not store.delete_manifest("a", digest)
    assert store.tags("a") == {}
    assert store.manifests("a") == []


def test_a_tag_moves(store: Store) -> None:
    other = Stored(MANIFEST.media_type, b"[]")
    store.put_manifest("a", Digest.of(MANIFEST.raw), MANIFEST, ["tag"])
    store.put_manifest("a", Digest.of(other.raw), other, ["tag"])
    assert store.tags("a") == {"tag": Digest.of(other.raw)}


def test_a_blob_and_a_manifest_may_have_the_same_bytes(store: Store) -> None:
    digest = put(store, "a", MANIFEST.raw)
    store.put_manifest("a", digest, MANIFEST)
    assert store.delete_blob("a", digest)
    assert store.manifest("a", digest) == MANIFEST


def test_nothing_of_an_unknown_repository(store: Store) -> None:
    assert store.repositories() == []
    assert store.tags("a") == {}
    assert store.manifests("a") == []
