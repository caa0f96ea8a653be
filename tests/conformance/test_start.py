"""From the command line to what is tested."""

from __future__ import annotations

import pytest

from manifest_tool.conformance import catalogue, start
from manifest_tool.conformance.check import Check, Group
from manifest_tool.conformance.probe import Probe
from manifest_tool.errors import InvalidReference, UsageError


async def _ask(probe: Probe) -> str | None:
    return None


def _check(name: str, *after: str) -> Check:
    return Check(name, name, _ask, after=after)


GROUPS = (
    Group("one", (_check("a"), _check("b", "a"))),
    Group("two words", (_check("c", "b"), _check("d"))),
    Group("three", (_check("e", "d"),)),
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("localhost:5000/acme", ("acme/manifest-tool-test", "acme/manifest-tool-test-2")),
        ("localhost:5000/acme/deep/", ("acme/deep/manifest-tool-test", "acme/deep/manifest-tool-test-2")),
        ("localhost:5000", ("manifest-tool-test", "manifest-tool-test-2")),
        ("example.com", ("manifest-tool-test", "manifest-tool-test-2")),
    ],
)
def test_two_repositories_below_the_namespace(text: str, names: tuple[str, str]) -> None:
    main, other = start.repositories(text)
    assert (main.name, other.name) == names
    assert main.registry == other.registry


@pytest.mark.parametrize("text", ["localhost:5000/acme:1", "localhost:5000/acme@sha256:0"])
def test_an_image_is_no_namespace(text: str) -> None:
    with pytest.raises(UsageError, match=r"is no namespace: it has a tag or a digest$"):
        start.repositories(text)


@pytest.mark.parametrize("text", ["", "http://localhost/acme", "localhost:5000/Acme", "localhost:5000//acme"])
def test_what_is_no_reference_is_no_namespace(text: str) -> None:
    with pytest.raises(InvalidReference, match=r"^invalid reference '") as raised:
        start.repositories(text)
    assert "manifest-tool-test" not in f"{raised.value} {raised.value.hint}"


@pytest.mark.parametrize(
    ("only", "left"),
    [
        ((), {"one": "ab", "two words": "cd", "three": "e"}),
        (("one",), {"one": "ab"}),
        (("two words",), {"one": "ab", "two words": "cd"}),
        (("e",), {"two words": "d", "three": "e"}),
        (("c", "three"), {"one": "ab", "two words": "cd", "three": "e"}),
    ],
)
def test_what_is_chosen_comes_with_what_it_stands_on(only: tuple[str, ...], left: dict[str, str]) -> None:
    chosen = start.chosen(GROUPS, only)
    assert {group.title: "".join(check.id for check in group.checks) for group in chosen} == left


def test_a_name_of_neither_is_told_with_what_there_is() -> None:
    with pytest.raises(UsageError, match=r"^--only: there is no group or check 'x', 'y'$") as raised:
        start.chosen(GROUPS, ["one", "x", "y"])
    assert raised.value.hint == "the groups are one, two words, three"


@pytest.mark.parametrize("groups", [catalogue.WRITING, catalogue.READING], ids=["writing", "reading"])
def test_the_catalogue_is_in_order(groups: tuple[Group, ...]) -> None:
    checks = [check for group in groups for check in group.checks]
    ids = [check.id for check in checks]
    assert len(ids) == len(set(ids))
    assert not set(ids) & {group.title for group in groups}
    for place, check in enumerate(checks):
        assert set(check.after) <= set(ids[:place]), check.id
        assert check.id == check.id.lower()
        assert not set(check.id) & set(" ,_")
