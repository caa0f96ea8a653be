"""Many pushes of random specs through a registry that fails a fifth of all requests, each in a way of its own.

A push either publishes the right bytes or fails with a documented exit code; a tag is never wrong or incomplete.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from dataclasses import dataclass
from random import Random

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from manifest_tool import pipeline
from manifest_tool.errors import ExitCode, ManifestToolError
from manifest_tool.oci.digest import Digest
from manifest_tool.oci.kind import Kind
from manifest_tool.server import actions
from manifest_tool.server.faults import Action
from manifest_tool.server.serve import Running, serving
from manifest_tool.spec.load import parse
from manifest_tool.spec.model import Spec
from tests import seeds
from tests.registry.parts import client
from tests.spec.parts import one
from tests.test_pusher import complete

# Coverage is measured by the other tests; here it would take most of the time.
pytestmark = pytest.mark.no_cover

PUSHES = 250
"""For each seed."""
SHARE = 0.2
SECONDS = 20.0
PLATFORMS = ["linux/amd64", "linux/arm64", "linux/arm/v7", "linux/386", "linux/s390x", "windows/amd64:10.0.17763.1"]
UPLOAD = re.compile(r"/uploads/[^/?]+")
"""Where the registry goes on with an upload; it names each by chance."""
WRONG = str(Digest.of(b"another"))
ACTIONS: list[Action] = [
    *(actions.Answer(status) for status in (400, 401, 403, 404, 405, 408, 416, 429, 500, 501, 502, 503, 504)),
    *(actions.Answer(status, done=True) for status in (200, 202, 204, 500, 503)),
    actions.Answer(400, b'{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN"}]}'),
    actions.Answer(429, headers={"Retry-After": "1"}),
    actions.Answer(200, b"<html><title>Sign in</title></html>", {"Content-Type": "text/html"}, done=True),
    actions.Reset(),
    actions.Reset(after=20),
    actions.Close(),
    actions.Close(after=20),
    actions.Length(by=7),
    actions.Length(by=-7),
    actions.digest_header(None),
    actions.digest_header(WRONG),
    actions.digest_header("nonsense"),
    actions.content_type(None),
    actions.content_type("text/plain; charset=utf-8"),
    actions.Headers({"Location": None}),
    actions.Body(b"{}"),
    actions.Body(b""),
    actions.Damage(),
    actions.Drip(0.0, piece=64),
    actions.Chunked(),
    actions.Gzip(),
    actions.NoMount(),
    actions.PhantomMount(),
]


class Chaos:
    """A fault to one request in five; which one hangs on the seed and on what the request is, and not on when it comes.

    So a seed fails the same requests in the same ways however they overtake one another.
    """

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._seen: Counter[str] = Counter()

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        return await (self.draw(request.method, request.rel_url.raw_path_qs) or _untroubled)(request, handler)

    def draw(self, method: str, target: str) -> Action | None:
        """The fault of a request: each time that the same one comes, another."""
        what = f"{method} {UPLOAD.sub('/uploads/', target)}"
        self._seen[what] += 1
        random = Random(f"{self._seed} {what} {self._seen[what]}")
        return random.choice(ACTIONS) if random.random() < SHARE else None


async def _untroubled(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await handler(request)


@dataclass(frozen=True, slots=True)
class Case:
    """A spec, and what is to come of it."""

    spec: Spec
    kind: Kind
    raw: bytes


async def a_case(random: Random, number: int, registries: list[Running]) -> Case:
    """Random images in random repositories of two registries, for up to three tags."""
    entries = []
    for platform in random.sample(PLATFORMS, random.randint(1, 4)):
        registry = random.choice(registries)
        tag = platform.translate(str.maketrans("/:", "--"))
        reference = f"{random.choice(['app', 'src', f'src/{tag}/'])}{number}:{tag}"
        seeds.put_image(registry, reference, platform, layers=random.randint(1, 3))
        entries.append(f"{registry.host}/{reference}")
    tags = ["b", "c"][: random.randint(0, 2)]
    text = seeds.spec(registries[0].host, f"app{number}:1", *entries, tags=tags)
    spec, kind = one(parse(text.encode(), f"push {number}", strict=True)), random.choice(list(Kind))
    async with client() as undisturbed:
        plan = await pipeline.plan(spec, kind, undisturbed, ignore_missing=False)
    return Case(spec, kind, plan.raw)


async def pushed(case: Case) -> ExitCode:
    """How a push ends, which it does."""
    async with asyncio.timeout(SECONDS), client() as disturbed:
        try:
            receipt = await pipeline.push(case.spec, case.kind, disturbed, ignore_missing=False)
        except ManifestToolError as error:
            return error.exit_code
    assert receipt.plan.raw == case.raw
    return ExitCode.DONE


def judge(case: Case, registry: Running, code: ExitCode) -> None:
    """Assert that every tag is right and complete, and that a push that succeeded left none out."""
    repository = case.spec.repository.name
    assert code in {ExitCode.DONE, ExitCode.NOT_FOUND, ExitCode.DENIED, ExitCode.REGISTRY}
    for tag in case.spec.tags:
        found = registry.manifest(repository, tag)
        if found is None:
            assert code != ExitCode.DONE, tag
        else:
            assert found[1] == case.raw
            complete(registry, repository, tag)


async def one_push(seed: str, number: int, registries: list[Running]) -> ExitCode:
    """Set up, push and judge; all that is random in it comes from the seed and the number."""
    for registry in registries:
        registry.faults.clear()
    case = await a_case(Random(f"{seed} {number}"), number, registries)
    for place, registry in enumerate(registries):
        registry.faults.add(Chaos(f"{seed} {number} {place}"))
    code = await pushed(case)
    judge(case, registries[0], code)
    return code


@pytest.mark.parametrize("seed", ["20260101", "20260102"])
async def test_a_push_is_right_or_refused(seed: str) -> None:
    ended: Counter[ExitCode] = Counter()
    with serving() as target, serving() as other:
        for number in range(PUSHES):
            try:
                ended[await one_push(seed, number, [target, other])] += 1
            except Exception as error:
                error.add_note(f"seed {seed}, push {number}")
                raise
    assert ended[ExitCode.DONE] > PUSHES / 10, ended


def test_a_seed_means_the_same_faults_in_whatever_order_requests_come() -> None:
    requests = [("PUT", f"/v2/app/blobs/uploads/{n}?digest={n % 50}") for n in range(500)]
    requests += [("GET", f"/v2/app/manifests/{n % 100}") for n in range(500)]
    drawn = []
    for order in (requests, requests[::-1]):
        chaos = Chaos("7")
        drawn.append(Counter((method, UPLOAD.sub("", target), chaos.draw(method, target)) for method, target in order))
    assert drawn[0] == drawn[1]
    spared = sum(count for (*_, action), count in drawn[0].items() if action is None)
    assert 0.7 < spared / len(requests) < 0.9
    assert len({action for *_, action in drawn[0]}) > len(ACTIONS) / 2
