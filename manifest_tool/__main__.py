"""``python -m manifest_tool``, and the console script."""

from __future__ import annotations

import sys

_INTERRUPTED = 130
"""SIGTERM needs no word here: until there is something to give up, it ends the process by itself."""


def main() -> None:
    """Run the command line; Ctrl-C ends it without a traceback, even while it is still being imported."""
    try:
        from manifest_tool.cli.app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = _INTERRUPTED
    sys.exit(code)


if __name__ == "__main__":
    main()
