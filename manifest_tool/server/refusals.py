"""Refusals: the answers that say no (distribution-spec § Error Codes)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from manifest_tool.errors import InvalidDigest
    from manifest_tool.oci.digest import Digest


_MOST = 100
"""How many reasons one refusal has: clients read no long ones."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One item of ``errors``."""

    code: str
    message: str
    detail: Any = None

    def to_json(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "detail": self.detail}


class Refusal(Exception):
    """A request is answered with its reasons, and nothing else happens."""

    def __init__(self, status: int, *reasons: Reason, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, *reasons)
        self.status = status
        self.reasons = reasons
        self.headers = dict(headers or {})

    def response(self) -> web.Response:
        """The answer, ready to be sent."""
        body = json.dumps({"errors": [reason.to_json() for reason in self.reasons]}).encode()
        headers = {**self.headers, "Content-Type": "application/json"}
        return web.Response(status=self.status, body=body, headers=headers)


def blob_unknown(digest: Digest) -> Refusal:
    return Refusal(404, Reason("BLOB_UNKNOWN", "blob unknown to registry", str(digest)))


def content_missing(digests: Iterable[Digest]) -> Refusal:
    """What a manifest points to is not there; children of an index too, as distribution answers for them."""
    told = islice(digests, _MOST)
    reasons = (Reason("MANIFEST_BLOB_UNKNOWN", "blob unknown to registry", str(digest)) for digest in told)
    return Refusal(400, *reasons)


def digest_invalid(error: InvalidDigest) -> Refusal:
    return Refusal(400, Reason("DIGEST_INVALID", str(error), error.text))


def digest_mismatch(digest: Digest) -> Refusal:
    return Refusal(400, Reason("DIGEST_INVALID", "provided digest did not match uploaded content", str(digest)))


def manifest_invalid(why: str) -> Refusal:
    return Refusal(400, Reason("MANIFEST_INVALID", "manifest invalid", why))


def manifest_unknown(which: str) -> Refusal:
    return Refusal(404, Reason("MANIFEST_UNKNOWN", "manifest unknown", which))


def name_invalid(name: str) -> Refusal:
    return Refusal(400, Reason("NAME_INVALID", "invalid repository name", name))


def name_unknown(name: str) -> Refusal:
    return Refusal(404, Reason("NAME_UNKNOWN", "repository name not known to registry", {"name": name}))


def number_invalid(text: str) -> Refusal:
    return Refusal(400, Reason("PAGINATION_NUMBER_INVALID", "invalid number of results requested", {"n": text}))


def range_not_satisfiable(size: int) -> Refusal:
    return Refusal(416, Reason("RANGE_INVALID", "range not satisfiable"), headers={"Content-Range": f"bytes */{size}"})


def tag_invalid(tag: str) -> Refusal:
    return Refusal(400, Reason("TAG_INVALID", "invalid tag", tag))


def too_large(limit: int) -> Refusal:
    return Refusal(413, Reason("SIZE_INVALID", f"a manifest has at most {limit} bytes here"))


def too_many_uploads(seconds: float) -> Refusal:
    reason = Reason("TOOMANYREQUESTS", "there are as many open uploads as there may be")
    return Refusal(429, reason, headers={"Retry-After": f"{seconds:.0f}"})


def full(why: str) -> Refusal:
    """No client tries this again by itself, as it would after 507."""
    return Refusal(413, Reason("SIZE_INVALID", "there is no room for it", why))


def too_many_tags(limit: int) -> Refusal:
    """As the specification has it (distribution-spec § Pushing Manifests)."""
    return Refusal(414, Reason("TAG_INVALID", f"a manifest is given at most {limit} tags at a time"))


def upload_taken(identity: str) -> Refusal:
    return Refusal(409, Reason("BLOB_UPLOAD_INVALID", "another request goes on with this upload", identity))


def upload_unknown(identity: str) -> Refusal:
    return Refusal(404, Reason("BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry", identity))
