"""A report as JSON: one object, whose keys docs/conformance.md tells."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from manifest_tool.conformance.features import summary
from manifest_tool.conformance.result import Outcome

if TYPE_CHECKING:
    from manifest_tool.conformance.result import Exchange, Feature, Report, Result


def to_json(report: Report) -> str:
    """Pure ASCII: what came from a registry reaches no terminal as it is."""
    return json.dumps(document(report), indent=2, ensure_ascii=True) + "\n"


def document(report: Report) -> dict[str, Any]:
    """The object."""
    return {
        "schemaVersion": 1,
        "subject": report.subject,
        "started": report.started,
        "seconds": round(report.seconds, 3),
        "interrupted": report.interrupted,
        "sufficient": report.sufficient,
        "summary": summary(report),
        "counts": {outcome.value: report.count(outcome) for outcome in Outcome},
        "features": [_feature(feature) for feature in report.features],
        "results": [_result(result) for result in report.results],
        "kept": report.kept,
        "left": list(report.left),
        "notices": list(report.notices),
    }


def _feature(feature: Feature) -> dict[str, Any]:
    return {"name": feature.name, "works": feature.works, "otherwise": feature.otherwise or None}


def _result(result: Result) -> dict[str, Any]:
    told = () if result.outcome is Outcome.PASS else result.exchanges
    return {
        "id": result.id,
        "group": result.group,
        "title": result.title,
        "outcome": result.outcome.value,
        "needed": result.needed,
        "detail": result.detail,
        "seconds": round(result.seconds, 3),
        "exchanges": [_exchange(exchange) for exchange in told],
    }


def _exchange(exchange: Exchange) -> dict[str, Any]:
    return {
        "method": exchange.method,
        "url": exchange.url,
        "requestHeaders": [list(pair) for pair in exchange.request_headers],
        "requestBody": exchange.request_body,
        "status": exchange.status or None,
        "headers": [list(pair) for pair in exchange.headers],
        "body": exchange.body,
        "error": exchange.error or None,
        "seconds": round(exchange.seconds, 3),
    }
