"""Runs one command and tells what it took; a process of its own, started without ``site``, so that it is small.

A process counts as its peak what the one had that started it, up to the moment when its own program is loaded.
``launch.py SECONDS OUTPUT COMMAND...`` writes its output to a file, ends it after so many seconds, and prints: its
status as ``wait`` gives it, the seconds that it took, those of the CPU, and its peak as the system counts it.
"""

from __future__ import annotations

import os
import signal
import sys
import time


def main() -> None:
    """Run it."""
    patience, output, *command = sys.argv[1:]
    files = (
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    )
    started = time.monotonic()
    number = os.posix_spawnp(command[0], command, os.environ, file_actions=files)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(number, signal.SIGKILL))
    signal.alarm(int(patience))
    _, status, usage = os.wait4(number, 0)
    wall = time.monotonic() - started
    sys.stdout.write(f"{status} {wall} {usage.ru_utime + usage.ru_stime} {usage.ru_maxrss}\n")


if __name__ == "__main__":
    main()
