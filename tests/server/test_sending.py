"""The bodies of answers."""

from __future__ import annotations

import http.client
import io
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import pytest

from manifest_tool.oci.digest import Digest
from manifest_tool.server.memory import MemoryBlob, MemoryStore
from manifest_tool.server.serve import serving
from tests.server.conftest import Client

if TYPE_CHECKING:
    from manifest_tool.server.store import Blob

DIGEST = Digest.of(b"")


@dataclass(frozen=True)
class Lost:
    """A blob of which something is lost between the look at it and its answer."""

    size: int
    left: int | None

    def open(self) -> BinaryIO:
        if self.left is None:
            raise FileNotFoundError
        return io.BytesIO(bytes(self.left))


class Losing(MemoryStore):
    def __init__(self, left: int | None) -> None:
        super().__init__()
        self._left = left

    def blob(self, repository: str, digest: Digest) -> Blob | None:  # type: ignore[override]
        return Lost(1_000_000, self._left) if digest == DIGEST else MemoryBlob(b"")


@pytest.mark.parametrize("left", [None, 0, 300_000])
def test_an_answer_that_cannot_be_whole_ends_with_its_connection(
    caplog: pytest.LogCaptureFixture, left: int | None
) -> None:
    with serving(Losing(left)) as registry:
        client = Client(registry.host)
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            client("GET", f"/v2/a/blobs/{DIGEST}")
        client.close()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
