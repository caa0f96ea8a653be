"""A registry on a real socket, over each kind of store, and a connection to it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from manifest_tool.server.disk import DiskStore
from manifest_tool.server.memory import MemoryStore
from manifest_tool.server.serve import Running, serving
from manifest_tool.server.store import Store


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def codes(self) -> list[str]:
        return [error["code"] for error in self.json["errors"]]


class Client:
    """One kept-alive connection that never reconnects: an answer out of step is an error."""

    def __init__(self, host: str) -> None:
        self._connection = http.client.HTTPConnection(host, timeout=10)
        self._connection.connect()
        self._connection.auto_open = False

    def __call__(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, **more: str
    ) -> Answer:
        more_headers = {name.replace("_", "-"): value for name, value in more.items()}
        self._connection.request(method, path, body, {**(headers or {}), **more_headers})
        response = self._connection.getresponse()
        return Answer(response.status, response.headers, response.read())  # type: ignore[arg-type]  # a Message maps

    def close(self) -> None:
        self._connection.close()


@pytest.fixture(params=["memory", "disk"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return MemoryStore() if request.param == "memory" else DiskStore(tmp_path / "registry")


@pytest.fixture
def registry(store: Store) -> Iterator[Running]:
    with serving(store) as running:
        yield running


@pytest.fixture
def client(registry: Running) -> Iterator[Client]:
    connection = Client(registry.host)
    yield connection
    connection.close()
