"""A registry on disk that is killed again and again while everything is written to it in parallel."""

from __future__ import annotations

import http.client
import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from manifest_tool.oci import media_type as types
from manifest_tool.oci.digest import Digest
from tests.server.ledger import Ledger, ask

SHARED = "shared"
"""A repository that all mount from."""
_WRITERS = 4
_POOL = 12
"""How many contents all writers share, so that their bytes come and go with several repositories at a time."""
_LONGEST = 0.2
"""Seconds from the first request to the end."""


def kill(root: Path, seed: int, runs: int) -> int:
    """Kill it so often, at moments that the seed tells; how many things were looked at and found."""
    chance = random.Random(seed)
    found, last = 0, list[Ledger]()
    every = [Ledger(SHARED)]
    for run in range(runs + 1):
        with _served(root) as (connection, process):
            found += sum(ledger.verify(connection) for ledger in last)
            for ledger in last:
                ledger.resume(connection)
            _tidy(root)
            if run == runs:
                return found + sum(ledger.verify(connection) for ledger in every)
            _share(connection, every[0], chance)
            writers = [_Writer(f"run{run}/w{number}", chance.random()) for number in range(_WRITERS)]
            threads = [threading.Thread(target=one.write, args=(connection.host, connection.port)) for one in writers]
            for thread in threads:
                thread.start()
            time.sleep(chance.uniform(0.0, _LONGEST))
            ended = [thread for thread in threads if not thread.is_alive()]
            process.kill()
            for thread in threads:
                thread.join()
        failures = [writer.failure for writer in writers if writer.failure]
        assert not failures, failures
        assert not ended, "a connection was lost before the registry was killed"
        last = [writer.ledger for writer in writers]
        every += last
    raise AssertionError


@contextmanager
def _served(root: Path) -> Iterator[tuple[http.client.HTTPConnection, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "manifest_tool", "registry", "serve", "--port", "0", "--root", str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            assert line, process.stderr.read() if process.stderr else ""
            connection = http.client.HTTPConnection(line.removeprefix("http://"), timeout=20)
            yield connection, process
            connection.close()
        finally:
            process.kill()
            errors = process.communicate()[1]
    assert errors == ""


def _tidy(root: Path) -> None:
    """Nothing may be left of what was not acknowledged, but for uploads."""
    assert list((root / "temporary").iterdir()) == []
    links = {path.name for kind in ("_blobs", "_manifests") for path in root.glob(f"repositories/**/{kind}/*/*")}
    assert {path.name for path in root.glob("blobs/*/*/*")} == links


def _share(connection: http.client.HTTPConnection, ledger: Ledger, chance: random.Random) -> None:
    data = chance.randbytes(2_000)
    digest = Digest.of(data)
    assert ask(connection, "POST", f"/v2/{SHARED}/blobs/uploads/?digest={digest}", data)[0] == 201
    ledger.blobs[digest] = {True}


class _Writer:
    """Writes to a repository of its own until the registry is gone."""

    def __init__(self, name: str, seed: float) -> None:
        self.ledger = Ledger(name)
        self.failure = ""
        self._chance = random.Random(seed)
        self._uploads = f"/v2/{name}/blobs/uploads/"

    def write(self, host: str, port: int) -> None:
        connection = http.client.HTTPConnection(host, port, timeout=20)
        ways: list[Callable[[http.client.HTTPConnection], None]] = [
            *(self._blob, self._blob, self._mount, self._begin),
            *(self._manifest, self._manifest, self._delete_blob, self._delete_manifest, self._delete_tag),
        ]
        try:
            while True:
                self._chance.choice(ways)(connection)
        except (OSError, http.client.HTTPException):
            pass  # it was killed
        except AssertionError as error:
            self.failure = f"{self.ledger.name}: {error}"
        finally:
            connection.close()

    def _blob(self, connection: http.client.HTTPConnection) -> None:
        """By any of the ways."""
        data = self._content()
        digest = Digest.of(data, self._chance.choice(["sha256", "sha256", "sha512"]))
        self.ledger.blobs.setdefault(digest, {False}).add(True)
        way = self._chance.randrange(4)
        if way == 0:
            status = ask(connection, "POST", f"{self._uploads}?digest={digest}", data)[0]
        else:
            location, half = self._opened(connection), len(data) // 2
            if way == 1:
                status = ask(connection, "PUT", f"{location}?digest={digest}", data)[0]
            elif way == 2:
                assert ask(connection, "PATCH", location, data[:half], Content_Range=f"0-{half - 1}")[0] == 202
                rest = f"{half}-{len(data) - 1}"
                status = ask(connection, "PUT", f"{location}?digest={digest}", data[half:], Content_Range=rest)[0]
            else:
                assert ask(connection, "PATCH", location, iter([data[:half], data[half:]]))[0] == 202
                status = ask(connection, "PUT", f"{location}?digest={digest}")[0]
        assert status == 201, status
        self.ledger.blobs[digest] = {True}

    def _mount(self, connection: http.client.HTTPConnection) -> None:
        # What all share was put there before this process was killed, so it is there.
        digest = Digest.of(self._chance.choice(_pool()))
        known = self.ledger.blobs.get(digest, {False})
        self.ledger.blobs[digest] = known | {True}
        source = self._chance.choice(["", f"&from={SHARED}"])
        status, headers, _ = ask(connection, "POST", f"{self._uploads}?mount={digest}{source}")
        if status == 201:
            self.ledger.blobs[digest] = {True}
        else:
            assert status == 202, status
            self.ledger.blobs[digest] = known
            assert ask(connection, "DELETE", headers["location"])[0] == 204

    def _begin(self, connection: http.client.HTTPConnection) -> None:
        """An upload that is left alone."""
        data = self._chance.randbytes(3_000)
        location = self._opened(connection)
        assert ask(connection, "PATCH", location, data)[0] == 202
        self.ledger.sessions[location] = data

    def _manifest(self, connection: http.client.HTTPConnection) -> None:
        there = sorted(digest for digest, known in self.ledger.blobs.items() if known == {True})
        if not there:
            return
        layers = self._chance.sample(there, min(len(there), 3))
        config, *_ = layers
        document = {
            "schemaVersion": 2,
            "mediaType": types.OCI_MANIFEST,
            "config": {"mediaType": types.OCI_CONFIG, "digest": str(config), "size": 1},
            "layers": [{"mediaType": types.OCI_LAYER, "digest": str(layer), "size": 1} for layer in layers],
            "annotations": {"n": str(self._chance.randrange(6))},
        }
        raw = json.dumps(document).encode()
        digest = Digest.of(raw)
        tags = self._chance.sample(["a", "b", "c", "D"], self._chance.randrange(1, 4))
        self.ledger.needs[digest] = layers
        self.ledger.manifests.setdefault(digest, {False}).add(True)
        for tag in tags:
            self.ledger.tags.setdefault(tag, {None}).add(digest)
        path = tags[0] if len(tags) == 1 else f"{digest}?{'&'.join(f'tag={tag}' for tag in tags)}"
        headers = {"Content_Type": types.OCI_MANIFEST}
        status, _, body = ask(connection, "PUT", f"/v2/{self.ledger.name}/manifests/{path}", raw, **headers)
        assert status == 201, body
        self.ledger.manifests[digest] = {True}
        self.ledger.tags.update({tag: {digest} for tag in tags})

    def _delete_blob(self, connection: http.client.HTTPConnection) -> None:
        """One that no manifest needs."""
        needed = {
            blob for digest, known in self.ledger.manifests.items() if True in known for blob in self._needs(digest)
        }
        there = sorted(
            digest for digest, known in self.ledger.blobs.items() if known == {True} and digest not in needed
        )
        if there:
            digest = self._chance.choice(there)
            self.ledger.blobs[digest].add(False)
            assert ask(connection, "DELETE", f"/v2/{self.ledger.name}/blobs/{digest}")[0] == 202
            self.ledger.blobs[digest] = {False}

    def _delete_manifest(self, connection: http.client.HTTPConnection) -> None:
        there = sorted(digest for digest, known in self.ledger.manifests.items() if known == {True})
        if there:
            digest = self._chance.choice(there)
            tags = [tag for tag, known in self.ledger.tags.items() if digest in known]
            self.ledger.manifests[digest].add(False)
            for tag in tags:
                self.ledger.tags[tag].add(None)
            assert ask(connection, "DELETE", f"/v2/{self.ledger.name}/manifests/{digest}")[0] == 202
            self.ledger.manifests[digest] = {False}
            self.ledger.tags.update({tag: {None} for tag in tags})

    def _delete_tag(self, connection: http.client.HTTPConnection) -> None:
        there = sorted(tag for tag, known in self.ledger.tags.items() if None not in known)
        if there:
            tag = self._chance.choice(there)
            self.ledger.tags[tag].add(None)
            assert ask(connection, "DELETE", f"/v2/{self.ledger.name}/manifests/{tag}")[0] == 202
            self.ledger.tags[tag] = {None}

    def _opened(self, connection: http.client.HTTPConnection) -> str:
        status, headers, _ = ask(connection, "POST", self._uploads)
        assert status == 202, status
        return headers["location"]

    def _needs(self, digest: Digest) -> list[Digest]:
        return self.ledger.needs[digest]

    def _content(self) -> bytes:
        """Bytes that others have too, or that nobody has."""
        if self._chance.random() < 0.5:
            return self._chance.choice(_pool())
        return self._chance.randbytes(self._chance.choice([10, 5_000, 300_000]))


def _pool() -> list[bytes]:
    return [random.Random(number).randbytes(1_000 * (1 + number)) for number in range(_POOL)]
