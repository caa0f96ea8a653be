"""A request that was matched to what it is about."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from aiohttp import web

from manifest_tool.errors import InvalidDigest
from manifest_tool.oci.digest import Digest
from manifest_tool.server import refusals
from manifest_tool.server.rules import STRICT, Rules

if TYPE_CHECKING:
    from manifest_tool.server.store import Store

CHUNK = 256 * 1024
"""How many bytes are moved at a time."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a handler is given."""

    request: web.Request
    store: Store
    repository: str = ""
    argument: str = ""
    """The last part of the path: a tag, a digest or the id of an upload."""
    rules: Rules = STRICT

    @property
    def digest(self) -> Digest:
        """The argument, for the resources that are named by digest alone."""
        return parse_digest(self.argument)

    def header(self, name: str) -> str:
        return self.request.headers.get(name, "")


Operation: TypeAlias = Callable[[Call], Awaitable[web.Response]]


def parse_digest(text: str) -> Digest:
    """Read a digest, or refuse."""
    try:
        return Digest.parse(text)
    except InvalidDigest as error:
        raise refusals.digest_invalid(error) from None
