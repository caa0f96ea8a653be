"""How a registry wants to be asked: the root of the API, and challenges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifest_tool.conformance.check import Check, Failed, Group, Untried
from manifest_tool.conformance.hold import expect
from manifest_tool.conformance.record import words
from manifest_tool.oci import media_type as types
from manifest_tool.registry import answers, challenge, links

if TYPE_CHECKING:
    from manifest_tool.conformance.probe import Probe
    from manifest_tool.registry.answers import Answer
    from manifest_tool.registry.challenge import Challenge

_KNOWN = frozenset({"basic", "bearer"})


async def _ping(probe: Probe) -> str | None:
    answer = await probe.ask("GET", "/v2/")
    if answer.status in {401, 403}:
        error = await probe.site.sender.error("use the registry", probe.repository, answer)
        raise Failed(f"{error}; {error.hint}" if error.hint else str(error))
    expect(answer, 200, what="GET of the root of the API")
    return None


async def _challenge(probe: Probe) -> str | None:
    """What is asked of whom says nothing of himself, at the root or where he wants to write."""
    answer, where = await probe.ask("GET", "/v2/", anonymous=True), "at the root of the API"
    if answer.status == 200:
        answer, where = await _deeper(probe)
    if answer.status != 401:
        if answer.status not in {200, 202}:
            raise Untried(f"a request without an account was answered with {words(answer)}")
        return "no account is asked for"
    offers = challenge.parse(answer.headers.getall("WWW-Authenticate", []))
    if not offers:
        raise Failed(f"a request without an account was answered with 401 and no challenge, {where}")
    known = [offer for offer in offers if offer.scheme in _KNOWN]
    if not known:
        raise Failed(
            f"{', '.join(_name(offer) for offer in offers)} is asked for {where}; only Basic and Bearer are known"
        )
    for offer in known:
        _check_offer(answer, offer)
    return f"{' or '.join(map(_name, known))} {where}"


async def _deeper(probe: Probe) -> tuple[Answer, str]:
    """The answer where the root is open to everybody, but what a run is about may not be."""
    if probe.site.reference:
        path = probe.repository.manifest_path(probe.site.reference.which)
        return await probe.ask("GET", path, headers={"Accept": types.ACCEPT}, anonymous=True), "to read"
    return await probe.ask("POST", probe.repository.uploads_path, anonymous=True), "to write"


def _check_offer(answer: Answer, offer: Challenge) -> None:
    """Hold a challenge to what a client needs of it (RFC 7617, distribution-spec's token authentication)."""
    realm = offer.parameters.get("realm")
    if not realm:
        raise Failed(f"the challenge {_name(offer)} has no realm")
    if offer.scheme == "bearer":
        try:
            links.follow(answer.url, realm)
        except ValueError as error:
            raise Failed(f"the realm {answers.plain(realm)[:200]!r} of the challenge {error}") from None


def _name(offer: Challenge) -> str:
    service = offer.parameters.get("service")
    name = answers.plain(offer.scheme)[:20].capitalize()
    return f"{name} for {answers.plain(service)[:100]!r}" if service else name


CHECKS = Group(
    "access",
    (
        Check("ping", "GET /v2/ is answered with 200", _ping),
        Check("challenge", "the challenge to log in (WWW-Authenticate) can be answered", _challenge),
    ),
)
"""They write nothing, where there is a reference to read."""
