"""What is remembered of a run: so much, and of that what was asked for last."""

from __future__ import annotations

from manifest_tool.registry.memory import Memory


def test_what_was_put_is_remembered() -> None:
    memory: Memory[str] = Memory(10)
    assert memory.get("a") is None
    memory.put("a", "one", 3)
    memory.put("a", "two", 3)
    assert memory.get("a") == "two"
    memory.forget("a")
    memory.forget("b")
    assert memory.get("a") is None


def test_what_was_asked_for_longest_ago_makes_room() -> None:
    memory: Memory[str] = Memory(10)
    for name in "abc":
        memory.put(name, name, 3)
    assert memory.get("a") == "a"
    memory.put("d", "d", 4)
    assert [memory.get(name) for name in "abcd"] == ["a", None, "c", "d"]


def test_room_is_that_of_what_is_there() -> None:
    memory: Memory[str] = Memory(10)
    for _ in range(5):
        memory.put("a", "a", 5)
        memory.put("b", "b", 5)
        memory.forget("b")
    memory.put("b", "b", 5)
    assert (memory.get("a"), memory.get("b")) == ("a", "b")


def test_what_has_no_room_at_all_is_not_kept() -> None:
    memory: Memory[str] = Memory(10)
    memory.put("a", "a", 11)
    assert memory.get("a") is None
    memory.put("b", "b", 10)
    assert memory.get("b") == "b"
