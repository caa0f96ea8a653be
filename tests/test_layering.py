"""The house of design.md: imports run one way, and each library lives in its own room."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import manifest_tool

PACKAGE = Path(manifest_tool.__file__).parent

_VERBS = {"fleet", "pipeline", "inspector", "query", "pusher", "index"}
_CLI = {*_VERBS, "concurrency", "conformance", "drafts", "spec", "registry", "server", "oci", "__init__"}
# What a room may import of the others, besides errors and events, which all may. Top-level modules are rooms too.
ALLOWED = {
    "__main__": {"cli"},
    "cli": _CLI,
    "conformance": {"concurrency", "registry", "oci"},
    "drafts": {"concurrency", "index", "resolver", "reader", "files", "spec", "registry", "oci"},
    "fleet": {"index", "spec", "oci"},
    "pipeline": {"pusher", "index", "resolver", "concurrency", "spec", "registry", "oci"},
    "pusher": {"index", "resolver", "concurrency", "registry", "oci"},
    "index": {"resolver", "spec", "oci"},
    "resolver": {"reader", "concurrency", "spec", "registry", "oci"},
    "query": {"reader", "concurrency", "files", "registry", "server", "oci"},
    "inspector": {"reader", "concurrency", "registry", "oci"},
    "reader": {"registry", "oci"},
    "concurrency": set[str](),
    "spec": {"oci", "schemas"},
    "registry": {"concurrency", "files", "oci", "__init__"},
    "server": {"files", "oci", "__init__"},
    "testing": {"server", "oci"},
    "files": set[str](),
    "events": {"oci"},
    "oci": set[str](),
    "errors": set[str](),
    "__init__": set[str](),
}
HOMES = {
    "aiohttp": {"query", "registry", "server"},
    "bcrypt": {"server"},
    "jsonschema": {"spec"},
    "platformdirs": {"query"},
    "pytest": {"testing"},
    "rich": {"cli"},
    "ruamel": {"spec"},
    "typer": {"cli"},
    "yarl": {"conformance", "registry", "server"},
}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in PACKAGE.rglob("*.py"):
        yield ".".join(path.relative_to(PACKAGE).with_suffix("").parts), ast.parse(path.read_text())


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield node.module or ""
            yield from (f"{node.module}.{name.name}" for name in node.names)


def room(module: str) -> str:
    return module.partition(".")[0]


def own(tree: ast.AST) -> set[str]:
    """The rooms of ours that a module imports."""
    found = {name.partition(".")[2] for name in imports(tree) if name.startswith("manifest_tool.")}
    rooms = {room(name) for name in found}
    return {name if name != "__version__" else "__init__" for name in rooms if name in ALLOWED or name == "__version__"}


def test_rooms_import_only_what_they_may() -> None:
    for module, tree in modules():
        here = room(module)
        assert own(tree) - {here, "errors", "events"} <= ALLOWED[here], module


def test_libraries_stay_in_their_rooms() -> None:
    for module, tree in modules():
        for name in imports(tree):
            homes = HOMES.get(room(name))
            assert homes is None or room(module) in homes, f"{module} imports {name}"


def test_values_need_the_standard_library_alone() -> None:
    for module, tree in modules():
        if room(module) in {"oci", "errors"}:
            assert not {room(name) for name in imports(tree)} & {*HOMES, "multidict"}, module


def test_there_are_no_cycles_at_run_time() -> None:
    names = {module for module, _ in modules()}
    graph = {}
    for module, tree in modules():
        tree.body = [node for node in tree.body if not _is_type_checking(node)]
        found = {name.removeprefix("manifest_tool.") for name in imports(tree) if name.startswith("manifest_tool.")}
        graph[module] = {name for name in found & names if name != module}
    list(TopologicalSorter(graph).static_order())


def _is_type_checking(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
