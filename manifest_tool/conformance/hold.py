"""What an answer is held to, and the verdict where it is something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifest_tool.conformance import record
from manifest_tool.conformance.check import Failed, Unsupported
from manifest_tool.registry import answers
from manifest_tool.registry.upload import WRITTEN

if TYPE_CHECKING:
    from manifest_tool.registry.answers import Answer

NO_HEAD = frozenset({400, 405, 501})
"""What a registry answers that knows no HEAD."""

_REFUSALS = frozenset({404, 405, 501})
_NOT_IMPLEMENTED = 501
_CREATED, _BAD = 201, 400
_MOST = 200
"""Characters of a header that are told."""


def expect(answer: Answer, *statuses: int, what: str = "") -> Answer:
    """The answer, if it has one of these statuses; raises `Failed`."""
    if answer.status not in statuses:
        raise Failed(_unexpected(answer, statuses, what))
    return answer


def stored(answer: Answer, what: str = "") -> Answer:
    """The answer to a write, if a push takes it for success; raises `Failed`.

    That it has to be 201 is for the checks of the Location to tell.
    """
    return expect(answer, *WRITTEN, what=what)


def optional(answer: Answer, *statuses: int, what: str = "", otherwise: str = "") -> Answer:
    """The answer to what a registry may refuse in any way.

    Raises `Unsupported`, with what is done ``otherwise``, for a refusal, and `Failed` for anything else.
    """
    if 400 <= answer.status < 500 or answer.status == _NOT_IMPLEMENTED:
        raise _unsupported(answer, statuses, what, otherwise)
    return expect(answer, *statuses, what=what)


def supported(answer: Answer, *statuses: int, what: str = "", otherwise: str = "") -> Answer:
    """The same, where a refusal counts only if the registry says by it that it does not do this at all."""
    refuses = answer.status in _REFUSALS or "UNSUPPORTED" in answers.exchange(answer).codes
    if answer.status not in statuses and answer.status >= 400 and refuses:
        raise _unsupported(answer, statuses, what, otherwise)
    return expect(answer, *statuses, what=what)


def refused(answer: Answer, what: str) -> str | None:
    """Hold an answer to be a refusal, of which nearly every registry makes a 400; raises `Failed`."""
    if answer.status in WRITTEN:
        raise Failed(f"{what} was taken, with {answer.status}, where {_BAD} was expected")
    if not 400 <= answer.status < 500:
        raise Failed(_unexpected(answer, (_BAD,), what))
    return None if answer.status == _BAD else f"refused with {answer.status}, where {_BAD} is usual"


def header(answer: Answer, name: str, wanted: str) -> None:
    """Hold an answer to a header; raises `Failed`."""
    found = answer.headers.get(name)
    if found != wanted:
        raise Failed(f"{name} is {found[:_MOST]!r}, where {wanted!r} was expected" if found else f"{name} is missing")


def _unsupported(answer: Answer, statuses: tuple[int, ...], what: str, otherwise: str) -> Unsupported:
    return Unsupported(_unexpected(answer, statuses, what) + (f"; {otherwise}" if otherwise else ""))


def _unexpected(answer: Answer, statuses: tuple[int, ...], what: str) -> str:
    # The other successes are put up with, but nothing to wish for.
    wanted = str(_CREATED) if {*statuses} >= WRITTEN else " or ".join(map(str, statuses))
    return f"{what or answer.method} was answered with {record.words(answer)}, where {wanted} was expected"
