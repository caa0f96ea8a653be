"""What ``Authorization`` says, and the refusals that ask for it (RFC 9110 § 11.6, RFC 7617, RFC 6750)."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from aiohttp import web

from manifest_tool.server.refusals import Reason, Refusal

if TYPE_CHECKING:
    from manifest_tool.server.accounts import Verifier

ACCOUNT = web.RequestKey("account", str)
"""Whose request it is, once that is known."""
_NOBODY = base64.b64encode(b":").decode()
"""What skopeo and podman send where they know no account."""
BASIC = 'Basic realm="manifest-tool registry"'


def bearer(request: web.Request) -> str:
    """The token of a request; empty where it has none."""
    return _of_scheme(request, "bearer") or ""


async def account(request: web.Request, verifier: Verifier) -> str:
    """The account of a request with its right password; empty where no account is named.

    Raises `Refusal`.
    """
    encoded = _of_scheme(request, "basic")
    if encoded is None:
        return ""
    name, password = _decoded(encoded)
    if encoded == _NOBODY:
        return ""
    if not name:
        raise unauthorized(BASIC, "this is no authorization by name and password")
    if not await verifier.is_right(name, password, request.remote or ""):
        raise unauthorized(BASIC, "the user name or the password is wrong")
    request[ACCOUNT] = name
    return name


def unauthorized(challenge: str, message: str = "authentication required") -> Refusal:
    return Refusal(401, Reason("UNAUTHORIZED", message), headers={"WWW-Authenticate": challenge})


def _of_scheme(request: web.Request, wanted: str) -> str | None:
    """What stands behind a scheme; empty where another one is used, none where there is no authorization."""
    lines = request.headers.getall("Authorization", [])
    if not lines:
        return None
    scheme, _, rest = lines[0].strip().partition(" ")
    return rest.strip() if len(lines) == 1 and scheme.lower() == wanted else ""


def _decoded(encoded: str) -> tuple[str, str]:
    try:
        name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return name, password
