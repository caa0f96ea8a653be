"""Imports in less time, and nothing changed by it."""

from __future__ import annotations

import gc
import os
import subprocess
import sys

import pytest

from manifest_tool.cli import imports


@pytest.mark.parametrize("authorities", [None, "/some/file.pem"])
def test_everything_is_as_before(monkeypatch: pytest.MonkeyPatch, authorities: str | None) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    if authorities:
        monkeypatch.setenv("SSL_CERT_FILE", authorities)
    before = dict(os.environ)
    with pytest.raises(ZeroDivisionError), imports.brisk():  # noqa: PT012  # what holds meanwhile
        assert not gc.isenabled()
        raise ZeroDivisionError
    assert gc.isenabled()
    assert dict(os.environ) == before


def test_aiohttp_reads_no_authorities_then() -> None:
    program = """
from manifest_tool.cli import imports
with imports.brisk():
    from aiohttp import connector
import ssl
print(connector._SSL_CONTEXT_VERIFIED.cert_store_stats()["x509"], ssl.create_default_context().verify_mode.name)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "0 CERT_REQUIRED\n"
