"""The cache of a service."""

from __future__ import annotations

from manifest_tool.query.memory import MemoryCache
from tests.query.parts import entry, key


def test_what_was_asked_for_longest_ago_makes_room() -> None:
    cache = MemoryCache(most=10_000)
    for number in (1, 2):
        cache.put(key(f"r.test/app:{number}"), entry("linux/amd64", checked=number))
    assert cache.get(key("r.test/app:1")) == entry("linux/amd64", checked=1)
    cache.put(key("r.test/app:3"), entry("linux/amd64"))
    assert [bool(cache.get(key(f"r.test/app:{number}"))) for number in (1, 2, 3)] == [True, False, True]


def test_an_entry_that_alone_is_too_much_is_not_kept() -> None:
    cache = MemoryCache(most=10_000)
    cache.put(key(), entry(*["linux/amd64"] * 10))
    assert cache.get(key()) is None
