"""What is logged while something is served."""

from __future__ import annotations

import logging
import resource
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack

import pytest

from manifest_tool.cli import logs


def _fail(name: str, *, message: str = "it went wrong\nat length") -> None:
    try:
        raise ValueError("of\x1b[2J\na client's")
    except ValueError:
        logging.getLogger(name).exception(message)


def test_an_error_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with logs.told():
        _fail("asyncio")
        logging.getLogger("asyncio").info("nothing of note")
    _fail("asyncio")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "error: it went wrong: ValueError: of\\x1b[2J\\na client's\n")


def test_what_is_repeated_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    with logs.told():
        for message in ("first", "first", "second", "first"):
            _fail("aiohttp.server", message=message)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[1] for line in lines] == [" first", " second", " first"]


def test_a_traceback_for_whoever_looks_for_one(capsys: pytest.CaptureFixture[str]) -> None:
    with logs.told(debug=True):
        _fail("asyncio")
    first, second, *_ = capsys.readouterr().err.splitlines()
    assert (first[:6], second) == ("error:", "Traceback (most recent call last):")


def test_more_connections_than_there_may_be_files() -> None:
    command = [sys.executable, "-m", "manifest_tool", "registry", "serve", "--port", "0"]
    with (
        ExitStack() as connections,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
    ):
        assert process.stdout is not None
        assert process.stderr is not None
        port = int(process.stdout.readline().rpartition(":")[2])
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (40, 40))
        for _ in range(60):
            connections.enter_context(socket.create_connection(("127.0.0.1", port)))
        line = process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=20)
    assert line.startswith("error: socket.accept() out of system resource: OSError: ")
    assert (process.returncode, rest) == (0, "")
