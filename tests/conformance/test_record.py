"""What is kept of an exchange: enough to see what happened, and nothing that lets anybody in."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from manifest_tool.conformance import record
from manifest_tool.errors import RegistryError
from manifest_tool.registry.answers import Answer
from manifest_tool.registry.transport import Request

_URL = URL("https://example.com/v2/acme/blobs/uploads/1?_state=hush&digest=sha256:0", encoded=True)


def unanswered(text: str) -> str:
    return record.unanswered(Request("GET", _URL), RegistryError(text), 0.1).error


def kept(body: bytes = b"", /, **headers: str) -> str:
    given = CIMultiDictProxy(CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()}))
    return repr(record.answered(Request("GET", _URL), Answer("GET", _URL, 200, given, body), 0.1))


@pytest.mark.parametrize(
    "name",
    ["Authorization", "Proxy_Authorization", "Set_Cookie", "Cookie", "X_Auth_Token", "X_Amz_Signature", "X_Api_Key"],
)
def test_headers_with_secrets_are_not_shown(name: str) -> None:
    told = kept(b"", **{name: "hush"})
    assert "hush" not in told
    assert name.replace("_", "-") in told


@pytest.mark.parametrize(
    "text",
    [
        "you sent Authorization: Basic aHVzaDpodXNo=",
        "Bearer hush.hush-hush_hush",
        '{"headers": {"Authorization": "Bearer hush.hush"}}',
        '{"access_token":"hush"}',
        '{"password" : "hush"}',
        "<a href='https://s3.example.com/x?X-Amz-Signature=hush&amp;X-Amz-Credential=hush'>",
        "https://example.com/x?n=1&_state=hush",
    ],
)
def test_what_a_registry_repeats_is_not_shown(text: str) -> None:
    for told in (kept(text.encode()), kept(X_Debug=text), unanswered(text)):
        assert "hush" not in told
        assert "aHVz" not in told


def test_urls_in_headers_are_redacted() -> None:
    told = kept(Location="/v2/x?_state=hush&digest=sha256:1", Link='</v2/x?last=a&opaque=hush>; rel="next"')
    assert "hush" not in told
    assert "/v2/x?_state=…&digest=sha256:1" in told
    assert '</v2/x?last=a&opaque=…>; rel="next"' in told
    assert "'Location', '…'" in kept(Location="http://[")


@pytest.mark.parametrize(
    "text",
    [
        'Bearer realm="https://auth.example.com/token",service="registry"',
        'Basic realm="Registry Realm"',
        "Basic authentication",
    ],
)
def test_what_is_no_secret_is_shown(text: str) -> None:
    assert (
        text
        in record.answered(
            Request("GET", _URL),
            Answer("GET", _URL, 401, CIMultiDictProxy(CIMultiDict({"WWW-Authenticate": text}))),
            0.1,
        ).headers[0]
    )


def test_long_bodies_are_cut_and_bytes_are_counted() -> None:
    long = record.answered(Request("GET", _URL), Answer("GET", _URL, 200, body=b"x" * 2**20), 0.1)
    assert long.body == "x" * 2000 + "… (1048576 bytes)"
    assert "(4 bytes)" in kept(b"\x00\x01\x02\x03")
