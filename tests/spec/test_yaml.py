"""YAML is read as text, with its place, and hostile input ends in one clear error, soon."""

from __future__ import annotations

import codecs
import json
import time
import tracemalloc
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from manifest_tool.errors import SpecError
from manifest_tool.spec import yaml

if TYPE_CHECKING:
    from manifest_tool.spec.document import Data, Document

MIB = yaml.MAX_SIZE


def read(text: str | bytes) -> Document:
    (document,) = yaml.read(text.encode() if isinstance(text, str) else text, "spec.yaml")
    return document


def refusal(text: str | bytes) -> str:
    with pytest.raises(SpecError) as caught:
        read(text)
    assert len(caught.value.problems) == 1
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        *("386", "1.10", "0755", "0x10", "0o17", "1e3", "1234e567", "1_000", "12345678", ".5", "-1", "+1", ".inf"),
        *("yes", "no", "on", "off", "true", "False", "y", "N", "2026-01-02", "2026-01-02T03:04:05Z", "12:30:45", "<<x"),
    ],
)
@pytest.mark.parametrize("shape", ["{}", "'{}'", '"{}"', "!!str {}", "!!int {}", "! {}", "|-\n  {}", "&a {}"])
def test_a_scalar_is_the_text_that_was_written(text: str, shape: str) -> None:
    assert read(f"a: {shape.format(text)}\n").data == {"a": text}


@pytest.mark.parametrize("text", ["~", "null", "Null", "NULL", "", "!!null ''"])
def test_null_is_nothing_and_a_null_item_is_dropped(text: str) -> None:
    assert read(f"a: {text}\nb:\n- 1\n- {text}\n- 2\n").data == {"a": None, "b": ["1", "2"]}


@pytest.mark.parametrize("text", ["'null'", '"~"', "!!str null"])
def test_quoted_null_is_text(text: str) -> None:
    assert read(f"a: {text}").data == {"a": text.removeprefix("!!str ").strip("'\"")}


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example("\N{NEXT LINE}\N{LINE SEPARATOR}\ufeff\t\0\x7f")
def test_json_keeps_any_text(text: str) -> None:
    tree: Data = {"a": [text], f"b{text[:100]}": ""}  # YAML bounds a key of one line to 1024 characters
    assert read(json.dumps(tree)).data == tree


@given(
    st.text(st.characters(codec="utf-8", min_codepoint=32, exclude_characters="\x7f\ufeff", exclude_categories=["Cc"]))
)
def test_single_quotes_keep_any_printable_line(text: str) -> None:
    text = "".join(c for c in text if c not in "\u2028\u2029\ufffe\uffff")
    quoted = text.replace("'", "''")
    assert read(f"a: '{quoted}'").data == {"a": text}


TREES = st.recursive(
    st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(min_size=1, max_size=8), TREES))
def test_json_is_yaml(tree: dict[str, Data]) -> None:
    for indent in (None, 2, "\t"):
        assert read(json.dumps(tree, indent=indent)).data == tree


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("manifests:\t\n  - image: a\n", {"manifests": [{"image": "a"}]}),
        ("image:\tfoo\n", {"image": "foo"}),
        ("image: foo\t\nb: c\t# d\n", {"image": "foo", "b": "c"}),
        ("a:\n- \tx\n-\ty\n", {"a": ["x", "y"]}),
        ("a:\n-\tb: c\n  d: e\n", {"a": [{"b": "c", "d": "e"}]}),
        ("a: [\n\t1,\t2\n\t]\n", {"a": ["1", "2"]}),
        ("\t\na: b\n\t# c\n \t\nd: e\n", {"a": "b", "d": "e"}),
        ("a: x\ty\n", {"a": "x\ty"}),
        ('a: "x\ty"\nb: |\n  x\ty\n', {"a": "x\ty", "b": "x\ty\n"}),
        ("\n\n   a: b\n   c: d\n", {"a": "b", "c": "d"}),
        ("---\na: b\n...\n", {"a": "b"}),
        ("# c\n\n--- # d\na: b\n   \n  ", {"a": "b"}),
        ("%YAML 1.1\n---\na: yes\n", {"a": "yes"}),
        ("\ufeff\r\na: b\r\nc:\r\n- d\r\n", {"a": "b", "c": ["d"]}),
        ("a: b\rc: d\r", {"a": "b", "c": "d"}),
        (r'a: "\ud83d\ude00"', {"a": "😀"}),
        ("? a\n: b\n", {"a": "b"}),
    ],
)
def test_white_space_and_markers(text: str, data: Data) -> None:
    assert read(text).data == data


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_encodings(mark: bytes, encoding: str) -> None:
    assert read(mark + "a: grün 😀\n".encode(encoding)).data == {"a": "grün 😀"}


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: &x {b: 1}\nc: *x", {"a": {"b": "1"}, "c": {"b": "1"}}),
        ("a: &x 1.10\n*x : 2", {"a": "1.10", "1.10": "2"}),
        ("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}", {"a": {"b": "1", "c": "2"}, "d": {"c": "3", "b": "1"}}),
        ("a: &x {b: 1}\nd:\n  c: 3\n  <<: *x", {"a": {"b": "1"}, "d": {"c": "3", "b": "1"}}),
        ("d: {<<: [{a: 1}, {a: 2, b: 2}], c: 3}", {"d": {"c": "3", "a": "1", "b": "2"}}),
        ("d: {<<: {<<: {a: 1}, b: 2}}", {"d": {"b": "2", "a": "1"}}),
        ("d: {'<<': {a: 1}}", {"d": {"<<": {"a": "1"}}}),
        ("a: &x 1\nb: &x 2\nc: *x", {"a": "1", "b": "2", "c": "2"}),
    ],
)
def test_anchors_and_merge_keys(text: str, data: Data) -> None:
    assert read(text).data == data


def test_every_value_and_key_has_its_place() -> None:
    document = read("x-a: &x {os: linux}\nm:\n  -\n    p: {<<: *x,\n      q: 1}\n")
    assert document.where(()) == "spec.yaml:1:1"
    assert document.where(("m",)) == "spec.yaml:3:3"
    assert document.where_key(("m",)) == "spec.yaml:2:1"
    assert document.where(("m", 0, "p", "q")) == "spec.yaml:5:10"
    assert document.where_key(("m", 0, "p", "q")) == "spec.yaml:5:7"
    assert document.where(("m", 0, "p", "os")) == "spec.yaml:1:14"
    assert document.where(("m", 0, "p", "none", 7)) == "spec.yaml:4:8"
    assert document.label(("m", 0, "p", "os.version", "a b")) == "m[0].p.os.version['a b']"


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("a:\n\tb: c", "2:1", "a tab stands where only spaces can indent"),
        ("a:\n  \tb: c", "2:3", "a tab stands where only spaces can indent"),
        ("a: 1\nb: 2\n'a': 3", "3:1", "the key 'a' stands twice (first at 1:1"),
        ("a: b\n---\n- c", "3:1", "expected a map, found a list"),
        ("a: &x b\n---\nc: *x", "3:4", "there is no anchor 'x'"),
        ("", "1:1", "the document is empty (a spec has image: and manifests:)"),
        ("# nothing\n---\n", "1:1", "the document is empty"),
        ("- a", "1:1", "expected a map, found a list"),
        ("just text", "1:1", "expected a map, found the text 'just text'"),
        ("a: \0", "1:4", "the character U+0000 cannot stand in YAML"),
        ("a: b\n\x1b[31m", "2:1", "the character U+001B"),
        ("a: b\n\ufeffc: d", "2:1", "the character U+FEFF"),
        (b"a: b\r\nc: \xff", "2:4", "this is no UTF-8 text (save the file as UTF-8)"),
        (codecs.BOM_UTF16_LE + b"a", "1:1", "this is no UTF-16-LE text"),
        ("a: *x", "1:4", "there is no anchor 'x'"),
        ("a: &x [*x]", "1:8", "the anchor 'x' contains itself"),
        ("a: &x\n  b: {<<: *x}", "2:11", "the anchor 'x' contains itself"),
        ("a: {<<: 1}", "1:9", "<< takes a map or a list of maps"),
        ("a: {<<: [{b: 1}, 2]}", "1:18", "<< takes a map or a list of maps"),
        ("a: !!python/object:os.system x", "1:4", "the tag '!!python/object:os.system' means nothing"),
        ("a: !foo [b]", "1:4", "the tag '!foo' means nothing"),
        ("a: !!binary eA==", "1:4", "the tag '!!binary' means nothing"),
        ("? [a]\n: b", "1:3", "a list or a map stands where a key belongs"),
        (": b", "1:1", "a key is missing"),
        ('a: "b\nc: d\n', "1:4", "found unexpected end of stream (close the quotes)"),
        ("a: b\nc\nd: e", "2:1", "could not find expected ':'"),
        ("a: b: c", "1:5", "mapping values are not allowed here (check the indentation"),
        ("a: 1\n b: 2", "2:3", "mapping values are not allowed here"),
        ("a: @b", "1:4", "found character '@' that cannot start any token (put the value in quotes)"),
        ("a: [1, 2\nb: 3", "2:2", "expected ',' or ']'"),
        ("a: 'b' c", "1:8", "expected <block end>"),
        (r'a: "\UFFFFFFFF"', "1:7", "a number here is too large"),
        (r'a: "\ud83d"', "1:4", "half a surrogate pair"),
        ("%YAML 1." + "1" * 5000 + "\n---\na: b", "1:9", "a number here is too large"),
        ("%FOO", "1:5", "this is no YAML"),
        ("image: {{NAME}}", "1:8", "{{NAME}} looks like a template that was never rendered"),
        ("image: a\n{{#if tags}}\ntags:\n{{/if}}", "2:1", "{{#if tags}} looks like a template"),
        ("a: b\nimage: {% x %}", "2:8", "{% x %} looks like a template"),
        ("a: b\nimage: @REPO@/x", "2:7", "@REPO@ looks like a template"),
        ("# {{x}}\na: [", "2:5", "this is no YAML"),
        ("- " * 40 + "a", "1:65", "nested deeper than 32 levels"),
        ("a: " + "[" * 40, "1:36", "brackets are nested deeper than 32 levels"),
        ("a: " + "[" * 32 + "]" * 32, "1:35", "nested deeper than 32 levels"),
    ],
)
def test_one_clear_error(text: str | bytes, place: str, message: str) -> None:
    found = refusal(text)
    assert found.startswith(f"spec.yaml:{place}: ")
    assert message in found


def test_depth_up_to_the_limit() -> None:
    assert read("a: " + "[" * 31 + "x" + "]" * 31).data


def test_a_file_over_the_limit() -> None:
    assert read(b"a: b #" + b"x" * (MIB - 6)).data == {"a": "b"}
    assert refusal(b" " * (MIB + 1)) == "spec.yaml: the file is larger than 1024 KiB (is this the right file?)"


def outcome(data: bytes) -> str:
    try:
        read(data)
    except SpecError as error:
        return str(error)
    return ""


def fill(unit: str, *, head: str = "", tail: str = "") -> str:
    """A quarter of what a file may hold: what grows with the square shows there as well, and the others are quick."""
    return head + unit * ((MIB // 4 - len(head) - len(tail)) // len(unit)) + tail


def bomb(levels: int) -> str:
    lines = (f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, levels))
    return "\n".join(["a0: &a0 x", *lines])


def chain(levels: int) -> str:
    lines = (f"a{n}: &a{n} {{<<: *a{n - 1}, k{n}: 1}}" for n in range(1, levels))
    return "\n".join(["a0: &a0 {x: 1}", *lines])


HOSTILE: dict[str, Callable[[], str]] = {
    "open lists": lambda: fill("["),
    "open maps": lambda: fill("{"),
    "open maps with keys": lambda: fill("{a: "),
    "block lists": lambda: fill("- "),
    "block lists with tabs": lambda: fill("-\t"),
    "self-reference": lambda: fill("&a [*a"),
    "keys": lambda: fill("? "),
    "one plain scalar": lambda: fill("x", head="a: "),
    "words": lambda: fill("x ", head="a: "),
    "lines": lambda: fill("x\n ", head="a: "),
    "a long key": lambda: fill("x", tail=": 1"),
    "colons": lambda: fill(":", head="a"),
    "escapes": lambda: fill("\\n", head='a: "', tail='"'),
    "quotes": lambda: fill("''", head="a: '", tail="'"),
    "an open quote": lambda: fill("x\n", head='a: "'),
    "items": lambda: fill("a,", head="a: [", tail="]"),
    "short maps": lambda: fill("{a: [b]},\n", head="a: [", tail="]"),
    "many keys": lambda: "".join(f"k{n}: v\n" for n in range(60_000)),
    "anchors": lambda: fill("&a b,", head="a: [", tail="]"),
    "tabs": lambda: fill("\t", head="a: x"),
    "lines of tabs": lambda: fill("\t\n"),
    "comments behind tabs": lambda: fill("\t#x\n", head='a: "b"'),
    "comments": lambda: fill("#\n"),
    "spaces": lambda: fill(" "),
    "block scalar": lambda: fill(" x\n", head="a: |\n"),
    "blank block scalar": lambda: fill("\n", head="a: >\n"),
    "documents": lambda: fill("---\n"),
    "directives": lambda: fill("%FOO a\n"),
    "tags": lambda: fill("!a ", head="a: ["),
    "tag without end": lambda: fill("a", head="a: !"),
    "placeholders": lambda: fill("{{a", head="a: ["),
    "open placeholders": lambda: fill("{{" + "a" * 198),
    "bomb": lambda: bomb(20),
    "merge chain": lambda: chain(20_000),
}


@pytest.mark.no_cover
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_ends_soon(name: str) -> None:
    data = HOSTILE[name]().encode()
    assert len(data) <= MIB
    start = time.monotonic()
    found = outcome(data)
    assert time.monotonic() - start < 60  # a second; what grows with the square would take many minutes
    assert len(found) < 600
    assert found.startswith("spec.yaml:") or not found


@pytest.mark.no_cover
@pytest.mark.parametrize("name", ["bomb", "merge chain"])
def test_expansion_is_bounded(name: str) -> None:
    assert "the document holds more than 50,000 values" in refusal(HOSTILE[name]())


@pytest.mark.no_cover
def test_memory_is_bounded() -> None:
    tracemalloc.start()
    try:
        for name in ("bomb", "open lists", "documents"):
            refusal(HOSTILE[name]())
        assert tracemalloc.get_traced_memory()[1] < 100 * MIB
    finally:
        tracemalloc.stop()
