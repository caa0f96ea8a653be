"""What a request may bring about is noted before it is sent, and what became of it with its answer."""

from __future__ import annotations

import json

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from manifest_tool.conformance.ledger import Ledger
from manifest_tool.oci.digest import Digest
from manifest_tool.registry.answers import Answer
from manifest_tool.registry.transport import Request
from tests.registry.parts import repository

HERE = repository("r.test", "a/b")
BASE = "http://r.test/v2/a/b"
DATA = b"some content"
DIGEST = Digest.of(DATA)
SHA512 = Digest.of(DATA, "sha512")


def exchange(ledger: Ledger, request: Request, status: int, **headers: str) -> None:
    new = ledger.asked(HERE, request)
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    answer = Answer(request.method, request.url, status, CIMultiDictProxy(named))
    ledger.answered(HERE, request, answer, new)


def put(which: str, raw: bytes = DATA, query: str = "") -> Request:
    return Request("PUT", URL(f"{BASE}/manifests/{which}{query}"), body=raw)


def post(query: str = "") -> Request:
    return Request("POST", URL(f"{BASE}/blobs/uploads/{query}"))


def uploads(ledger: Ledger) -> list[str]:
    return [str(url) for _, url in ledger.uploads]


def test_what_is_not_answered_may_be_there() -> None:
    ledger = Ledger()
    ledger.asked(HERE, put("latest"))
    ledger.asked(HERE, Request("PUT", URL(f"{BASE}/blobs/uploads/1?digest={DIGEST}")))
    ledger.asked(HERE, post(f"?mount={SHA512}&from=x"))
    assert ledger.notes.tags == {(HERE, "latest"): DIGEST}
    assert list(ledger.notes.manifests) == [(HERE, DIGEST)]
    assert list(ledger.notes.blobs) == [(HERE, DIGEST), (HERE, SHA512)]


@pytest.mark.parametrize(("status", "stays"), [(201, True), (404, False), (400, False), (500, True), (502, True)])
def test_what_is_clearly_refused_is_not_there(status: int, stays: bool) -> None:
    ledger = Ledger()
    exchange(ledger, put("latest"), status)
    exchange(ledger, Request("PUT", URL(f"{BASE}/blobs/uploads/1?digest={DIGEST}"), body=DATA), status)
    assert [bool(ledger.notes.tags), bool(ledger.notes.manifests), bool(ledger.notes.blobs)] == [stays] * 3


def test_what_was_there_before_a_refusal_is_still_there() -> None:
    ledger = Ledger()
    exchange(ledger, put("latest"), 201)
    exchange(ledger, put("latest"), 409)
    exchange(ledger, put("latest", b"another"), 409)
    assert ledger.notes.tags == {(HERE, "latest"): DIGEST}
    assert list(ledger.notes.manifests) == [(HERE, DIGEST)]


def test_a_tag_is_where_it_was_moved_to_and_all_tags_count() -> None:
    ledger = Ledger()
    exchange(ledger, put("latest"), 201)
    exchange(ledger, put("latest", b"another"), 201)
    exchange(ledger, put(str(DIGEST), query="?tag=one&tag=two"), 201)
    other = Digest.of(b"another")
    assert ledger.notes.tags == {(HERE, "latest"): other, (HERE, "one"): DIGEST, (HERE, "two"): DIGEST}


def test_a_manifest_is_noted_with_what_it_lists() -> None:
    ledger, child = Ledger(), Digest.of(b"child")
    raw = json.dumps({"manifests": [{"digest": str(child)}, 7, {"digest": 8}], "subject": {"digest": str(DIGEST)}})
    exchange(ledger, put("index", raw.encode()), 201)
    assert ledger.notes.manifests == {(HERE, Digest.of(raw.encode())): {child, DIGEST}}


@pytest.mark.parametrize("raw", [b"", b"no JSON", b"[]", b'{"manifests": 7}', b"[" * 100_000])
def test_a_manifest_that_cannot_be_read_lists_nothing(raw: bytes) -> None:
    ledger = Ledger()
    exchange(ledger, put(str(DIGEST), raw), 201)
    assert ledger.notes.manifests == {(HERE, DIGEST): frozenset()}


def test_what_a_registry_renames_is_noted_under_both_names() -> None:
    ledger = Ledger()
    exchange(ledger, put(str(SHA512)), 201, Docker_Content_Digest=str(DIGEST))
    exchange(
        ledger,
        Request("PUT", URL(f"{BASE}/blobs/uploads/1?digest={SHA512}"), body=DATA),
        201,
        Docker_Content_Digest=str(DIGEST),
    )
    assert set(ledger.notes.manifests) == set(ledger.notes.blobs) == {(HERE, SHA512), (HERE, DIGEST)}


def test_what_a_registry_only_claims_to_be_ours_is_not_noted() -> None:
    ledger = Ledger()
    exchange(ledger, put("latest"), 201, Docker_Content_Digest=str(Digest.of(b"of somebody else")))
    assert list(ledger.notes.manifests) == [(HERE, DIGEST)]


@pytest.mark.parametrize("data", [b"", b"{}"])
@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_what_other_images_have_too_is_never_noted(data: bytes, algorithm: str) -> None:
    ledger, digest = Ledger(), Digest.of(data, algorithm)
    request = Request("PUT", URL(f"{BASE}/blobs/uploads/1?digest={digest}"), body=data)
    exchange(ledger, request, 201, Docker_Content_Digest=str(Digest.of(data)))
    exchange(ledger, post(f"?mount={digest}&from=x"), 201)
    assert not ledger.notes.blobs


def test_an_upload_is_followed_until_it_ends() -> None:
    ledger, first, second = Ledger(), f"{BASE}/blobs/uploads/1?state=a%2Fb", f"{BASE}/blobs/uploads/1?state=c"
    exchange(ledger, post(), 202, Location=first)
    assert uploads(ledger) == [first]
    exchange(ledger, Request("PATCH", URL(first, encoded=True)), 202, Location=second)
    assert uploads(ledger) == [second]
    exchange(ledger, Request("PUT", URL(f"{second}&digest={DIGEST}", encoded=True)), 400)
    assert uploads(ledger) == [second]
    exchange(ledger, Request("PUT", URL(f"{second}&digest={DIGEST}", encoded=True)), 201)
    assert uploads(ledger) == []


def test_an_upload_that_is_given_up_has_ended() -> None:
    ledger, location = Ledger(), f"{BASE}/blobs/uploads/1"
    exchange(ledger, post(), 202, Location=location)
    exchange(ledger, Request("DELETE", URL(location)), 204)
    assert uploads(ledger) == []


def test_a_mount_that_is_declined_is_an_upload() -> None:
    ledger, location = Ledger(), f"{BASE}/blobs/uploads/1"
    exchange(ledger, post(f"?mount={DIGEST}&from=x"), 202, Location=location)
    assert (uploads(ledger), ledger.notes.blobs) == ([location], {})


def test_an_upload_without_a_location_cannot_be_given_up() -> None:
    ledger = Ledger()
    exchange(ledger, post(), 202)
    exchange(ledger, post(), 202, Location="ftp://x/")
    assert uploads(ledger) == []


def test_what_is_deleted_is_gone_and_a_manifest_with_its_tags() -> None:
    ledger = Ledger()
    exchange(ledger, put("one"), 201)
    exchange(ledger, put("two"), 201)
    exchange(ledger, put("three", b"another"), 201)
    exchange(ledger, Request("PUT", URL(f"{BASE}/blobs/uploads/1?digest={DIGEST}"), body=DATA), 201)
    exchange(ledger, Request("DELETE", URL(f"{BASE}/manifests/one")), 405)
    assert len(ledger.notes.tags) == 3
    exchange(ledger, Request("DELETE", URL(f"{BASE}/manifests/one")), 202)
    assert [tag for _, tag in ledger.notes.tags] == ["two", "three"]
    exchange(ledger, Request("DELETE", URL(f"{BASE}/manifests/{DIGEST}")), 202)
    assert [tag for _, tag in ledger.notes.tags] == ["three"]
    exchange(ledger, Request("DELETE", URL(f"{BASE}/blobs/{DIGEST}")), 202)
    assert not ledger.notes.blobs


def test_a_tag_of_another_repository_does_not_end_with_a_manifest() -> None:
    ledger, there = Ledger(), repository("r.test", "a/c")
    exchange(ledger, put("one"), 201)
    ledger.asked(there, put("two"))
    exchange(ledger, Request("DELETE", URL(f"{BASE}/manifests/{DIGEST}")), 202)
    assert ledger.notes.tags == {(there, "two"): DIGEST}
