"""An upload that goes on over several requests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from manifest_tool.registry.auth import Access
from manifest_tool.registry.upload import Upload

if TYPE_CHECKING:
    from yarl import URL

    from manifest_tool.conformance.probe import Probe
    from manifest_tool.oci.digest import Digest
    from manifest_tool.oci.reference import Repository
    from manifest_tool.registry.answers import Answer
    from manifest_tool.registry.transport import Body

_NUMBER = re.compile(r"[0-9]{1,18}")
_BYTES = {"Content-Type": "application/octet-stream"}


@dataclass(slots=True)
class Session:
    """It goes on where the last answer says."""

    probe: Probe
    repository: Repository
    upload: Upload
    least: int = 0
    """Bytes that a chunk must have, the last one excepted."""

    @classmethod
    def of(cls, probe: Probe, answer: Answer, repository: Repository) -> Session:
        """The upload that an answer opens; raises `RegistryError` where it does not say where it goes on."""
        least = _NUMBER.fullmatch(answer.headers.get("OCI-Chunk-Min-Length", ""))
        return cls(probe, repository, Upload.of(answer), int(least[0]) if least else 0)

    async def send(self, body: bytes | Body, headers: Mapping[str, str] | None = None) -> Answer:
        """PATCH; the answer, whatever its status."""
        return await self._ask("PATCH", headers={**_BYTES, **(headers or {})}, body=body)

    async def chunk(self, data: bytes, start: int) -> Answer:
        """PATCH some bytes that are those from ``start`` on; the answer, whatever its status."""
        return await self.send(data, _span(data, start))

    async def status(self) -> Answer:
        """GET; the answer, whatever its status."""
        return await self._ask("GET")

    async def cancel(self) -> Answer:
        """DELETE; the answer, whatever its status."""
        return await self._ask("DELETE")

    async def close(
        self,
        digest: Digest,
        body: bytes | Body = b"",
        start: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """PUT what is left, from ``start`` on where that is told; the answer, whatever its status."""
        more = _span(body, start) if isinstance(body, bytes) and start is not None else {}
        return await self.close_at(self.upload.closing(digest), body, {**more, **(headers or {})})

    async def close_at(self, url: URL, body: bytes | Body, headers: Mapping[str, str] | None = None) -> Answer:
        """PUT to a URL that is made of the upload's own; the answer, whatever its status."""
        headers = {**_BYTES, **(headers or {})}
        return await self.probe.ask("PUT", url, repository=self.repository, headers=headers, body=body)

    async def _ask(
        self, method: str, headers: Mapping[str, str] | None = None, body: bytes | Body | None = None
    ) -> Answer:
        # To give up an upload takes no more than to open it.
        answer = await self.probe.ask(
            method,
            self.upload.location,
            repository=self.repository,
            headers=headers,
            body=body,
            need=Access.to(self.repository, "pull", "push"),
        )
        if answer.status in {202, 204} and method != "DELETE" and "Location" in answer.headers:
            self.upload = Upload.of(answer)
        return answer


def _span(data: bytes, start: int) -> dict[str, str]:
    return {"Content-Range": f"{start}-{start + len(data) - 1}"}
