"""The README and docs/: what they show is what happens, and what they tell in tables is what the code says."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration import readme
from integration.trial import ROOT
from manifest_tool.cli.arguments import translated
from manifest_tool.errors import ExitCode
from manifest_tool.spec import schema
from manifest_tool.spec.template import expand


def prose(text: str) -> str:
    """What is not in fences."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


TEXT = readme.README.read_text()
PROSE = prose(TEXT)
CHANGELOG = ROOT / "CHANGELOG.md"
INTERRUPTED = (130, 143)
each_page = pytest.mark.parametrize("page", readme.PAGES, ids=lambda page: page.stem)


def section(heading: str, text: str = PROSE) -> str:
    """What stands below a heading."""
    found = re.search(rf"^(#+) {re.escape(heading)}\n(.*?)(?=^#{{1,3}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[2]


def tables(text: str) -> Iterator[list[list[str]]]:
    """The rows of each table, without its head."""
    for table in re.findall(r"^\|[-|]+\|\n((?:\|.*\n)+)", text, re.MULTILINE):
        yield [[cell.strip() for cell in row.strip("|").split(" | ")] for row in table.splitlines()]


def names(cell: str) -> list[str]:
    """The code in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def blocks(language: str, text: str = TEXT) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@each_page
def test_every_command_prints_what_it_is_said_to(page: Path) -> None:
    text = page.read_text()
    now = readme.refreshed(text)
    changed = difflib.unified_diff(text.splitlines(), now.splitlines(), page.name, "what happens", lineterm="", n=1)
    assert now == text, "\n".join([*changed, "`make readme` writes it down"])


@each_page
def test_every_spec_in_it_is_one_of_the_examples(page: Path) -> None:
    text = page.read_text()
    files = re.findall(r"^<!-- specs/\S+ -->\n```yaml$", text, re.MULTILINE)
    assert len(files) == len(blocks("yaml", text))


@each_page
def test_every_fence_is_of_a_kind_that_is_checked(page: Path) -> None:
    kinds = {"console", "sh", "yaml", *(["python"] if page.stem == "testing" else [])}  # tests/testing runs that one
    assert set(re.findall(r"^```(\w+)$", page.read_text(), re.MULTILINE)) <= kinds


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


def test_the_json_of_inspect_is_described_key_by_key() -> None:
    text = (ROOT / "docs" / "inspect.md").read_text()
    [shown] = [block for block in blocks("console", text) if " --format json " in block]
    image, index = map(json.loads, re.findall(r"^\{$.*?^\}$", shown, re.MULTILINE | re.DOTALL))
    [rows] = tables(section("JSON", prose(text)))
    told = [name for cell, _ in rows if "[]" not in cell for name in names(cell)]
    children = [name.rpartition(".")[2] for cell, _ in rows if "[]" in cell for name in names(cell)]
    assert told == [*dict.fromkeys(told)]
    assert set(told) == set(image) == set(index)
    assert children == [*dict.fromkeys(children)]
    assert [set(child) for child in index["manifests"]] == [set(children)] * 2
    [blob] = [names(meaning) for cell, meaning in rows if cell == "`config`"]
    assert blob == [*image["config"]] == [*image["layers"][0]]


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


@each_page
def test_every_option_that_it_names_is_one(page: Path) -> None:
    shown = [block for path in readme.PAGES for block in blocks("console", path.read_text())]
    helps = "".join(block for block in shown if " --help\n" in block)
    known = set(re.findall(r"--[a-z-]+", helps)) | {"--root", "--port"}
    assert set(re.findall(r"`[^`]*?(--[a-z]+(?:-[a-z]+)*)", prose(page.read_text()))) <= known


def test_one_dash_is_understood() -> None:
    assert translated(["-debug"]) == ["--debug"]


def test_every_target_of_make_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    wanted = set(re.findall(r"\bmake ([a-z]+)$|`make ([a-z]+)`|^make ([a-z]+)", TEXT, re.MULTILINE))
    for target in {name for found in wanted for name in found if name}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("page", [*readme.PAGES, CHANGELOG], ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", prose(page.read_text())):
        path, _, anchor = target.partition("#")
        if target.startswith("https://"):
            continue
        file = page.parent / path if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.read_text()), target


def test_the_readme_leads_to_every_page_of_docs() -> None:
    pages = {str(page.relative_to(ROOT)) for page in readme.PAGES} - {"README.md"}
    assert pages <= set(re.findall(r"\]\(([^)#]+)", PROSE))


def anchors(text: str) -> set[str]:
    """What can be linked to on a page."""
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)}


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
