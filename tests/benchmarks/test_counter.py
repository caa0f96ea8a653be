from __future__ import annotations

from benchmarks.counter import Counter, Counts


def _connect(counter: Counter, *connections: int) -> None:
    for connection in connections:
        counter.opened(connection)
    for connection in connections:
        counter.established(connection)


def test_a_request_stands_behind_its_handshake() -> None:
    counter = Counter()
    _connect(counter, 1)
    counter.sent(1, "GET", "/a")
    counter.answered(1)
    assert counter.counts() == Counts(connections=1, requests=1, rounds=2)


def test_requests_side_by_side_are_one_round() -> None:
    counter = Counter()
    _connect(counter, 1, 2)
    for connection in (1, 2):
        counter.sent(connection, "GET", "/a")
    for connection in (1, 2):
        counter.answered(connection)
    counter.sent(2, "PUT", "/b")
    assert counter.counts() == Counts(connections=2, requests=3, rounds=3)


def test_a_request_before_its_handshake_is_over_stands_behind_it() -> None:
    counter = Counter()
    _connect(counter, 1)
    counter.sent(1, "GET", "/a")
    counter.answered(1)
    counter.opened(2)
    counter.sent(2, "GET", "/b")
    assert counter.asked[-1].depth == 4


def test_a_connection_that_was_made_in_time_costs_no_round() -> None:
    counter = Counter()
    _connect(counter, 1, 2)
    counter.sent(1, "GET", "/a")
    counter.answered(1)
    counter.sent(2, "GET", "/b")
    assert counter.asked[-1].depth == 3


def test_requests_sent_one_behind_the_other_do_not_wait_for_each_other() -> None:
    counter = Counter()
    _connect(counter, 1)
    counter.sent(1, "GET", "/a")
    counter.sent(1, "GET", "/b")
    counter.answered(1)
    counter.answered(1)
    counter.sent(1, "GET", "/c")
    assert [asked.depth for asked in counter.asked] == [2, 2, 3]


def test_an_answer_that_nobody_asked_for_changes_nothing() -> None:
    counter = Counter()
    _connect(counter, 1)
    counter.answered(1)
    assert counter.counts() == Counts(connections=1, requests=0, rounds=0)
