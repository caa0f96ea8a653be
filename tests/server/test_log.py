"""The log and how it counts round trips."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from manifest_tool.server.log import Request, RequestLog, rounds

if TYPE_CHECKING:
    from manifest_tool.server.serve import Running
    from tests.server.conftest import Client


def at(started: float, ended: float, method: str = "GET") -> Request:
    return Request(method, "/v2/", started=started, ended=ended)


@pytest.mark.parametrize(
    ("intervals", "count"),
    [
        ([], 0),
        ([(0, 1)], 1),
        ([(0, 1), (2, 3), (4, 5)], 3),
        ([(0, 9), (1, 8), (2, 7)], 1),
        ([(0, 2), (1, 4), (3, 5)], 2),
        ([(0, 10), (1, 2), (3, 4), (5, 6)], 3),
        ([(5, 6), (3, 4), (1, 2), (0, 10)], 3),
        ([(0, 1), (1, 2)], 1),
    ],
)
def test_rounds(intervals: list[tuple[float, float]], count: int) -> None:
    requests = [at(*interval) for interval in intervals]
    assert rounds(requests) == count
    assert RequestLog(requests).rounds() == count


def test_the_order_is_that_of_their_coming() -> None:
    log = RequestLog([at(2, 3, "PUT"), at(0, 9)])
    log.append(at(1, 2, "POST"))
    assert [request.method for request in log] == ["GET", "POST", "PUT"]
    assert log[0] == at(0, 9)
    assert len(log) == 3
    assert [request.method for request in log.writes()] == ["POST", "PUT"]
    assert log.reads() == [at(0, 9)]
    assert log.by_method("PUT", "HEAD") == [at(2, 3, "PUT")]
    log.clear()
    assert list(log) == []


def test_what_is_kept_of_a_request(registry: Running, client: Client) -> None:
    client("PUT", "/v2/a/b/manifests/tag?x=%20y", b"12345", X_Thing="this")
    (request,) = registry.log
    assert (request.method, request.path, request.query) == ("PUT", "/v2/a/b/manifests/tag", "x=%20y")
    assert (request.status, request.body_bytes, request.headers["x-thing"]) == (400, 5, "this")
    assert request.started <= request.ended
    assert str(registry.log) == "PUT /v2/a/b/manifests/tag?x=%20y 400"


def test_latency_shows_in_the_log(registry: Running, client: Client) -> None:
    registry.latency = 0.05
    assert registry.latency == 0.05
    client("GET", "/v2/")
    client("GET", "/v2/")
    first, second = registry.log
    assert first.ended - first.started >= 0.05
    assert second.started > first.ended
    assert registry.log.rounds() == 2
