"""The catalogue: what reports and scripts hold on to."""

from __future__ import annotations

import re

import pytest

from manifest_tool.conformance import catalogue
from manifest_tool.conformance.check import Check, Group

_ALL = pytest.mark.parametrize("groups", [catalogue.WRITING, catalogue.READING], ids=["writing", "reading"])


def _checks(groups: tuple[Group, ...]) -> list[Check]:
    return [check for group in groups for check in group.checks]


@_ALL
def test_ids_are_short_and_there_is_one_of_each(groups: tuple[Group, ...]) -> None:
    ids = [check.id for check in _checks(groups)]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) and len(name) <= 28 for name in ids)


@_ALL
def test_what_a_check_stands_on_comes_before_it(groups: tuple[Group, ...]) -> None:
    before: set[str] = set()
    for check in _checks(groups):
        assert before.issuperset(check.after), check.id
        before.add(check.id)


@_ALL
def test_what_is_needed_stands_on_what_is_needed_alone(groups: tuple[Group, ...]) -> None:
    """So that where it is not tried, something that is needed has failed."""
    needed = {check.id for check in _checks(groups) if check.needed}
    assert {below for check in _checks(groups) if check.needed for below in check.after} <= needed


@_ALL
def test_titles_say_what_is_claimed_in_one_line(groups: tuple[Group, ...]) -> None:
    titles = [check.title for check in _checks(groups)]
    assert len(titles) == len(set(titles))
    assert all(title.isprintable() and len(title) <= 72 and not title.endswith(".") for title in titles)
