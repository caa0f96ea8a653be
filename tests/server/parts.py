"""What is sent to a registry: bodies, and manifests of small documents."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest

if TYPE_CHECKING:
    from manifest_tool.server.serve import Running
    from tests.server.conftest import Answer, Client

REPOSITORY = "a/b"
DATA = b"0123456789" * 400
DIGEST = Digest.of(DATA)
UPLOADS = f"/v2/{REPOSITORY}/blobs/uploads/"
ALGORITHMS = ("sha256", "sha512")


def pieces(data: bytes = DATA, size: int = 64) -> Iterator[bytes]:
    """A body that http.client sends in HTTP chunks, without a Content-Length."""
    return (data[start : start + size] for start in range(0, len(data), size))


def with_digest(location: str, digest: object) -> str:
    """The URL of an upload as it was given, with a digest added to its query."""
    return f"{location}{'&' if '?' in location else '?'}digest={digest}"


def begin(client: Client, query: str = "") -> str:
    """Open an upload; gives its URL."""
    answer = client("POST", UPLOADS + query)
    assert (answer.status, answer.headers["Content-Length"]) == (202, "0")
    return answer.headers["Location"]


def descriptor(digest: object, media_type: str = types.OCI_LAYER, **more: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": str(digest), "size": 1, **more}


def image(registry: Running, repository: str = REPOSITORY, **more: Any) -> dict[str, Any]:
    """An image whose blobs are there."""
    config, layer = registry.put_blob(repository, b"{}"), registry.put_blob(repository, b"layer")
    return {
        "schemaVersion": 2,
        "mediaType": types.OCI_MANIFEST,
        "config": descriptor(config, types.OCI_CONFIG),
        "layers": [descriptor(layer)],
        **more,
    }


def index(*children: object, **more: Any) -> dict[str, Any]:
    entries = [descriptor(child, types.OCI_MANIFEST) for child in children]
    return {"schemaVersion": 2, "mediaType": types.OCI_INDEX, "manifests": entries, **more}


def manifest(which: object, repository: str = REPOSITORY) -> str:
    """The path of a manifest."""
    return f"/v2/{repository}/manifests/{which}"


def put(client: Client, document: Any, which: object = "tag", media_type: str = "", body: Any = None) -> Answer:
    raw = body or json.dumps(document).encode()
    return client("PUT", manifest(which), raw, Content_Type=media_type or document["mediaType"])


def stored(answer: Answer) -> Digest:
    """The digest of what was put."""
    assert answer.status == 201, answer.body
    return Digest.parse(answer.headers["Docker-Content-Digest"])
