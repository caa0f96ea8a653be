"""What is seen before a run."""

from __future__ import annotations

import pytest

from manifest_tool.conformance import preflight
from manifest_tool.conformance.site import Site
from manifest_tool.conformance.start import repositories
from manifest_tool.errors import NotFound, RegistryError, Unauthorized, Unreachable
from manifest_tool.oci.reference import Reference
from manifest_tool.registry.client import Client
from manifest_tool.registry.credentials import Keychain
from manifest_tool.registry.retry import Retry
from manifest_tool.registry.transport import Options
from manifest_tool.server.actions import Answer, Delay, Reset
from manifest_tool.server.serve import Running
from tests import harness, seeds

DENIED = b'{"errors":[{"code":"DENIED","message":"not yours"}]}'
UNKNOWN = b'{"errors":[{"code":"NAME_UNKNOWN","message":"make it first"}]}'


async def reach(host: str, image: str = "") -> None:
    main, other = repositories(f"{host}/acme")
    reference = Reference.parse(f"{host}/{image}") if image else None
    once = Retry(attempts=1)
    async with Client.opened(Options(retry=once), Keychain()) as client:
        await preflight.reach(
            Site(client.sender, reference.repository if reference else main, other, patience=once, reference=reference)
        )


async def test_a_registry_that_is_there_is_left_as_it_was(embedded: Running) -> None:
    await reach(embedded.host)
    assert [request.method for request in embedded.log] == ["GET", "POST", "DELETE"]


async def test_an_image_that_is_there_is_read_and_nothing_written(embedded: Running) -> None:
    seeds.put_image(embedded, "app:1", "linux/amd64")
    embedded.log.clear()
    await reach(embedded.host, "app:1")
    assert not embedded.log.writes()


async def test_nobody_there() -> None:
    with pytest.raises(Unreachable):
        await reach(f"127.0.0.1:{harness.free_port()}")


async def test_somebody_who_says_nothing(embedded: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "_SECONDS", 0.1)
    embedded.faults.add(Delay(60), method="GET")
    with pytest.raises(Unreachable, match=r"^127\.0\.0\.1:\d+ did not answer within 0 s$"):
        await reach(embedded.host)


@pytest.mark.parametrize("status", [401, 403])
async def test_no_right(embedded: Running, status: int) -> None:
    embedded.faults.add(Answer(status, DENIED), method="POST")
    with pytest.raises(Unauthorized, match=r"^not allowed to push to 127\.0\.0\.1.*DENIED: not yours"):
        await reach(embedded.host)


async def test_a_registry_whose_repositories_are_made_first(embedded: Running) -> None:
    embedded.faults.add(Answer(404, UNKNOWN), method="POST")
    with pytest.raises(RegistryError) as raised:
        await reach(embedded.host)
    main, other = repositories(f"{embedded.host}/acme")
    assert raised.value.hint == f"here, repositories have to be made first; make {main} and {other}"


async def test_an_image_that_is_not_there(embedded: Running) -> None:
    with pytest.raises(NotFound):
        await reach(embedded.host, "app:1")


async def test_an_image_that_is_not_shown(embedded: Running) -> None:
    embedded.faults.add(Answer(403, DENIED), path="/manifests/")
    with pytest.raises(Unauthorized, match=r"^not allowed to pull 127.0.0.1:\d+/app:1"):
        await reach(embedded.host, "app:1")


@pytest.mark.parametrize(
    ("method", "action"),
    [
        ("*", Answer(500)),
        ("*", Answer(429)),
        ("GET", Answer(401, DENIED)),
        ("GET", Answer(403, DENIED)),
        ("*", Answer(404, b"<html>")),
        ("POST", Reset()),
        ("POST", Answer(202)),
        ("POST", Answer(202, headers={"Location": "ftp://x/"})),
        ("GET", Answer(302, headers={"Location": "/v2/"})),
    ],
)
async def test_what_else_is_wrong_is_for_the_checks_to_tell(
    embedded: Running, method: str, action: Answer | Reset
) -> None:
    embedded.faults.add(action, method=method)
    await reach(embedded.host)
