from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

from benchmarks.line import Line, Way


class Clock:
    """Time that passes when told."""

    def __init__(self) -> None:
        self.now = 100.0
        self._alarms: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> None:
        heapq.heappush(self._alarms, (when, next(self._numbers), callback))

    def run_until(self, when: float) -> None:
        while self._alarms and self._alarms[0][0] <= when:
            self.now, _, callback = heapq.heappop(self._alarms)
            callback()
        self.now = when


def _line(clock: Clock) -> tuple[Line, list[tuple[float, bytes]]]:
    arrived: list[tuple[float, bytes]] = []
    return Line(clock, lambda data: arrived.append((clock.now, data))), arrived


def test_each_piece_arrives_when_it_is_due() -> None:
    clock = Clock()
    line, arrived = _line(clock)
    line.open()
    line.put(b"a", 101)
    line.put(b"b", 102)
    clock.run_until(110)
    assert arrived == [(101, b"a"), (102, b"b")]


def test_no_piece_overtakes_another() -> None:
    clock = Clock()
    line, arrived = _line(clock)
    line.open()
    line.put(b"a", 103)
    line.put(b"b", 101)
    clock.run_until(110)
    assert arrived == [(103, b"a"), (103, b"b")]


def test_what_is_due_at_once_waits_for_no_alarm() -> None:
    clock = Clock()
    line, arrived = _line(clock)
    line.open()
    line.put(b"a", clock.now)
    assert arrived == [(100, b"a")]


def test_pieces_wait_until_the_other_end_is_there() -> None:
    clock = Clock()
    line, arrived = _line(clock)
    line.put(b"a", 101)
    clock.run_until(105)
    assert arrived == []
    line.open()
    assert arrived == [(105, b"a")]


def test_what_is_sent_right_after_connecting_takes_a_round_trip_longer() -> None:
    clock = Clock()
    way = Way(clock, 2)
    assert (way.up(), way.down()) == (103, 101)
    clock.run_until(101)
    assert way.up() == 103
    clock.run_until(107)
    assert (way.up(), way.down()) == (108, 108)


def test_without_a_distance_everything_arrives_at_once() -> None:
    clock = Clock()
    way = Way(clock, 0)
    assert way.connected == way.up() == way.down() == clock.now
