"""What a run has put into a registry, so that it can be taken out again; noted from the requests themselves."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from yarl import URL

from manifest_tool.errors import InvalidDigest, RegistryError
from manifest_tool.oci.digest import Digest
from manifest_tool.registry.upload import Upload

if TYPE_CHECKING:
    from manifest_tool.oci.reference import Repository
    from manifest_tool.registry.answers import Answer
    from manifest_tool.registry.transport import Request

_MANIFEST = re.compile(r"/v2/.+/manifests/([^/]+)")
_BLOB = re.compile(r"/v2/.+/blobs/([^/]+)")
_CLOSING = re.compile(r"[?&]digest=[^&]+$")
_COMMON = frozenset(Digest.of(data, algorithm) for data in (b"", b"{}") for algorithm in ("sha256", "sha512"))
"""What other images have too; it is never taken away."""

_Tag: TypeAlias = "tuple[Repository, str]"
_Content: TypeAlias = "tuple[Repository, Digest]"


@dataclass(frozen=True, slots=True)
class Notes:
    """Tags, manifests and blobs; for each tag what it points to, and for each manifest what it lists."""

    tags: dict[_Tag, Digest | None] = field(default_factory=dict, hash=False)
    manifests: dict[_Content, frozenset[Digest]] = field(default_factory=dict, hash=False)
    blobs: dict[_Content, None] = field(default_factory=dict, hash=False)

    def add(self, other: Notes) -> None:
        self.tags.update(other.tags)
        self.manifests.update(other.manifests)
        self.blobs.update(other.blobs)

    def drop(self, other: Notes) -> None:
        for tag in other.tags:
            self.tags.pop(tag, None)
        for content in (*other.manifests, *other.blobs):
            self.manifests.pop(content, None)
            self.blobs.pop(content, None)

    def without(self, other: Notes) -> Notes:
        """What the other one has not."""
        return Notes(
            {tag: digest for tag, digest in self.tags.items() if tag not in other.tags},
            {content: listed for content, listed in self.manifests.items() if content not in other.manifests},
            {content: None for content in self.blobs if content not in other.blobs},
        )


@dataclass(frozen=True, slots=True)
class Ledger:
    """Everything that may be there: what was asked for and not clearly refused, and was not taken away since."""

    notes: Notes = field(default_factory=Notes)
    uploads: dict[tuple[Repository, URL], None] = field(default_factory=dict, hash=False)

    def asked(self, repository: Repository, request: Request) -> Notes:
        """Note what a request may bring about; what is new of it."""
        coming = _coming(repository, request)
        new = coming.without(self.notes)
        self.notes.add(new)
        return new

    def answered(self, repository: Repository, request: Request, answer: Answer, new: Notes) -> None:
        """Note what an answer says; ``new`` is what was new with the request."""
        if 400 <= answer.status < 500:
            self.notes.drop(new)
        elif answer.status < 300 and request.method == "DELETE":
            self.deleted(repository, request.url)
        elif answer.status < 300 and request.method in {"POST", "PATCH", "PUT"}:
            self._written(repository, request, answer, new)

    def _written(self, repository: Repository, request: Request, answer: Answer, new: Notes) -> None:
        # A tag may have been moved.
        self.notes.tags.update(_coming(repository, request).tags)
        self.uploads.pop((repository, _session(request.url)), None)
        if answer.status == 202 and request.method != "PUT":
            # A mount that is declined, or a blob that is not taken at once, opens an upload.
            self.notes.drop(new)
            self.uploads.update({(repository, location): None for location in _locations(answer)})
        else:
            self.notes.add(_renamed(request, answer, new))

    def deleted(self, repository: Repository, url: URL) -> None:
        """Note that what a URL names is gone; a manifest's tags are gone with it."""
        self.uploads.pop((repository, url), None)
        if matched := _BLOB.fullmatch(url.path):
            self.notes.drop(Notes(blobs={(repository, digest): None for digest in _digests(matched[1])}))
        if matched := _MANIFEST.fullmatch(url.path):
            self.notes.tags.pop((repository, matched[1]), None)
            for digest in _digests(matched[1]):
                pointing: dict[_Tag, Digest | None] = {
                    tag: target for tag, target in self.notes.tags.items() if tag[0] == repository and target == digest
                }
                self.notes.drop(Notes(pointing, {(repository, digest): frozenset()}))


def _coming(repository: Repository, request: Request) -> Notes:
    """What a request may bring about."""
    notes, query = Notes(), request.url.query
    if request.method == "PUT" and (matched := _MANIFEST.fullmatch(request.url.path)):
        raw = _raw(request)
        digests = _digests(matched[1]) or ((Digest.of(raw),) if raw else ())
        notes.manifests.update({(repository, digest): _listed(raw) for digest in digests})
        tags = [*([] if ":" in matched[1] else [matched[1]]), *query.getall("tag", [])]
        notes.tags.update({(repository, tag): next(iter(digests), None) for tag in tags})
    elif request.method in {"PUT", "POST"}:
        named = {*_digests(query.get("digest", "")), *_digests(query.get("mount", ""))}
        notes.blobs.update({(repository, digest): None for digest in named - _COMMON})
    return notes


def _renamed(request: Request, answer: Answer, new: Notes) -> Notes:
    """The same under the digest that the registry says it has: there are some that know no sha512."""
    raw, found = _raw(request), Notes()
    for digest in _digests(answer.headers.get("Docker-Content-Digest", "")):
        if raw and digest.matches(raw) and digest not in _COMMON:
            found.manifests.update({(repository, digest): listed for (repository, _), listed in new.manifests.items()})
            found.blobs.update({(repository, digest): None for repository, _ in new.blobs})
    return found


def _raw(request: Request) -> bytes:
    return request.body if isinstance(request.body, bytes) else b""


def _locations(answer: Answer) -> tuple[URL, ...]:
    """Where an upload goes on; nowhere if the registry opened one and does not say."""
    try:
        return (Upload.of(answer).location,)
    except RegistryError:
        return (answer.url,) if answer.method == "PATCH" else ()


def _session(url: URL) -> URL:
    """The upload that a request ends, or goes on with."""
    return URL(_CLOSING.sub("", str(url)), encoded=True)


def _digests(text: str) -> tuple[Digest, ...]:
    """The digest, if it is one."""
    try:
        return (Digest.parse(text),)
    except InvalidDigest:
        return ()


def _listed(raw: bytes) -> frozenset[Digest]:
    """The manifests that a manifest points to, as far as it can be read."""
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        return frozenset()
    document = document if isinstance(document, dict) else {}
    listed = document.get("manifests")
    entries = [*(listed if isinstance(listed, list) else ()), document.get("subject")]
    texts = [entry.get("digest") for entry in entries if isinstance(entry, dict)]
    return frozenset(digest for text in texts if isinstance(text, str) for digest in _digests(text))
