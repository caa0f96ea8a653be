"""What a registry may have, by what it acknowledged before it was killed, and whether it does."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field

from manifest_tool.oci.digest import Digest

Answer = tuple[int, dict[str, str], bytes]


def ask(connection: http.client.HTTPConnection, method: str, path: str, body: object = None, **headers: str) -> Answer:
    """One request; names of headers with underscores."""
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})  # type: ignore[arg-type]
    response = connection.getresponse()
    return response.status, {name.lower(): value for name, value in response.headers.items()}, response.read()


@dataclass
class Ledger:
    """One repository, which one writer writes to; what is under way has more than one way to end."""

    name: str
    blobs: dict[Digest, set[bool]] = field(default_factory=dict)
    manifests: dict[Digest, set[bool]] = field(default_factory=dict)
    needs: dict[Digest, list[Digest]] = field(default_factory=dict)
    tags: dict[str, set[Digest | None]] = field(default_factory=dict)
    sessions: dict[str, bytes] = field(default_factory=dict)
    """What was acknowledged of uploads that were not ended."""

    def verify(self, connection: http.client.HTTPConnection) -> int:
        """Look at everything; how many things were there. What was found is what holds from now on."""
        found = 0
        for blobs, kind in ((self.blobs, "blobs"), (self.manifests, "manifests")):
            for digest, allowed in blobs.items():
                there = self._content(connection, kind, digest) is not None
                assert there in allowed, f"{self.name}/{kind}/{digest}: {there}, not {allowed}"
                blobs[digest] = {there}
                found += there
        self._verify_manifests(connection)
        self._verify_tags(connection)
        return found + len(self.tags)

    def resume(self, connection: http.client.HTTPConnection) -> None:
        """Go on with the uploads that were begun."""
        for location, data in self.sessions.items():
            status, headers, _ = ask(connection, "GET", location)
            assert (status, headers.get("range")) == (204, f"0-{len(data) - 1}"), location
            digest = Digest.of(data + b"the rest")
            assert ask(connection, "PUT", f"{location}?digest={digest}", b"the rest")[0] == 201
            self.blobs[digest] = {True}
        self.sessions.clear()

    def _content(self, connection: http.client.HTTPConnection, kind: str, digest: Digest) -> bytes | None:
        status, _, body = ask(connection, "GET", f"/v2/{self.name}/{kind}/{digest}")
        if status == 404:
            return None
        assert (status, Digest.of(body, digest.algorithm)) == (200, digest)
        return body

    def _verify_manifests(self, connection: http.client.HTTPConnection) -> None:
        for digest, there in self.manifests.items():
            for blob in self.needs[digest] if True in there else ():
                assert self.blobs[blob] == {True}, f"{self.name}: {digest} is there without {blob}"

    def _verify_tags(self, connection: http.client.HTTPConnection) -> None:
        status, _, body = ask(connection, "GET", f"/v2/{self.name}/tags/list")
        listed = json.loads(body)["tags"] if status == 200 else []
        for tag, allowed in self.tags.items():
            status, headers, _ = ask(connection, "HEAD", f"/v2/{self.name}/manifests/{tag}")
            target = Digest.parse(headers["docker-content-digest"]) if status == 200 else None
            assert target in allowed, f"{self.name}:{tag} is {target}, not {allowed}"
            assert (tag in listed) == (target is not None), tag
            assert target is None or self.manifests[target] == {True}
            self.tags[tag] = {target}
        assert set(listed) <= set(self.tags)
