"""Command lines as the Go manifest-tool takes them, put the way that typer reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_FLAGS = frozenset({"debug", "expand-config", "help", "ignore-missing", "insecure", "plain-http", "raw", "version"})
_WITH_VALUE = frozenset(
    {"annotations", "docker-cfg", "password", "platforms", "tags", "target", "template", "type", "username"}
)
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})


def translated(arguments: Sequence[str]) -> list[str]:
    """The same with two dashes before long options (``-debug``), and without values at flags (``--debug=true``)."""
    return list(_translated(arguments))


def _translated(arguments: Sequence[str]) -> Iterator[str]:
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            yield argument
            yield from rest
            return
        name, equals, value = argument.lstrip("-").partition("=")
        if not argument.startswith("-") or name not in _FLAGS | _WITH_VALUE:
            yield argument
        elif name in _FLAGS and equals and value in _FALSE:
            continue
        elif name in _FLAGS and equals and value in _TRUE:
            yield f"--{name}"
        else:
            yield f"--{name}{equals}{value}"
            if name in _WITH_VALUE and not equals:
                yield from _next(rest)


def _next(rest: Iterator[str]) -> Iterator[str]:
    """The value of an option, which is left as it is even where it looks like another option."""
    value = next(rest, None)
    if value is not None:
        yield value
