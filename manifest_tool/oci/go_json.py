"""JSON as Go's encoder writes it, to the byte."""

from __future__ import annotations

import json
import re

_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_ESCAPED = re.compile("[<>&\u2028\u2029]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def encode(document: object, *, indent: int = 2) -> bytes:
    """JSON indented and escaped as by ``json.MarshalIndent``; half a surrogate pair is the replacement character."""
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    text = _ESCAPED.sub(lambda found: _ESCAPES[found[0]], text)
    return _SURROGATE.sub("\ufffd", text).encode()
