"""A report with one result of each outcome, and hostile text in every place that a registry can fill."""

from __future__ import annotations

from manifest_tool.conformance.result import Exchange, Feature, Outcome, Report, Result

EVIL = "<script>alert(1)</script>&\"'\x1b[31m\x00\x9b\u202e\ud800\ufffe]]>"
SHOWN = "<script>alert(1)</script>&\"'\\x1b[31m\\x00\\x9b\\u202e\\ud800\\ufffe]]>"
REFUSED = Exchange(
    "PATCH",
    "http://example.com/v2/acme/app/blobs/uploads/1?_state=…",
    202,
    (("Content-Range", "500-999"),),
    "(500 bytes)",
    (("Range", "0-999"), ("X-Evil", EVIL)),
    f"first\r\n\tsecond {EVIL}",
    seconds=0.25,
)
OPENED = Exchange("POST", "http://example.com/v2/acme/app/blobs/uploads/", 202)
SILENT = Exchange("PUT", "http://example.com/v2/acme/app/manifests/1", error=f"no answer {EVIL}")
RESULTS = (
    Result("ping", "access", "the API is there", Outcome.PASS, "at once", True, 0.0014, (OPENED,)),
    Result("order", "uploads", f"order is kept {EVIL}", Outcome.FAIL, f"seen {EVIL}", False, 2.0, (OPENED, REFUSED)),
    Result("post", "uploads", "one POST will do", Outcome.UNSUPPORTED, f"202 {EVIL}", False, 0.5, (OPENED,)),
    Result("put", "manifests", "a tag is put", Outcome.FAIL, "no answer", True, 61.0, (SILENT,)),
    Result("list", "manifests", "tags are listed", Outcome.UNTRIED, "put did not pass"),
)
FEATURES = (
    Feature("upload", True),
    Feature("mount", False, f"copies {EVIL}"),
    Feature("tag", False),
    Feature("referrers", None),
)
REPORT = Report(
    "example.com/acme/app",
    RESULTS,
    FEATURES,
    ("example.com/acme/app:mt-1",),
    "2026-01-02T03:04:05Z",
    63.5014,
    (f"example.com says: {EVIL}",),
)
GOOD = Report("example.com/acme/app", RESULTS[:1], FEATURES[:2], started="2026-01-02T03:04:05Z", seconds=0.1)
