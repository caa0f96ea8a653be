"""Lists of tags: whole, in pages, and from a tag on (distribution-spec § Listing Tags)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from manifest_tool.concurrency import together
from manifest_tool.conformance import manifests
from manifest_tool.conformance.check import Check, Failed, Unsupported, Untried
from manifest_tool.conformance.checks.content import AFTER
from manifest_tool.conformance.hold import expect, supported
from manifest_tool.conformance.waiting import told, until
from manifest_tool.registry import links

if TYPE_CHECKING:
    from yarl import URL

    from manifest_tool.conformance.probe import Probe
    from manifest_tool.registry.answers import Answer

_PATIENCE = 30.0
_LETTERS = "abcdef"
_PAGES = 200
_NEXT = re.compile(r"""<([^<>]*)>[^<,]*;\s*rel="?next\b""", re.IGNORECASE)


async def _new(probe: Probe) -> str:
    """How long it takes until a new tag is listed."""
    tags = await _tagged(probe, "listed", 1)
    found, seconds = await _until_listed(probe, tags)
    if not set(tags) <= set(found):
        raise Failed(f"a new tag is not among the {len(found)} that are listed even after {seconds:.0f} s")
    return told(seconds)


async def _sorted(probe: Probe) -> str | None:
    found = await _once_listed(probe, await _tagged(probe, "sorted", len(_LETTERS)))
    for order in (str, str.lower):
        if found == sorted(found, key=order):
            return None
    first, second = next((one, other) for one, other in pairwise(found) if one > other)
    raise Failed(f"the tags are in no order: {_few([second])} comes after {_few([first])}")


async def _number(probe: Probe) -> str | None:
    await _once_listed(probe, await _tagged(probe, "number", 2))
    found = names(await page(probe, {"n": "1"}))
    if len(found) > 1:
        raise Failed(f"n=1 is answered with {len(found)} tags")
    return None


async def _link(probe: Probe) -> str | None:
    tags = await _tagged(probe, "link", 3)
    await _once_listed(probe, tags)
    answer = await page(probe, {"n": "1", "last": tags[0]})
    if len(names(answer)) > 1:
        raise Unsupported(f"there are no pages: n=1 is answered with {len(names(answer))} tags")
    url = following(answer)
    if url is None:
        raise Unsupported("a page that is not the last one has no Link to the next")
    behind = names(expect(await probe.ask("GET", url), 200, what="GET of the next page"))
    if behind != tags[2:]:
        raise Failed(f"the Link behind {tags[1]} leads to {_few(behind)}, where {tags[2]} was expected")
    return None


async def _last(probe: Probe) -> str | None:
    tags = await _tagged(probe, "last", 3)
    await _once_listed(probe, tags)
    found = names(await page(probe, {"n": "1", "last": tags[0]}))
    if found != tags[1:2]:
        raise Failed(f"n=1 and last={tags[0]} are answered with {_few(found)}, where {tags[1]} was expected")
    return None


def _few(found: Sequence[str]) -> str:
    return f"{len(found)} tags" if len(found) > 1 else next(iter(found), "none")[:128]


async def _last_alone(probe: Probe) -> str | None:
    tags = await _tagged(probe, "alone", 3)
    await _once_listed(probe, tags)
    found = set(names(await page(probe, {"last": tags[1]})))
    if found & set(tags[:2]):
        raise Failed(f"last={tags[1]} without n is answered with what comes before it too")
    if tags[2] not in found:
        raise Failed(f"last={tags[1]} without n is answered without {tags[2]}, which comes after it")
    return None


async def _tagged(probe: Probe, name: str, number: int) -> list[str]:
    """So many tags that stand one behind the other in a list, with nothing between them."""
    tags = [probe.tag(f"{name}-{letter}") for letter in _LETTERS[:number]]
    content = (await manifests.pushed(probe)).manifest
    # Not in their order, so that a registry that lists them by age is found out.
    await manifests.put(probe, content, tags[-1])
    await together(manifests.put(probe, content, tag) for tag in tags[:-1])
    return tags


async def _once_listed(probe: Probe, tags: list[str]) -> list[str]:
    """All tags, as soon as these are among them."""
    found, _ = await _until_listed(probe, tags)
    return found


async def _until_listed(probe: Probe, tags: list[str]) -> tuple[list[str], float]:
    """All tags, once these are among them or have been waited for long enough, and after how many seconds."""
    return await until(probe.site, lambda: every(probe), lambda found: set(tags) <= set(found), _PATIENCE)


async def every(probe: Probe) -> list[str]:
    """All tags, page after page."""
    answer = await page(probe)
    found, seen = names(answer), {answer.url}
    while (url := following(answer)) is not None:
        if url in seen:
            raise Failed("the Link to the next page of tags leads back to one before")
        if len(seen) == _PAGES:
            raise Untried(f"there are more than {_PAGES} pages of tags")
        seen.add(url)
        answer = supported(await probe.ask("GET", url), 200, what="GET of the next page")
        found += names(answer)
    return found


async def page(probe: Probe, query: Mapping[str, str] | None = None) -> Answer:
    """One page of tags; raises `Unsupported` where there is no such list."""
    path = f"/v2/{probe.repository.name}/tags/list"
    return supported(await probe.ask("GET", path, query=query), 200, what="GET of the list of tags")


def names(answer: Answer) -> list[str]:
    """The tags on a page; raises `Failed`."""
    try:
        found = json.loads(answer.body)["tags"] or []
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Failed("the list of tags is not a JSON object with tags") from None
    if not isinstance(found, list) or not all(isinstance(tag, str) for tag in found):
        raise Failed("the tags are not a list of texts")
    return found


def following(answer: Answer) -> URL | None:
    """Where the next page is; raises `Failed` where that cannot be followed."""
    matched = _NEXT.search(", ".join(answer.headers.getall("Link", [])))
    if matched is None:
        return None
    try:
        return links.follow(answer.url, matched[1])
    except ValueError as error:
        raise Failed(f"the Link to the next page {error}") from None


CHECKS = (
    Check("tag-list", "a new tag is listed", _new, after=AFTER),
    Check("tag-list-order", "tags are listed in order", _sorted, after=("tag-list",)),
    Check("tag-list-n", "a page of tags has no more than asked for (?n=)", _number, after=("tag-list",)),
    Check("tag-list-link", "a page of tags has a Link to the next page", _link, after=("tag-list",)),
    Check("tag-list-last", "a page of tags starts after a given tag (?n= and ?last=)", _last, after=("tag-list",)),
    Check("tag-list-last-alone", "a list of tags starts after a given tag (?last=)", _last_alone, after=("tag-list",)),
)
