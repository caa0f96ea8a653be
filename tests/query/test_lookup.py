"""What is believed, what is asked for again, and what that takes."""

from __future__ import annotations

import pytest

from manifest_tool.errors import NotFound, RegistryError, Unauthorized
from manifest_tool.oci.reference import Reference
from manifest_tool.query.lookup import Key, Lookup, Nothing, normalised
from manifest_tool.server.actions import Answer
from manifest_tool.server.serve import Running
from tests import seeds
from tests.query.parts import Kept, entry, key
from tests.registry import parts


class Asking:
    """A lookup on a clock that stands still, and what it asks a registry."""

    def __init__(self, registry: Running, *, max_age: float = 60.0) -> None:
        self.registry = registry
        self.now = 1_000.0
        self.cache = Kept()
        self.lookup = Lookup(self.cache, max_age, clock=lambda: self.now)

    def key(self, name: str = "app:1", account: str = "") -> Key:
        return Key(normalised(Reference.parse(f"{self.registry.host}/{name}")), account)

    async def __call__(self, name: str = "app:1", account: str = "") -> tuple[str, list[str]]:
        """The architecture that is found, and the methods by which it is asked for."""
        self.registry.log.clear()
        async with parts.client(attempts=1) as client:
            entry = await self.lookup.find(self.key(name, account), client)
        platform = entry.support.manifests[0].platform
        return platform.architecture if platform else "", [request.method for request in self.registry.log]


@pytest.fixture
def asking(embedded: Running) -> Asking:
    seeds.put_image(embedded, "app:1", "linux/amd64")
    return Asking(embedded)


async def test_it_is_believed_while_it_is_young(asking: Asking) -> None:
    assert await asking() == ("amd64", ["GET", "GET"])
    asking.now += 59.9
    assert await asking() == ("amd64", [])


async def test_it_is_renewed_where_the_tag_stayed(asking: Asking) -> None:
    await asking()
    asking.now += 60
    assert await asking() == ("amd64", ["HEAD"])
    asking.now += 59
    assert await asking() == ("amd64", [])


async def test_it_is_read_again_where_the_tag_moved(asking: Asking) -> None:
    await asking()
    asking.now += 60
    seeds.put_image(asking.registry, "app:1", "linux/s390x")
    assert await asking() == ("s390x", ["HEAD", "GET", "GET"])


async def test_what_is_of_the_future_is_not_believed(asking: Asking) -> None:
    await asking()
    asking.now -= 1
    assert await asking() == ("amd64", ["HEAD"])


async def test_nothing_is_believed_at_age_zero(embedded: Running) -> None:
    seeds.put_image(embedded, "app:1", "linux/amd64")
    asking = Asking(embedded, max_age=0.0)
    await asking()
    assert await asking() == ("amd64", ["HEAD"])


async def test_a_digest_means_the_same_for_ever(asking: Asking) -> None:
    name = f"app@{asking.registry.tags('app')['1']}"
    await asking(name)
    asking.now += 1e9
    assert await asking(name) == ("amd64", [])


async def test_of_an_account_it_is_always_asked_whether_it_may_still_see_it(asking: Asking) -> None:
    await asking(account="me")
    assert await asking(account="me") == ("amd64", ["HEAD"])
    asking.registry.faults.add(Answer(403), path="/app/")
    with pytest.raises(Unauthorized):
        await asking(account="me")


async def test_one_account_is_not_told_what_another_one_saw(asking: Asking) -> None:
    await asking(account="me")
    assert await asking(account="you") == ("amd64", ["GET", "GET"])
    assert await asking() == ("amd64", ["GET", "GET"])


async def test_what_is_gone_is_an_error_though_it_was_known(asking: Asking) -> None:
    await asking()
    asking.now += 60
    asking.registry.store.delete_tag("app", "1")
    with pytest.raises(NotFound):
        await asking()


async def test_no_error_is_kept(asking: Asking) -> None:
    asking.registry.faults.add(Answer(500), times=1)
    with pytest.raises(RegistryError):
        await asking()
    assert asking.cache.entries == {}
    assert await asking() == ("amd64", ["GET", "GET"])


async def test_a_registry_that_knows_no_head(asking: Asking) -> None:
    await asking()
    asking.now += 60
    asking.registry.faults.add(Answer(405), method="HEAD")
    assert await asking() == ("amd64", ["HEAD", "GET"])


def test_nothing_keeps_nothing() -> None:
    nothing = Nothing()
    nothing.put(key(), entry("linux/amd64"))
    assert nothing.get(key()) is None


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("alpine", "docker.io/library/alpine:latest"),
        ("index.docker.io/library/alpine:3", "docker.io/library/alpine:3"),
        (f"R.test/app:1@sha256:{'0' * 64}", f"r.test/app@sha256:{'0' * 64}"),
    ],
)
def test_one_spelling_for_all_that_mean_the_same(name: str, normal: str) -> None:
    assert str(normalised(Reference.parse(name))) == normal
