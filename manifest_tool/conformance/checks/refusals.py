"""Who is let in with what, and how others and what is not there are refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from manifest_tool.conformance.check import Check, Failed, Group, Unsupported, Untried
from manifest_tool.conformance.hold import NO_HEAD, expect
from manifest_tool.conformance.record import words
from manifest_tool.errors import Unauthorized
from manifest_tool.oci.digest import Digest
from manifest_tool.registry import answers
from manifest_tool.registry.auth import NO_ACCESS, Access

if TYPE_CHECKING:
    from manifest_tool.conformance.probe import Probe
    from manifest_tool.oci.reference import Repository
    from manifest_tool.registry.answers import Answer

_FOR_EACH = "manifest-tool asks for a token for each repository"


async def _anonymous(probe: Probe) -> str | None:
    answer = await probe.ask("POST", probe.repository.uploads_path, anonymous=True)
    if answer.status == 202:
        raise Untried("no account is asked for")
    # 404 hides what is there, and 405 is for who only may read.
    expect(answer, 401, 403, 404, 405, what="POST of an upload without an account")
    return f"answered with {words(answer)}"


async def _scopes(probe: Probe) -> str | None:
    """Whether one token does for both repositories, as a push asks for one."""
    site = probe.site
    # What is asked for here is only known once something was refused.
    await probe.begin()
    both = Access.to(site.repository, "pull", "push") | Access.to(site.other, "pull", "push")
    try:
        attempt = await site.sender.authenticator.first(site.repository, both, NO_ACCESS)
    except Unauthorized as error:
        raise Unsupported(f"no token is given for two repositories: {error}; {_FOR_EACH}") from None
    if not attempt.header.startswith("Bearer "):
        raise Untried("no token is asked for")
    for repository in (site.repository, site.other):
        answer = await _upload_with(probe, repository, attempt.header)
        if answer.status in {401, 403}:
            raise Unsupported(
                f"a token for two repositories does not do for {repository}: POST was answered with {words(answer)}; "
                f"{_FOR_EACH}"
            )
        if answer.status != 202:
            raise Untried(f"nothing can be put into {repository}: POST was answered with {words(answer)}")
    return None


async def _upload_with(probe: Probe, repository: Repository, header: str) -> Answer:
    headers = {"Authorization": header}
    return await probe.ask("POST", repository.uploads_path, repository=repository, headers=headers, anonymous=True)


async def _unknown_manifest(probe: Probe) -> str | None:
    for which in (probe.tag("nothing"), Digest.of(probe.data())):
        for method in ("GET", "HEAD"):
            name = "tag" if isinstance(which, str) else "digest"
            _missing(await probe.get_manifest(which, method), f"{method} of a manifest by an unknown {name}")
    return None


async def _unknown_blob(probe: Probe) -> str | None:
    digest = Digest.of(probe.data())
    for method in ("GET", "HEAD"):
        _missing(await probe.get_blob(digest, method), f"{method} of an unknown blob")
    return None


def _missing(answer: Answer, what: str) -> None:
    """Hold an answer to be a 404; that there may be no HEAD at all is for other checks to tell."""
    if answer.method != "HEAD" or answer.status not in NO_HEAD:
        expect(answer, 404, what=what)


async def _words(probe: Probe) -> str | None:
    """What is JSON has the form of the spec (distribution-spec § Error Codes); there need not be any."""
    told: list[str] = []
    for answer in (await probe.get_manifest(probe.tag("nothing")), await probe.get_blob(Digest.of(probe.data()))):
        codes = answers.exchange(answer).codes
        if not codes or not all(codes):
            kind = "is JSON of another form" if _is_json(answer) else "names no code"
            text = f"the body of a {answer.status} {kind}"
            raise Failed(text) if _is_json(answer) else Unsupported(text)
        told += codes
    return ", ".join(told)


def _is_json(answer: Answer) -> bool:
    try:
        return isinstance(json.loads(answer.body), dict)
    except (ValueError, RecursionError):
        return False


_AFTER = ("blob-put",)

CHECKS = Group(
    "refusals",
    (
        Check("anonymous-write", "a push without an account is refused", _anonymous, after=_AFTER),
        Check("token-scopes", "one token is valid for two repositories", _scopes, after=_AFTER),
        Check("unknown-manifest", "an unknown manifest is answered with 404", _unknown_manifest, after=_AFTER),
        Check("unknown-blob", "an unknown blob is answered with 404", _unknown_blob, after=_AFTER),
        Check("error-codes", "errors have the codes of the spec", _words, after=_AFTER),
    ),
)
