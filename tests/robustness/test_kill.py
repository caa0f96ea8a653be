"""SIGKILL at every request in turn: no tag ever points at something incomplete, and a re-run completes the work."""

from __future__ import annotations

from pathlib import Path

import pytest

from manifest_tool.server.serve import serving
from tests.conftest import Program
from tests.robustness.parts import PATIENCE, TAGS, Moment, every_tag_is_complete, pushing, write_spec


def undisturbed(program: Program, folder: Path) -> tuple[str, int]:
    """What a push prints, and how many requests it takes."""
    with serving() as registry:
        ran = program("push", "from-spec", str(write_spec(registry, folder)))
        assert ran.code == 0, ran.stderr
        return ran.stdout, len(registry.log)


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_killed_at_any_request_a_push_can_be_run_again(program: Program, tmp_path: Path, done: bool) -> None:
    expected, requests = undisturbed(program, tmp_path)
    assert requests == 24
    for count in range(requests):
        with serving() as registry:
            moment = Moment(done=done)
            path = write_spec(registry, tmp_path)
            registry.faults.add(moment, after=count, times=1)
            with pushing(path) as process:
                assert moment.reached.wait(PATIENCE), f"request {count}"
                process.kill()
            every_tag_is_complete(registry)
            assert (count, program("push", "from-spec", str(path)).stdout) == (count, expected)
            assert set(registry.tags("app")) == set(TAGS)
            every_tag_is_complete(registry)
