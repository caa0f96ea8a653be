"""Many specs in one run: some at a time, their results in the order in which the specs were given."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from manifest_tool import index
from manifest_tool.errors import FleetError, ManifestToolError, UsageError

if TYPE_CHECKING:
    from manifest_tool.oci.kind import Kind
    from manifest_tool.oci.reference import Reference, Registry
    from manifest_tool.spec.model import Spec

T = TypeVar("T")


def checked(
    found: Sequence[Spec | ManifestToolError], kind: Kind, *, keep_going: bool, jobs: int
) -> list[Spec | ManifestToolError]:
    """The same, with an error in place of each spec that cannot become one of the kind.

    Raises what keeps all of them from being published: any error, unless it is to keep going; two specs for one tag, as
    it is not known which of them it would be; and for the same reason, where more than one is under way at once, a spec
    that takes what another publishes.
    """
    fit = [_fitting(item, kind) for item in found]
    errors = [error for error in fit if isinstance(error, ManifestToolError)]
    if len(fit) == len(errors) == 1:
        raise errors[0]
    if errors and not keep_going:
        raise FleetError([("", error) for error in errors], done=0, left=len(fit) - len(errors))
    specs = [spec for spec in fit if not isinstance(spec, ManifestToolError)]
    _check_tags(specs)
    if jobs > 1:
        _check_sources(specs)
    return fit


def registry(found: Sequence[Spec | ManifestToolError]) -> Registry | None:
    """The one that all specs publish to, which an account on the command line is for; raises `UsageError`."""
    registries = {spec.repository.registry for spec in found if not isinstance(spec, ManifestToolError)}
    if len(registries) > 1:
        names = ", ".join(sorted(map(str, registries)))
        raise UsageError(
            f"--username is an account at one registry, and the specs publish to {names}",
            hint="log in to each of them, or push them one after the other",
        )
    return next(iter(registries), None)


def _fitting(found: Spec | ManifestToolError, kind: Kind) -> Spec | ManifestToolError:
    if isinstance(found, ManifestToolError):
        return found
    try:
        index.check(found, kind)
    except UsageError as error:
        return UsageError(f"{found.where}: {error}", hint=error.hint)
    return found


def _check_tags(specs: Sequence[Spec]) -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for spec in specs:
        for tag in spec.tags:
            places[f"{spec.repository}:{tag}"].append(spec.where)
    twice = [f"{name} ({', '.join(found)})" for name, found in places.items() if len(found) > 1]
    if twice:
        raise UsageError(f"more than one spec publishes {'; '.join(twice)}", hint="push them one after the other")


def _check_sources(specs: Sequence[Spec]) -> None:
    publishing = {(spec.repository, tag): spec for spec in specs for tag in spec.tags}
    found = [
        f"{entry.reference} ({other.where} publishes it, {entry.where} takes it)"
        for spec in specs
        for entry in spec.entries
        if (other := publishing.get((entry.reference.repository, str(entry.reference.which)), spec)) is not spec
    ]
    if found:
        raise UsageError(
            f"which of these comes first is not known: {'; '.join(found)}",
            hint="push them one after the other, as --jobs 1 does",
        )


class Fleet(Generic[T]):
    """Does the same work for each of several specs, a few at a time."""

    def __init__(
        self,
        specs: Sequence[Spec | ManifestToolError],
        *,
        jobs: int,
        keep_going: bool,
        tell: Callable[[T], None],
        deed: str = "published",
    ) -> None:
        """``tell`` is given each result, in the order of the specs; errors among these were found before.

        ``deed`` is what the work does to a spec, for messages.
        """
        self._specs = specs
        self._jobs = jobs
        self._keep_going = keep_going
        self._tell = tell
        self._deed = deed
        self._next = 0
        self._told = 0
        self._failures: dict[int, tuple[str, ManifestToolError]] = {}
        self._results: dict[int, T | None] = {}
        self._done = 0
        self._cut: dict[Reference, str] = {}
        """What was cancelled, and what it said."""

    async def run(self, work: Callable[[Spec], Awaitable[T]]) -> None:
        """Do the work; raises `FleetError` with every failure, or the one error of a single spec.

        After a failure no other spec is begun, unless it keeps going. Where it is cancelled, the results that waited
        for an earlier one are told, and what the cancelled work says of itself is told together.
        """
        workers = [asyncio.ensure_future(self._work(work)) for _ in range(min(self._jobs, len(self._specs)))]
        try:
            await asyncio.gather(*workers)
        except BaseException as error:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            for number in sorted(self._results):
                self._tell_of(number)
            if isinstance(error, asyncio.CancelledError):
                raise asyncio.CancelledError(self._unfinished()) from None
            raise
        if self._failures:
            raise self._error()

    async def _work(self, work: Callable[[Spec], Awaitable[T]]) -> None:
        while self._next < len(self._specs) and (self._keep_going or not self._failures):
            number = self._next
            self._next += 1
            await self._one(number, work)

    async def _one(self, number: int, work: Callable[[Spec], Awaitable[T]]) -> None:
        spec = self._specs[number]
        result = None
        if isinstance(spec, ManifestToolError):
            self._failures[number] = "", spec
        else:
            try:
                result = await work(spec)
                self._done += 1
            except ManifestToolError as error:
                self._failures[number] = str(spec.reference), error
            except asyncio.CancelledError as cancelled:
                self._cut[spec.reference] = str(cancelled)
                raise
        self._results[number] = result
        while self._told in self._results:
            self._tell_of(self._told)
            self._told += 1

    def _tell_of(self, number: int) -> None:
        result = self._results.pop(number)
        if result is not None:
            self._tell(result)

    def _error(self) -> ManifestToolError:
        failures = [self._failures[number] for number in sorted(self._failures)]
        if len(self._specs) == 1:
            return failures[0][1]
        return FleetError(failures, done=self._done, left=len(self._specs) - self._next, deed=self._deed)

    def _unfinished(self) -> str:
        """What became of the specs; of a single one, what it says itself."""
        if len(self._specs) == 1:
            return "".join(self._cut.values())
        done = f"{self._done} of {len(self._specs)} specs are {self._deed}"
        return "; ".join([done, *(f"{reference}: {words}" for reference, words in self._cut.items())])
