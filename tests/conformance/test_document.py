"""The JSON of a run."""

from __future__ import annotations

import json

from manifest_tool.conformance import document
from manifest_tool.conformance.features import summary
from tests.conformance.samples import EVIL, GOOD, REPORT


def test_the_object_tells_everything() -> None:
    found = json.loads(document.to_json(REPORT))
    results = found.pop("results")
    assert found == {
        "schemaVersion": 1,
        "subject": "example.com/acme/app",
        "started": "2026-01-02T03:04:05Z",
        "seconds": 63.501,
        "interrupted": False,
        "sufficient": False,
        "summary": summary(REPORT),
        "counts": {"pass": 1, "fail": 2, "unsupported": 1, "not tried": 1},
        "features": [
            {"name": "upload", "works": True, "otherwise": None},
            {"name": "mount", "works": False, "otherwise": f"copies {EVIL}"},
            {"name": "tag", "works": False, "otherwise": None},
            {"name": "referrers", "works": None, "otherwise": None},
        ],
        "kept": False,
        "left": ["example.com/acme/app:mt-1"],
        "notices": [f"example.com says: {EVIL}"],
    }
    assert [result["id"] for result in results] == ["ping", "order", "post", "put", "list"]
    assert results[1]["exchanges"][1] == {
        "method": "PATCH",
        "url": "http://example.com/v2/acme/app/blobs/uploads/1?_state=…",
        "requestHeaders": [["Content-Range", "500-999"]],
        "requestBody": "(500 bytes)",
        "status": 202,
        "headers": [["Range", "0-999"], ["X-Evil", EVIL]],
        "body": f"first\r\n\tsecond {EVIL}",
        "error": None,
        "seconds": 0.25,
    }
    assert results[3]["exchanges"][0]["status"] is None


def test_what_passed_is_told_without_its_exchanges() -> None:
    [result] = document.document(GOOD)["results"]
    assert result == {
        "id": "ping",
        "group": "access",
        "title": "the API is there",
        "outcome": "pass",
        "needed": True,
        "detail": "at once",
        "seconds": 0.001,
        "exchanges": [],
    }


def test_nothing_in_it_acts_on_a_terminal() -> None:
    text = document.to_json(REPORT)
    assert text.isascii()
    assert not any(ord(c) < 32 and c != "\n" for c in text)
