"""``query --serve`` as a user starts and stops it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from manifest_tool.server.serve import Running
from tests import harness, seeds
from tests.conftest import Program
from tests.registry import tokens


@contextmanager
def started(*options: str, before: tuple[str, ...] = (), stop: signal.Signals = signal.SIGTERM) -> Iterator[str]:
    command = [sys.executable, "-m", "manifest_tool", *before, "query", "--serve", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip().removeprefix("http://")
        finally:
            process.send_signal(stop)
            output = process.communicate(timeout=20)
        assert (process.returncode, *output) == (0, "", "")


def asked(host: str, image: str) -> tuple[int, dict[str, object]]:
    status, _, body = harness.request(host, "GET", f"/?image={image}")
    return status, json.loads(body)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_until_a_signal(embedded: Running, stop: signal.Signals) -> None:
    digest = seeds.put_image(embedded, "app:1", "linux/amd64")
    with started("--allow-private", stop=stop) as host:
        status, answer = asked(host, f"{embedded.host}/app:1")
    assert (status, answer["digest"]) == (200, str(digest))


def test_nobody_near_is_asked_without_a_word(embedded: Running) -> None:
    with started() as host:
        status, answer = asked(host, f"{embedded.host}/app:1")
    assert (status, list(embedded.log)) == (400, [])
    assert answer["error"] == "Error querying image: 127.0.0.1 is not in the public internet, and is not asked"


def test_accounts_of_whoever_runs_it_are_used_where_a_file_is_given_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tokens.guarded(anonymous={}) as (registry, service):
        service.add("me", tokens.SECRET, {"*": "pull"})
        seeds.put_image(registry, "app:1", "linux/amd64")
        (tmp_path / "config.json").write_text(json.dumps({"auths": tokens.logins(registry.host)}))
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        with started("--allow-private") as host:
            status, answer = asked(host, f"{registry.host}/app:1")
            assert (status, str(tmp_path) in str(answer)) == (400, False)
        with started("--allow-private", before=("--docker-cfg", str(tmp_path))) as host:
            assert asked(host, f"{registry.host}/app:1")[0] == 200


def test_whom_it_asks_as_is_told_to_nobody(tmp_path: Path) -> None:
    with tokens.guarded(anonymous={}) as (registry, service):
        service.add("operator", tokens.SECRET, {"*": "pull"})
        wrong = tokens.logins(registry.host, name="operator", password="wrong")
        (tmp_path / "config.json").write_text(json.dumps({"auths": wrong}))
        with started("--allow-private", before=("--docker-cfg", str(tmp_path))) as host:
            status, answer = asked(host, f"{registry.host}/app:1")
    assert (status, "it is refused: GET " in str(answer)) == (400, True)
    assert not any(word in str(answer) for word in ("operator", "wrong", str(tmp_path)))


def test_what_an_image_may_take(embedded: Running) -> None:
    embedded.latency = 0.05
    with started("--allow-private", before=("--timeout", "0.01")) as host:
        assert asked(host, f"{embedded.host}/app:1")[0] == 504


def test_a_warning_where_others_may_come(program: Program) -> None:
    # An address of no machine (RFC 5737), so that nothing comes to listen.
    ran = program("query", "--serve", "--host", "192.0.2.1", "--port", "0")
    assert ran.code == 2
    assert ran.stderr.startswith("warning: whoever reaches 192.0.2.1 may have this machine ask registries\nerror: ")
