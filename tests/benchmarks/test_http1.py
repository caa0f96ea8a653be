from __future__ import annotations

import pytest

from benchmarks.http1 import End, Event, Head, Messages

REQUESTS = (
    b"POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
    b"PUT /b HTTP/1.1\r\ntransfer-encoding: Chunked\r\n\r\n5;x=y\r\nab\r\nc\r\n2\r\nde\r\n0\r\nTrailer: x\r\n\r\n"
    b"GET /c HTTP/1.1\r\nHost: a\r\n\r\n"
)
ANSWERS = (
    b"HTTP/1.1 100 Continue\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n"
    b"HTTP/1.1 200 OK\r\n\r\nall that comes\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"
)


def _told(events: list[Event]) -> list[str]:
    return [event.word(1) if isinstance(event, Head) else "." for event in events]


def _requests(pieces: list[bytes]) -> list[str]:
    messages = Messages(lambda _: True, until_close=False)
    return _told([event for piece in pieces for event in messages.feed(piece)])


def _answers(pieces: list[bytes]) -> list[str]:
    messages = Messages(lambda head: head.word(1) not in {"100", "304"}, until_close=True)
    return _told([event for piece in pieces for event in messages.feed(piece)])


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_messages_are_found_however_the_stream_is_cut(size: int) -> None:
    def cut(data: bytes) -> list[bytes]:
        return [data[place : place + size] for place in range(0, len(data), size)]

    assert _requests(cut(REQUESTS)) == ["/v2/a/blobs/uploads/", ".", "/b", ".", "/c", "."]
    assert _answers(cut(ANSWERS)) == ["100", ".", "200", ".", "304", ".", "200"]


def test_a_large_message_may_come_in_one_piece() -> None:
    size = 1_000_000
    data = f"PUT /a HTTP/1.1\r\nContent-Length: {size}\r\n\r\n".encode() + b"\0" * size
    assert _requests([data + data]) == ["/a", ".", "/a", "."]


def test_a_head_without_end_is_given_up() -> None:
    assert _requests([b"GET /a HTTP/1.1\r\nx: " + b"x" * 100_000, b"\r\n\r\n"]) == []


@pytest.mark.parametrize(
    "data", [b"\x16\x03\x01\x02\x00\x01", b"PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"]
)
def test_what_is_no_http_is_passed_over(data: bytes) -> None:
    messages = Messages(lambda _: True, until_close=False)
    events = [*messages.feed(data), *messages.feed(REQUESTS)]
    assert End.MESSAGE not in events
