"""Rights on repositories, and the scopes that name them (distribution, token scope documentation)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from manifest_tool.server import routes
from manifest_tool.server.names import is_name

Rights: TypeAlias = frozenset[tuple[str, str]]
"""Resources, such as ``repository:team/app``, and what may be done to them."""

NONE: Rights = frozenset()
PULL = "pull"
READS = frozenset({"GET", "HEAD"})
"""The methods that change nothing."""

_ACTIONS = frozenset({PULL, "push", "delete"})
_CATALOG: Rights = frozenset({("registry:catalog", "*")})
_OF_THE_REGISTRY = "/v2/_"
"""What such paths are about is no repository: no name begins in this way."""


def parse(text: str) -> Rights:
    """The rights that scopes ask for, with spaces between them; what can be granted to nobody is left out."""
    return frozenset(right for scope in text.split() for right in _rights(scope))


def text(rights: Rights) -> str:
    """The same as scopes."""
    actions: dict[str, list[str]] = {}
    for resource, action in sorted(rights):
        actions.setdefault(resource, []).append(action)
    return " ".join(f"{resource}:{','.join(found)}" for resource, found in actions.items())


def pull(rights: Rights) -> Rights:
    """Those of them that change nothing, and tell nothing of the rest of the registry."""
    return frozenset(right for right in rights if right[1] == PULL)


def on(repository: str, *actions: str) -> Rights:
    """Rights on one repository; none where it is no name."""
    return _pairs(f"repository:{repository}", actions) if is_name(repository) else NONE


def needed(method: str, path: str) -> Rights:
    """What a request takes, by its path as it came; nothing where there is nothing to have a right on."""
    if path.startswith(_OF_THE_REGISTRY):
        return _CATALOG
    name = routes.named(path)
    return on(name, _action(method, path.removeprefix(f"/v2/{name}")))


def asked_for(need: Rights) -> Rights:
    """What to ask a token for where this is needed: whoever pushes looks first what is there."""
    return need | {(resource, PULL) for resource, action in need if action == "push"}


def _action(method: str, rest: str) -> str:
    if method in READS:
        return PULL
    # An upload that is given up is nothing that was there before.
    return "delete" if method == "DELETE" and not rest.startswith("/blobs/uploads") else "push"


def _rights(scope: str) -> Iterator[tuple[str, str]]:
    kind, _, rest = scope.partition(":")
    name, _, actions = rest.rpartition(":")
    if kind == "repository" and is_name(name):
        wanted = set(actions.split(","))
        yield from _pairs(f"repository:{name}", _ACTIONS if "*" in wanted else wanted & _ACTIONS)
    elif scope == text(_CATALOG):
        yield from _CATALOG


def _pairs(resource: str, actions: Iterable[str]) -> Rights:
    return frozenset((resource, action) for action in actions)
