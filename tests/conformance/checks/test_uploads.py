"""Each check of uploads, on a registry that does it and on some that do not."""

from __future__ import annotations

from typing import Any

import pytest

from manifest_tool.conformance.checks import uploads
from manifest_tool.conformance.result import Outcome
from manifest_tool.oci.digest import Digest
from manifest_tool.server.actions import Answer, Body, Damage, Headers
from manifest_tool.server.serve import Running
from tests.conformance import trial
from tests.conformance.checks.wrong import Blind, Deaf, Instead, refusal

PASS, FAIL, UNSUPPORTED = Outcome.PASS, Outcome.FAIL, Outcome.UNSUPPORTED
BLOBS = r"/blobs/sha"
UPLOADS = r"/blobs/uploads/"
SESSION = r"/blobs/uploads/\w"


@pytest.mark.parametrize("name", [check.id for check in uploads.CHECKS.checks])
async def test_the_embedded_registry_passes(embedded: Running, name: str) -> None:
    result = await trial.tried(embedded.host, name)
    assert result.outcome is Outcome.PASS, result.detail
    assert result.exchanges


@pytest.mark.parametrize(
    ("name", "method", "path", "action", "outcome", "words"),
    [
        ("blob-put", "POST", UPLOADS, Answer(500), FAIL, "POST was answered with 500, where 202 was expected"),
        ("blob-put", "POST", UPLOADS, Headers({"Location": None}), FAIL, "opened an upload without a Location"),
        ("blob-put", "PUT", SESSION, Answer(201), FAIL, "GET of a blob that was stored was answered with 404"),
        ("blob-put", "GET", BLOBS, Damage(), FAIL, "GET gives 2048 bytes with the digest sha256:"),
        (
            "blob-put",
            "PUT",
            SESSION,
            refusal(400, "SIZE_INVALID"),
            FAIL,
            "PUT was answered with 400 (SIZE_INVALID: no)",
        ),
        ("blob-location", "PUT", SESSION, Headers({"Location": None}), FAIL, "the Location of the blob is missing"),
        ("blob-location", "PUT", SESSION, Headers({"Location": "ftp://x/"}), FAIL, "Location of the blob is no http"),
        ("blob-location", "PUT", SESSION, Headers({"Location": "/v2/x"}), FAIL, "GET of the Location that came with"),
        ("blob-location", "GET", BLOBS, Body(b"other"), FAIL, "other bytes than those that were put"),
        ("blob-post", "POST", UPLOADS, Blind(("digest",)), UNSUPPORTED, "falls back to POST and PUT"),
        ("blob-post", "POST", UPLOADS, refusal(404, "UNSUPPORTED"), UNSUPPORTED, "answered with 404 (UNSUPPORTED: no)"),
        ("blob-post", "POST", UPLOADS, Answer(500), FAIL, "POST with the whole blob was answered with 500"),
        ("blob-put", "PUT", SESSION, Instead(201, 202), PASS, "PUT was answered with 202 instead of 201; the Location"),
        ("blob-put", "PUT", SESSION, Answer(202), FAIL, "PUT was answered with 202, but the blob is not there"),
        ("blob-location", "PUT", SESSION, Instead(201, 204), FAIL, "PUT was answered with 204, where 201 was expected"),
        ("blob-wrong-put", "PUT", SESSION, Instead(400, 422), PASS, "refused with 422, where 400 is usual"),
        ("blob-post", "POST", UPLOADS, refusal(400, "SIZE_INVALID"), UNSUPPORTED, "answered with 400 (SIZE_INVALID"),
        ("blob-cancel", "DELETE", SESSION, refusal(403, "DENIED"), UNSUPPORTED, "answered with 403 (DENIED: no)"),
        ("blob-again", "PUT", SESSION, Instead(201, 409), FAIL, "PUT was answered with 409"),
        ("blob-parallel", "PUT", SESSION, Instead(201, 500), FAIL, "PUT was answered with 500"),
        ("blob-empty", "PUT", SESSION, refusal(405, "UNSUPPORTED"), UNSUPPORTED, "PUT of an empty blob"),
        (
            "blob-empty",
            "PUT",
            SESSION,
            refusal(400, "DIGEST_INVALID"),
            FAIL,
            "PUT of an empty blob was answered with 400",
        ),
        ("blob-empty", "HEAD", BLOBS, Headers({"Content-Length": None}), FAIL, "Content-Length of HEAD is missing"),
        (
            "blob-sha512",
            "PUT",
            SESSION,
            refusal(400, "DIGEST_INVALID"),
            UNSUPPORTED,
            "by its sha512 was answered with 400",
        ),
        ("blob-sha512", "PUT", SESSION, Answer(500), FAIL, "by its sha512 was answered with 500"),
        ("blob-sha512", "GET", BLOBS, Answer(404), FAIL, "answered with 201, but GET by it with 404"),
        ("blob-sha512", "GET", BLOBS, Damage(), FAIL, "GET by sha512 gives other bytes"),
        (
            "blob-sha512",
            "PUT",
            SESSION,
            Headers({"Docker-Content-Digest": f"{Digest.of(b'x')}"}),
            FAIL,
            f"Docker-Content-Digest is '{Digest.of(b'x')}'",
        ),
        ("blob-wrong-put", "PUT", SESSION, Instead(400, 201), FAIL, "was taken, with 201, where 400 was expected"),
        ("blob-wrong-put", "PUT", SESSION, Instead(400, 500), FAIL, "was answered with 500, where 400 was expected"),
        ("blob-wrong-put", "HEAD", BLOBS, Answer(200), FAIL, "HEAD of the blob was answered with 200"),
        ("blob-wrong-stream", "PUT", SESSION, Instead(400, 201), FAIL, "was taken, with 201, where 400 was expected"),
        ("blob-wrong-post", "POST", UPLOADS, Instead(400, 201), FAIL, "was taken, with 201, where 400 was expected"),
        (
            "blob-malformed-digest",
            "PUT",
            SESSION,
            Instead(400, 500),
            FAIL,
            "an upload with a malformed digest was answered with 500",
        ),
        ("blob-stream", "PATCH", SESSION, Answer(411), UNSUPPORTED, "without a Content-Length was answered with 411"),
        ("blob-stream", "PATCH", SESSION, refusal(405, "UNSUPPORTED"), UNSUPPORTED, "in one PUT, and needs no chunks"),
        ("blob-stream", "PATCH", SESSION, Answer(500), FAIL, "PATCH without a Content-Length was answered with 500"),
        ("blob-stream", "PATCH", SESSION, Answer(202), FAIL, "PUT after a streamed PATCH was answered with 400"),
        ("blob-chunked", "PATCH", SESSION, refusal(405, "UNSUPPORTED"), UNSUPPORTED, "PATCH of the chunk 0-1023 was"),
        ("blob-chunked", "PATCH", SESSION, Headers({"Range": "0-7"}), FAIL, "Range of PATCH is '0-7', where '0-1023'"),
        ("blob-chunked", "PATCH", SESSION, Headers({"Range": None}), FAIL, "Range of PATCH is 'missing'"),
        ("blob-chunked", "PATCH", SESSION, Headers({"Location": None}), FAIL, "was answered without a Location"),
        ("blob-chunked", "POST", UPLOADS, Headers({"OCI-Chunk-Min-Length": "9" * 9}), UNSUPPORTED, "999999999 bytes"),
        ("blob-last-chunk", "PUT", SESSION, Instead(201, 400), FAIL, "PUT with the last chunk was answered with 400"),
        ("blob-order", "PATCH", SESSION, Deaf(("Content-Range",)), FAIL, "leaves out a byte was taken (202)"),
        ("blob-order", "PATCH", SESSION, Instead(416, 400), FAIL, "was answered with 400, where 416 was expected"),
        ("blob-order", "GET", SESSION, Answer(404), FAIL, "GET of an upload after a chunk that was refused"),
        ("blob-order-put", "PUT", SESSION, Deaf(("Content-Range",)), FAIL, "leaves out a byte was taken (201)"),
        ("blob-order-put", "PUT", SESSION, Instead(416, 400), FAIL, "was answered with 400, where 416 was expected"),
        ("blob-status", "GET", SESSION, Answer(404), UNSUPPORTED, "an upload that breaks off is begun anew"),
        ("blob-status", "GET", SESSION, Instead(204, 200), FAIL, "answered with 200, where 204 was expected"),
        ("blob-status", "GET", SESSION, Headers({"Range": "0-1024"}), FAIL, "Range of GET is '0-1024', where '0-1023'"),
        ("blob-status", "GET", SESSION, Headers({"Location": None}), FAIL, "without a Location"),
        ("blob-resume", "GET", SESSION, Answer(404), UNSUPPORTED, "broke off was answered with 404; an upload that"),
        ("blob-resume", "GET", SESSION, Headers({"Range": "0-0"}), UNSUPPORTED, "nothing is kept"),
        (
            "blob-resume",
            "GET",
            SESSION,
            Headers({"Range": "0-999999"}),
            FAIL,
            "the registry says that it has '0-999999'",
        ),
        ("blob-resume", "GET", BLOBS, Damage(), FAIL, "GET gives 524288 bytes with the digest"),
        ("blob-resume-patch", "GET", SESSION, Answer(404), UNSUPPORTED, "an upload that breaks off is begun anew"),
        ("blob-cancel", "DELETE", SESSION, refusal(405, "UNSUPPORTED"), UNSUPPORTED, "it is left to expire"),
        ("blob-cancel", "DELETE", SESSION, Answer(500), FAIL, "DELETE of an upload was answered with 500"),
        ("blob-cancel", "DELETE", SESSION, Answer(204), FAIL, "was given up was answered with 204, where 404"),
    ],
)
async def test_what_is_wrong_is_told(
    embedded: Running, name: str, method: str, path: str, action: Any, outcome: Outcome, words: str
) -> None:
    embedded.faults.add(action, method=method, path=path)
    result = await trial.tried(embedded.host, name)
    assert words in result.detail
    assert result.outcome is outcome
