"""The README: what it shows is what happens, and what it tells in tables is what the code says."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from integration import readme
from integration.trial import ROOT
from manifest_tool.cli.arguments import translated
from manifest_tool.errors import ExitCode
from manifest_tool.spec import schema
from manifest_tool.spec.template import expand

TEXT = readme.README.read_text()
PROSE = re.sub(r"^```.*?^```$", "", TEXT, flags=re.MULTILINE | re.DOTALL)
"""What is not in fences."""
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
INTERRUPTED = (130, 143)


def section(heading: str) -> str:
    """What stands below a heading."""
    found = re.search(rf"^(#+) {re.escape(heading)}\n(.*?)(?=^#{{1,3}} |\Z)", PROSE, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[2]


def tables(text: str) -> Iterator[list[list[str]]]:
    """The rows of each table, without its head."""
    for table in re.findall(r"^\|[-|]+\|\n((?:\|.*\n)+)", text, re.MULTILINE):
        yield [[cell.strip() for cell in row.strip("|").split(" | ")] for row in table.splitlines()]


def names(cell: str) -> list[str]:
    """The code in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def test_every_command_prints_what_it_is_said_to() -> None:
    now = readme.refreshed(TEXT)
    changed = difflib.unified_diff(TEXT.splitlines(), now.splitlines(), "README.md", "what happens", lineterm="", n=1)
    assert now == TEXT, "\n".join([*changed, "`make readme` writes it down"])


def test_every_spec_in_it_is_one_of_the_examples() -> None:
    files = re.findall(r"^<!-- specs/\S+ -->\n```yaml$", TEXT, re.MULTILINE)
    assert len(files) == len(blocks("yaml"))


def test_every_fence_is_of_a_kind_that_is_checked() -> None:
    assert set(re.findall(r"^```(\w+)$", TEXT, re.MULTILINE)) == {"console", "sh", "yaml"}


def test_the_exit_codes_are_those_of_the_code() -> None:
    [rows] = tables(section("Exit codes"))
    assert [int(code) for code, _ in rows] == [*sorted(ExitCode), *INTERRUPTED]


def test_the_json_object_is_described_key_by_key() -> None:
    [shown] = [block for block in blocks("console") if " --format json\n" in block]
    document = json.loads(shown[shown.index("{") :])
    [rows] = tables(section("The result as JSON"))
    told = [name for cell, _ in rows for name in names(cell)]
    top = {name for name in told if "[" not in name and not name.startswith(".")}
    entry = {name.rpartition(".")[2] for name in told} - top - {"manifests"}
    assert top == set(document)
    assert entry | {"mediaType", "digest", "size"} == set(document["manifests"][0])


def test_the_keys_of_a_spec_are_those_of_the_schema() -> None:
    keys, platform_keys = tables(section("The spec"))
    properties = schema.load()["properties"]
    entry = properties["manifests"]["items"]["properties"]
    assert {names(cell)[0] for cell, _ in keys} == set(properties) | {f"manifests[].{key}" for key in entry}
    assert {name for cell, _ in platform_keys for name in names(cell)} == set(entry["platform"]["properties"])


def test_the_template_is_filled_as_the_table_says() -> None:
    [rows] = tables(section("push from-args"))
    assert len(rows) == 3
    head = re.search(r"^\| `--platforms` \|(.*)\|$", TEXT, re.MULTILINE)
    assert head
    for platform, *filled in rows:
        for template, expected in zip(names(head[1]), filled, strict=True):
            [entry] = expand(names(platform), f"localhost/{template}", "localhost/x:1").entries
            assert f"`{entry.reference}`" == expected.replace("`app", "`localhost/app")


def test_every_option_that_it_names_is_one() -> None:
    helps = "".join(block for block in blocks("console") if " --help\n" in block)
    known = set(re.findall(r"--[a-z-]+", helps)) | {"--root", "--port"}
    assert set(re.findall(r"`[^`]*?(--[a-z]+(?:-[a-z]+)*)", PROSE)) <= known


def test_one_dash_is_understood() -> None:
    assert translated(["-debug"]) == ["--debug"]


def test_every_target_of_make_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    wanted = set(re.findall(r"\bmake ([a-z]+)$|`make ([a-z]+)`|^make ([a-z]+)", TEXT, re.MULTILINE))
    for target in {name for found in wanted for name in found if name}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("text", [PROSE, CHANGELOG], ids=["README", "CHANGELOG"])
def test_links_lead_somewhere(text: str) -> None:
    anchors = {slug(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
    targets = re.findall(r"\]\(([^)]+)\)", text)
    assert targets or text is CHANGELOG
    for target in targets:
        path, _, anchor = target.partition("#")
        assert target.startswith("https://") or not path or (ROOT / path).exists(), target
        assert not anchor or anchor in anchors, target


def slug(heading: str) -> str:
    """A heading as GitHub names its anchor."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_the_contents_list_every_section() -> None:
    headings = re.findall(r"^## (.+)$", TEXT, re.MULTILINE)
    assert re.findall(r"^- \[(.+?)\]\(#", TEXT, re.MULTILINE) == headings


def test_it_is_the_long_description_of_the_package() -> None:
    import tomllib

    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["readme"] == "README.md"
