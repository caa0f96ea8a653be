"""From a name on the command line to a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from manifest_tool.conformance import catalogue, preflight
from manifest_tool.conformance.run import Begin, Tell, run
from manifest_tool.conformance.site import Site
from manifest_tool.errors import InvalidReference, UsageError
from manifest_tool.oci.reference import Reference, Repository
from manifest_tool.registry.retry import Retry

if TYPE_CHECKING:
    from manifest_tool.conformance.check import Check, Group
    from manifest_tool.conformance.result import Report
    from manifest_tool.registry.client import Client

_NAMES = ("manifest-tool-test", "manifest-tool-test-2")
"""The repositories below the namespace; there are registries in which they have to be made first."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to test, and where."""

    groups: Sequence[Group]
    repository: Repository
    other: Repository
    reference: Reference | None = None
    keep: bool = False

    @property
    def checks(self) -> int:
        """How many there are."""
        return sum(len(group.checks) for group in self.groups)


def repositories(text: str) -> tuple[Repository, Repository]:
    """The two repositories of ``HOST[:PORT]/NAMESPACE``; raises `InvalidReference`, `UsageError`."""
    text = text.rstrip("/")
    _, slash, last = text.rpartition("/")
    if "@" in text or (slash and ":" in last):
        raise UsageError(f"{text} is no namespace: it has a tag or a digest", hint="name what stands above images")
    try:
        main = Reference.parse(f"{text}/{_NAMES[0]}").repository
    except InvalidReference as error:
        # What we put behind it is not what was given.
        raise InvalidReference(text, error.reason, hint=error.hint.replace(f"/{_NAMES[0]}", "")) from None
    return main, Repository(main.registry, main.name.removesuffix(_NAMES[0]) + _NAMES[1])


def writing(text: str, only: Collection[str] = (), *, keep: bool = False) -> Plan:
    """A test of what a registry does with what is put into a namespace.

    Raises `InvalidReference`, `UsageError`.
    """
    return Plan(chosen(catalogue.WRITING, only), *repositories(text), keep=keep)


def reading(text: str, only: Collection[str] = ()) -> Plan:
    """A test of what can be asked for an image that is there; raises `InvalidReference`, `UsageError`."""
    reference = Reference.parse(text)
    return Plan(chosen(catalogue.READING, only), reference.repository, reference.repository, reference)


def chosen(groups: Sequence[Group], only: Collection[str]) -> tuple[Group, ...]:
    """The groups and checks of these names, with what they stand on; raises `UsageError` for a name of neither."""
    checks = {check.id: check for group in groups for check in group.checks}
    members = {group.title: [check.id for check in group.checks] for group in groups}
    if unknown := [name for name in only if name not in members and name not in checks]:
        hint = f"the groups are {', '.join(members)}"
        raise UsageError(f"--only: there is no group or check {', '.join(map(repr, unknown))}", hint=hint)
    if not only:
        return tuple(groups)
    wanted = _with_below(checks, (id_ for name in only for id_ in members.get(name, [name])))
    left = (replace(group, checks=tuple(c for c in group.checks if c.id in wanted)) for group in groups)
    return tuple(group for group in left if group.checks)


def _with_below(checks: dict[str, Check], ids: Iterable[str]) -> set[str]:
    wanted: set[str] = set()
    open_ = list(ids)
    while open_:
        id_ = open_.pop()
        if id_ not in wanted:
            wanted.add(id_)
            open_ += checks[id_].after
    return wanted


async def conduct(
    plan: Plan, client: Client, tell: Tell, begin: Begin = lambda _: None, *, patience: Retry | None = None
) -> Report:
    """Test a registry; raises `RegistryError` where nothing can be tried, and `Interrupted`.

    ``patience`` is how a push would wait for what is put off; without it, as one does by default.
    """
    site = Site(client.sender, plan.repository, plan.other, patience=patience or Retry(), reference=plan.reference)
    await preflight.reach(site)
    return await run(plan.groups, site, tell, begin, keep=plan.keep)
