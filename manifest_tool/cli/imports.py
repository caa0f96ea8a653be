"""Imports of much code, done in less time; for the command line alone, whose process is its own."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

_AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


@contextmanager
def brisk() -> Iterator[None]:
    """What is imported is not searched for garbage, and reads no certificates of authorities.

    aiohttp reads all of the system's twice when it is imported, for connections that are given no context of their own;
    ours are, and read them where TLS is spoken.
    """
    before = {name: os.environ.get(name) for name in _AUTHORITIES}
    os.environ.update(dict.fromkeys(_AUTHORITIES, os.devnull))
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
