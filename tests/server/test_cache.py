"""What was read lately."""

from __future__ import annotations

from manifest_tool.server.cache import Cache


def test_what_was_used_last_is_kept() -> None:
    cache: Cache[str] = Cache(10)
    for name in "abc":
        cache.put(name, name.encode() * 3)
    assert cache.get("a") == b"aaa"
    cache.put("d", b"dddd")
    assert [cache.get(name) for name in "abcd"] == [b"aaa", None, b"ccc", b"dddd"]


def test_what_is_put_again_counts_once() -> None:
    cache: Cache[str] = Cache(10)
    for _ in range(9):
        cache.put("a", b"123456789")
    cache.put("b", b"1")
    assert (cache.get("a"), cache.get("b")) == (b"123456789", b"1")
    cache.drop("a")
    cache.drop("a")
    assert cache.get("a") is None


def test_what_is_too_large_is_not_kept() -> None:
    cache: Cache[str] = Cache(10)
    cache.put("a", bytes(11))
    assert cache.get("a") is None
