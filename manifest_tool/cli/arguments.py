"""Command lines as the Go manifest-tool takes them, put the way that typer reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_GLOBAL_FLAGS = frozenset({"debug", "insecure", "password-stdin", "plain-http"})
_GLOBAL_WITH_VALUE = frozenset(
    {"ca-file", "docker-cfg", "manifest-limit", "password", "retries", "timeout", "username"}
)
_SHORT = {"-p": "password", "-u": "username"}
_FLAGS = _GLOBAL_FLAGS | {
    "amend", "expand-config", "help", "ignore-missing", "purge", "raw", "verbose", "version",
}  # fmt: skip
_WITH_VALUE = _GLOBAL_WITH_VALUE | {"annotations", "platforms", "tags", "target", "template", "type"}
_GLOBAL = _GLOBAL_FLAGS | _GLOBAL_WITH_VALUE
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})


def translated(arguments: Sequence[str]) -> list[str]:
    """The same command line as typer takes it.

    Long options get two dashes (``-debug``), flags lose their values (``--debug=true``), and global options may stand
    behind the command, from where they are brought before it. ``-u`` and ``-p``
    are global too, but behind ``manifest``, where ``-p`` is ``--purge``.
    """
    first: list[str] = []
    rest: list[str] = []
    for name, words in _options(iter(arguments)):
        (first if name in _GLOBAL else rest).extend(words)
    return [*first, *rest]


def _options(rest: Iterator[str]) -> Iterator[tuple[str, list[str]]]:
    """Each option with its name and its value, each other word without a name."""
    command = ""
    for argument in rest:
        dashed, equals, value = argument.partition("=")
        name = (_SHORT.get(dashed) if command != "manifest" else None) or dashed.lstrip("-")
        if argument == "--":
            yield "", [argument, *rest]
        elif not argument.startswith("-") or name not in _FLAGS | _WITH_VALUE:
            command = command or argument
            yield "", [argument]
        elif name in _WITH_VALUE and not equals:
            # The value is left as it is even where it looks like another option.
            yield name, [f"--{name}", *_one(rest)]
        elif name in _WITH_VALUE or not equals:
            yield name, [f"--{name}{equals}{value}"]
        elif value not in _FALSE:
            yield name, [f"--{name}" if value in _TRUE else f"--{name}={value}"]


def _one(rest: Iterator[str]) -> list[str]:
    return [word for word in (next(rest, None),) if word is not None]
