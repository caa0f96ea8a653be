"""Which requests a fault happens to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from manifest_tool.server.actions import Answer, Delay, Headers
from manifest_tool.server.serve import serving
from tests.server.conftest import Client

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

    from manifest_tool.server.serve import Running


def statuses(client: Client, count: int, path: str = "/v2/") -> list[int]:
    return [client("GET", path).status for _ in range(count)]


def test_so_many_times_after_so_many(registry: Running, client: Client) -> None:
    registry.faults.add(Answer(503), after=1, times=2)
    assert statuses(client, 5) == [200, 503, 503, 200, 200]


def test_by_method_and_by_path_with_its_query(registry: Running, client: Client) -> None:
    registry.faults.add(Answer(503), method="POST", path=r"/uploads/\?mount=")
    registry.faults.add(Answer(429), path="/tags/list$")
    assert statuses(client, 1) == [200]
    assert statuses(client, 1, "/v2/a/tags/list") == [429]
    assert client("POST", "/v2/a/blobs/uploads/").status == 202
    assert client("POST", f"/v2/a/blobs/uploads/?mount=sha256:{'a' * 64}").status == 503


def test_a_rule_that_can_match_nothing_is_refused_or_set_right(registry: Running, client: Client) -> None:
    with pytest.raises(re.error):
        registry.faults.add(Answer(503), path="(")
    registry.faults.add(Answer(503), method="get")
    assert client("GET", "/v2/").status == 503


def test_rules_that_are_equal_count_for_themselves(registry: Running, client: Client) -> None:
    for _ in range(2):
        registry.faults.add(Answer(503), times=1)
    assert statuses(client, 2) == [503, 200]


def test_all_that_match_apply(registry: Running, client: Client) -> None:
    registry.faults.add(Headers({"X-First": "1"}))
    registry.faults.add(Headers({"X-Second": "2"}))
    answer = client("GET", "/v2/")
    assert (answer.headers["X-First"], answer.headers["X-Second"]) == ("1", "2")


def test_what_a_middleware_raises_is_an_answer_too() -> None:
    @web.middleware
    async def deny(request: web.Request, handler: Handler) -> web.StreamResponse:
        raise web.HTTPForbidden(headers={"X-Why": "because"})

    with serving(middlewares=[deny]) as registry:
        client = Client(registry.host)
        registry.faults.add(Headers({"X-More": "1"}))
        answer = client("GET", "/v2/")
        assert (answer.status, answer.headers["X-Why"], answer.headers["X-More"]) == (403, "because", "1")
        client.close()


def test_lifted_again(registry: Running, client: Client) -> None:
    registry.faults.add(Answer(503))
    registry.faults.add(Delay(60))
    registry.faults.clear()
    assert statuses(client, 1) == [200]


def test_a_test_may_bring_its_own(registry: Running, client: Client) -> None:
    async def teapot(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        response.set_status(418)
        return response

    registry.faults.add(teapot, times=1)
    assert statuses(client, 2) == [418, 200]
    assert [request.status for request in registry.log] == [418, 200]
