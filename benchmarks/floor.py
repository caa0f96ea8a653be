"""The same jobs by bare sockets, with nothing checked: what the line itself allows.

``python -m benchmarks.floor SCENARIO HOST TARGET SOURCE...``, or ``fleet HOST TARGET=SOURCE,SOURCE...``; requests
share connections as HTTP/1.1 allows it (they are sent without waiting for the answers before them), which needs fewer
connections than a real client can do with.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import os
import re
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_IMAGE = "application/vnd.docker.distribution.manifest.v2+json"
_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_CONNECTIONS = 8
_FLEET_CONNECTIONS = 64
_FLEET_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, the header fields by their names in lower case, and the body."""

    status: int
    fields: dict[str, str]
    body: bytes


class Connection(asyncio.Protocol):
    """Sends requests, and takes the answers in the same order."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._waiting: deque[asyncio.Future[Answer]] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def send(self, head: str, body: bytes = b"") -> asyncio.Future[Answer]:
        """Send a request."""
        if self._transport is None:
            raise ConnectionError("not connected")
        self._transport.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        return answer

    def data_received(self, data: bytes) -> None:
        """Take what has come completely."""
        self._buffer += data
        while self._waiting:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            start, *lines = head.decode("latin-1").split("\r\n")
            fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            length = int(fields.get("content-length", 0))
            if not found or len(rest) < length:
                return
            self._buffer = rest[length:]
            self._waiting.popleft().set_result(Answer(int(start.split(" ")[1]), fields, rest[:length]))

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will come."""
        for answer in self._waiting:
            answer.set_exception(exc or ConnectionError("closed"))


class Client:
    """Some connections to one host, used in turn."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._open: Iterator[Connection] = iter(())
        self.token = ""

    async def connect(self, count: int) -> None:
        """Open all connections at once."""
        name, _, port = self._host.rpartition(":")
        loop = asyncio.get_running_loop()
        made = [loop.create_connection(Connection, name, int(port)) for _ in range(count)]
        self._open = itertools.cycle([protocol for _, protocol in await asyncio.gather(*made)])

    def alike(self) -> Client:
        """Another one with the same connections, and a token of its own."""
        other = Client(self._host)
        other._open = self._open
        return other

    async def ask(self, method: str, target: str, body: bytes = b"", fields: str = "") -> Answer:
        """Send a request, whatever it is answered."""
        token = f"Authorization: Bearer {self.token}\r\n" if self.token else ""
        accept = f"Accept: {_IMAGE}, {_LIST}\r\n"
        head = f"{method} {target} HTTP/1.1\r\nHost: {self._host}\r\n{accept}{token}{fields}"
        return await next(self._open).send(head, body)

    async def must(self, method: str, target: str, body: bytes = b"", fields: str = "") -> Answer:
        """Send a request that has to succeed."""
        answer = await self.ask(method, target, body, fields)
        if answer.status not in {200, 201}:
            raise ConnectionError(f"{method} {target}: {answer.status} {answer.body[:200]!r}")
        return answer

    async def put(self, repository: str, which: str, raw: bytes, media_type: str) -> None:
        """Put a manifest."""
        await self.must("PUT", f"/v2/{repository}/manifests/{which}", raw, f"Content-Type: {media_type}\r\n")


def account() -> str:
    """The one account of ``config.json``, as Basic takes it; empty where there is none."""
    accounts = json.loads(Path(os.environ["DOCKER_CONFIG"], "config.json").read_text())["auths"]
    return next((str(entry["auth"]) for entry in accounts.values()), "")


async def authenticate(client: Client, secret: str, repositories: list[str], target: str) -> None:
    """Get the one token."""
    first = await client.ask("GET", f"/v2/{target}/manifests/1")
    challenge = dict(_PARAMETER.findall(first.fields["www-authenticate"]))
    host, _, path = challenge["realm"].removeprefix("http://").partition("/")
    scopes = [f"repository:{target}:pull,push", *(f"repository:{name}:pull" for name in repositories if name != target)]
    query = "&".join([f"service={challenge['service']}", *(f"scope={scope}" for scope in scopes)])
    other = Client(host)
    await other.connect(1)
    answer = await other.must("GET", f"/{path}?{query}", b"", f"Authorization: Basic {secret}\r\n")
    client.token = json.loads(answer.body)["token"]


@dataclass(frozen=True, slots=True)
class Source:
    """An image that was read."""

    repository: str
    raw: bytes
    platform: dict[str, str]

    @property
    def digest(self) -> str:
        return f"sha256:{hashlib.sha256(self.raw).hexdigest()}"


async def read(client: Client, repository: str, which: str, target: str, *, mount: bool) -> Source:
    """Read an image, and mount its blobs beside the reading of its config."""
    raw = (await client.must("GET", f"/v2/{repository}/manifests/{which}")).body
    manifest = json.loads(raw)
    blobs = [manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])] if mount else []
    uploads = f"/v2/{target}/blobs/uploads/"
    config, *_ = await asyncio.gather(
        client.must("GET", f"/v2/{repository}/blobs/{manifest['config']['digest']}"),
        *(client.must("POST", f"{uploads}?mount={blob}&from={repository}") for blob in blobs),
    )
    found = json.loads(config.body)
    return Source(repository, raw, {key: found[key] for key in ("architecture", "os", "variant") if key in found})


def assemble(sources: list[Source]) -> bytes:
    """The index."""
    entries: list[dict[str, Any]] = [
        {"mediaType": _IMAGE, "size": len(one.raw), "digest": one.digest, "platform": one.platform} for one in sources
    ]
    return json.dumps({"schemaVersion": 2, "mediaType": _LIST, "manifests": entries}).encode()


async def push(client: Client, scenario: str, target: str, sources: list[tuple[str, str]]) -> None:
    """Publish; in the scenario ``unchanged``, write only if something is missing."""
    repository, tag = target.split(":")
    present = asyncio.create_task(client.ask("GET", f"/v2/{repository}/manifests/{tag}"))
    apart = scenario == "across"
    found = await asyncio.gather(*(read(client, *source, repository, mount=apart) for source in sources))
    index = assemble(found)
    if (await present).body == index:
        return
    if scenario == "unchanged":
        found = await asyncio.gather(*(read(client, *source, repository, mount=True) for source in sources))
    if scenario != "same":
        await asyncio.gather(*(client.put(repository, one.digest, one.raw, _IMAGE) for one in found))
    await client.put(repository, tag, index, _LIST)


async def inspect(client: Client, target: str) -> None:
    """Read an index, its images and their configs."""
    repository, tag = target.split(":")
    index = json.loads((await client.must("GET", f"/v2/{repository}/manifests/{tag}")).body)
    digests = [entry["digest"] for entry in index["manifests"]]
    await asyncio.gather(*(read(client, repository, digest, repository, mount=False) for digest in digests))


async def fleet(host: str, jobs: list[str]) -> None:
    """Publish many, some at a time."""
    client, turn = Client(host), asyncio.Semaphore(_FLEET_AT_ONCE)
    await client.connect(_FLEET_CONNECTIONS)

    async def one(job: str) -> None:
        target, _, names = job.partition("=")
        sources = [(name, tag) for name, _, tag in (source.partition(":") for source in names.split(","))]
        async with turn:
            own = client.alike()
            if secret := account():
                await authenticate(own, secret, [name for name, _ in sources], target.partition(":")[0])
            await push(own, "across", target, sources)

    await asyncio.gather(*map(one, jobs))


async def work(scenario: str, host: str, target: str, sources: list[str]) -> None:
    """Do one job."""
    client = Client(host)
    named = [(name, tag) for name, _, tag in (source.partition(":") for source in sources)]
    await client.connect(_CONNECTIONS)
    if secret := account():
        await authenticate(client, secret, [name for name, _ in named], target.partition(":")[0])
    await (inspect(client, target) if scenario == "inspect" else push(client, scenario, target, named))


if __name__ == "__main__":
    if sys.argv[1] == "fleet":
        asyncio.run(fleet(sys.argv[2], sys.argv[3:]))
    else:
        asyncio.run(work(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]))
