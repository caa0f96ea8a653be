"""The certificate that a registry shows."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from manifest_tool.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

_PEM = "both are PEM text: a certificate with those that lead to its authority, and its key without a password"


def context(certificate: Path, key: Path) -> ssl.SSLContext:
    """What TLS is spoken with; raises `UsageError` where the files are of no use."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    asked = []

    def no_password() -> str:
        # Without an answer OpenSSL would ask the terminal.
        asked.append(key)
        return ""

    for path in (certificate, key):
        _check(path)
    try:
        made.load_cert_chain(certificate, key, no_password)
    except OSError as error:
        reason = f"the key {key} has a password" if asked else _reason(error, certificate, key)
        raise UsageError(reason, hint=_PEM) from None
    return made


def _check(path: Path) -> None:
    """OpenSSL does not tell which of the two files cannot be read."""
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise UsageError(f"cannot read {path}: {(error.strerror or str(error)).lower()}", hint=_PEM) from None


def _reason(error: OSError, certificate: Path, key: Path) -> str:
    reason = (getattr(error, "reason", None) or "").replace("_", " ").lower()
    if reason == "key values mismatch":
        return f"the key {key} is not that of the certificate {certificate}"
    return f"cannot use the certificate {certificate} with the key {key}: {reason or 'they are no PEM'}"
