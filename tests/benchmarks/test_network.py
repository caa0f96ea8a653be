"""The proxy in its own process, before registries that really run."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator

import pytest

from benchmarks.counter import Counts
from benchmarks.network import Network, network
from manifest_tool.server.serve import Running
from tests import harness


@pytest.fixture
def lines() -> Iterator[Network]:
    with network() as running:
        yield running


@pytest.mark.parametrize("rtt", [0, 0.01])
def test_runs_are_counted_over_all_origins_together(lines: Network, embedded: Running, rtt: float) -> None:
    one, other = lines.open(embedded.host), lines.open(embedded.host)
    lines.begin(rtt)
    for host in (one, other):
        assert harness.request(host, "GET", "/v2/")[0] == 200
    seen = lines.end()
    assert seen.counts == Counts(connections=2, requests=2, rounds=4)
    assert [(asked.depth, asked.method, asked.target) for asked in seen.asked] == [
        (2, "GET", "/v2/"),
        (4, "GET", "/v2/"),
    ]
    lines.begin(rtt)
    assert lines.end().counts == Counts(0, 0, 0)


def test_an_open_connection_costs_a_round_for_each_answer_that_is_waited_for(lines: Network, embedded: Running) -> None:
    host = lines.open(embedded.host)
    lines.begin(0)
    connection = http.client.HTTPConnection(host, timeout=30)
    embedded.put_blob("a", b"x" * 300_000)
    for method, target in (("HEAD", "/v2/"), ("GET", "/v2/no/manifests/1"), ("POST", "/v2/a/blobs/uploads/")):
        connection.request(method, target, headers={"Content-Length": "0"})
        connection.getresponse().read()
    connection.close()
    assert lines.end().counts == Counts(connections=1, requests=3, rounds=4)


def test_large_bodies_come_through_as_they_are(lines: Network, embedded: Running) -> None:
    data = bytes(range(256)) * 8192
    digest = embedded.put_blob("a", data)
    lines.begin(0.01)
    host = lines.open(embedded.host)
    for _ in range(2):
        status, _, body = harness.request(host, "GET", f"/v2/a/blobs/{digest}")
        assert (status, body) == (200, data)
    assert lines.end().counts == Counts(connections=2, requests=2, rounds=4)


def test_an_origin_that_is_away_closes_the_connection(lines: Network) -> None:
    host = lines.open(f"127.0.0.1:{harness.free_port()}")
    name, _, port = host.partition(":")
    with socket.create_connection((name, int(port)), timeout=30) as connection:
        assert connection.recv(1) == b""
