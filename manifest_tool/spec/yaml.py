"""YAML: bytes to a document whose scalars are the text that was written; the only place with ruamel.yaml.

Only ruamel's scanner and parser run. Its composer and constructors do not: they would turn ``1.10`` into a number, and
they recurse once a level.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ruamel.yaml import events
from ruamel.yaml.docinfo import DocInfo
from ruamel.yaml.error import MarkedYAMLError, StreamMark, YAMLError
from ruamel.yaml.parser import Parser
from ruamel.yaml.reader import Reader
from ruamel.yaml.scanner import Scanner, ScannerError

from manifest_tool.errors import SpecError
from manifest_tool.spec.document import Document, shown
from manifest_tool.spec.nodes import (
    MAX_DEPTH,
    MAX_NODES,
    Items,
    Node,
    Pairs,
    Scalar,
    expand,
    refuse,
    too_deep,
    too_many,
)

if TYPE_CHECKING:
    from ruamel.yaml.tokens import Token

MAX_SIZE = 1024 * 1024
"""Bytes of a document."""

_ENCODINGS = (  # the longer marks first: UTF-16's begins UTF-32's
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_FORBIDDEN = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("bool", "float", "int", "map", "merge", "null", "seq", "str", "timestamp", "value")
)
_TEXT_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})
_TEMPLATE = re.compile(
    r"""^[^#"'\n]*?(\{\{[^{}\n]{0,200}\}\}|\{%[^{}\n]{0,200}%\}|<%[^<>\n]{0,200}%>|[ ][@%]\w{1,64}[@%])""",
    re.MULTILINE,
)
_TABS = "a tab stands where only spaces can indent"
_BRACKETS = f"brackets are nested deeper than {MAX_DEPTH} levels"
_OWN = (_TABS, _BRACKETS)
_SHAPE = "a spec has image: and manifests:"
_HINTS = {
    _TABS: "YAML is indented with spaces",
    "mapping values are not allowed here": "check the indentation, and quote a value that holds a colon and a space",
    "could not find expected ':'": "each line is a key and a colon, or a dash and an item",
    "expected <block end>": "check the indentation: what belongs together starts in the same column",
    "found unexpected end of stream": "close the quotes",
    "that cannot start any token": "put the value in quotes",
    "expected ','": "close the bracket, and put a comma between items",
    "found undefined alias": "an anchor &name stands before its alias *name",
}


def read(data: bytes, name: str) -> list[Document]:
    """Read the documents in ``data``, at least one; raises `SpecError` with the one reason why that cannot be done.

    A document of nothing beside others is passed over.
    """
    if len(data) > MAX_SIZE:
        raise refuse(name, f"the file is larger than {MAX_SIZE // 1024} KiB", "is this the right file?")
    text = _decode(data, name)
    loader = _Loader(text)
    try:
        roots = _Composer(name).compose(_events(loader))
    except (YAMLError, ValueError, OverflowError) as error:
        raise _unrendered(text, name) or _not_yaml(error, name, _mark(name, loader.get_mark())) from None
    except SpecError:
        if found := _unrendered(text, name):
            raise found from None
        raise
    return [expand(name, root) for root in roots]


def _decode(data: bytes, name: str) -> str:
    mark, encoding = next((pair for pair in _ENCODINGS if data.startswith(pair[0])), (b"", "utf-8"))
    data = data[len(mark) :]
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        where = _place(name, data[: error.start].decode(encoding, "replace"))
        raise refuse(where, f"this is no {encoding.upper()} text", "save the file as UTF-8") from None
    if bad := _FORBIDDEN.search(text):
        where = _place(name, text[: bad.start()])
        raise refuse(where, f"the character U+{ord(bad[0]):04X} cannot stand in YAML", "is this a text file in UTF-8?")
    return text


def _place(name: str, before: str) -> str:
    """Where the text goes on behind ``before``."""
    lines = re.split(r"\r\n|\r|\n", before)
    return f"{name}:{len(lines)}:{len(lines[-1]) + 1}"


def _mark(name: str, mark: StreamMark) -> str:
    return f"{name}:{mark.line + 1}:{mark.column + 1}"


def _unrendered(text: str, name: str) -> SpecError | None:
    """What a document that is no YAML may be instead: the template of one."""
    found = _TEMPLATE.search(text)
    if found is None:
        return None
    message = f"{found[1].strip()} looks like a template that was never rendered"
    return refuse(_place(name, text[: found.start(1)]), message, "render the file first, and pass the result")


def _not_yaml(error: Exception, name: str, reached: str) -> SpecError:
    if not isinstance(error, MarkedYAMLError):
        # An escape or a version that names a number out of all bounds.
        return refuse(reached, "this is no YAML: a number here is too large")
    problem = error.problem or error.context or "it cannot be read"
    if problem.startswith(_OWN):
        return refuse(_mark(name, error.problem_mark), problem, _HINTS.get(problem, ""))
    # An opening quote without its pair, or a line without a colon, is noticed only far below it.
    start = error.context_mark if re.search("end of stream|expected ':'", problem) else None
    mark = start or error.problem_mark or error.context_mark
    context = f"{error.context}: " if error.context and error.context != problem else ""
    hint = next((hint for part, hint in _HINTS.items() if part in problem), "")
    return refuse(_mark(name, mark) if mark else reached, f"this is no YAML: {context}{problem}", hint)


class _Loader(Reader, Scanner, Parser):
    """ruamel's scanner and parser, with tabs where libyaml (and so the Go tool) takes them, and a bound on depth."""

    comment_handling = None
    processing_version = (1, 2)

    def __init__(self, text: str) -> None:
        self._resolver = self
        self.doc_infos = [DocInfo()]
        Reader.__init__(self, text, loader=self)
        Scanner.__init__(self, loader=self)
        Parser.__init__(self, loader=self)

    def scan_to_next_token(self) -> None:
        """Skip spaces, comments and line ends, and tabs that indent nothing."""
        super().scan_to_next_token()
        while self.peek() == "\t":
            self._reject_indentation()
            while self.peek() in " \t":
                self.forward()
            super().scan_to_next_token()

    def scan_plain_spaces(self, indent: int, start_mark: StreamMark) -> list[str] | None:
        """Take tabs between the words of a plain scalar, and drop those behind it."""
        length = 0
        while self.peek(length) in " \t":
            length += 1
        blanks = self.prefix(length)
        if "\t" in blanks:
            self.forward(length)
            if self.peek() not in "\r\n":
                return [blanks]
        spaces: list[str] | None = super().scan_plain_spaces(indent, start_mark)
        return spaces

    def fetch_flow_collection_start(self, TokenClass: type[Token], to_push: str) -> None:  # noqa: N803
        """Stop before the scanner, which looks at every open bracket for every token, slows down."""
        if self.flow_level >= MAX_DEPTH:
            raise ScannerError(None, None, _BRACKETS, self.get_mark())
        super().fetch_flow_collection_start(TokenClass, to_push)

    def _reject_indentation(self) -> None:
        """Raise where the tab stands before the first token of a line of block style."""
        if self.flow_level:
            return
        before = self.buffer[self.pointer - self.column : self.pointer].strip(" \t")
        length = 0
        while self.peek(length) in " \t":
            length += 1
        if not before and self.peek(length) not in "\0\r\n#":
            raise ScannerError(None, None, _TABS, self.get_mark())


def _events(loader: _Loader) -> Iterator[events.Event]:
    while loader.check_event():
        yield loader.get_event()


def _is_nothing(node: Node) -> bool:
    return isinstance(node, Scalar) and node.text is None


def _checked(root: Node) -> Pairs:
    """The root of a spec, which is a map."""
    if isinstance(root, Pairs):
        return root
    what = "a list" if isinstance(root, Items) else f"the text {shown(root.text or '')}"
    raise refuse(root.where, f"expected a map, found {what}", _SHAPE)


class _Composer:
    """Events to nodes, without recursion."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._open: list[Items | Pairs] = []
        self._keys: list[Scalar | None] = []
        """For each open collection, the key whose value comes next."""
        self._anchors: dict[str, Node] = {}
        self._root: Node | None = None
        self._count = 0

    def compose(self, stream: Iterator[events.Event]) -> list[Pairs]:
        """The root of each document."""
        roots: list[Pairs] = []
        for event in stream:
            match event:
                case events.DocumentStartEvent():
                    self._root = None
                    self._anchors.clear()
                case events.SequenceStartEvent():
                    self._begin(event, Items(self._where(event)))
                case events.MappingStartEvent():
                    self._begin(event, Pairs(self._where(event)))
                case events.ScalarEvent():
                    self._add(event, self._anchored(event, self._scalar(event)))
                case events.AliasEvent():
                    self._add(event, self._alias(event))
                case events.SequenceEndEvent() | events.MappingEndEvent():
                    self._open.pop()
                    self._keys.pop()
                case events.DocumentEndEvent() if self._root is not None and not _is_nothing(self._root):
                    roots.append(_checked(self._root))
        if not roots:
            raise refuse(f"{self._name}:1:1", "the document is empty", _SHAPE)
        return roots

    def _begin(self, event: events.CollectionStartEvent, node: Items | Pairs) -> None:
        self._check_tag(event)
        self._add(event, self._anchored(event, node))
        if len(self._open) >= MAX_DEPTH:
            raise too_deep(node.where)
        self._open.append(node)
        self._keys.append(None)

    def _add(self, event: events.NodeEvent, node: Node) -> None:
        self._count += 1
        if self._count > MAX_NODES:
            raise too_many(node.where)
        if not self._open:
            self._root = node
            return
        parent, key = self._open[-1], self._keys[-1]
        if isinstance(parent, Items):
            parent.nodes.append(node)
        elif key is None:
            self._keys[-1] = self._key(event, parent, node)
        else:
            parent.pairs[key.text or ""] = (key, node)
            self._keys[-1] = None

    def _key(self, event: events.NodeEvent, parent: Pairs, node: Node) -> Scalar:
        if not isinstance(node, Scalar):
            raise self._refuse(event, "a list or a map stands where a key belongs", "put a value with braces in quotes")
        if node.text is None:
            raise self._refuse(event, "a key is missing", "write a name before the colon")
        if earlier := parent.pairs.get(node.text):
            first = earlier[0].where.removeprefix(f"{self._name}:")
            raise self._refuse(event, f"the key {shown(node.text)} stands twice", f"first at {first}; remove one")
        return node

    def _anchored(self, event: events.NodeEvent, node: Node) -> Node:
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: events.AliasEvent) -> Node:
        node = self._anchors.get(event.anchor)
        name = shown(event.anchor)
        if node is None:
            raise self._refuse(event, f"there is no anchor {name}", f"put &{event.anchor[:40]} before what it names")
        if any(node is outer for outer in self._open):
            raise self._refuse(event, f"the anchor {name} contains itself", "remove this alias")
        return node

    def _scalar(self, event: events.ScalarEvent) -> Scalar:
        self._check_tag(event)
        plain = event.style is None and event.tag not in _TEXT_TAGS
        if (plain and event.value in _NULL) or event.tag == "tag:yaml.org,2002:null":
            # Where nothing is written, the event's place is that of the next token: the key says more.
            key = self._keys[-1] if self._keys and not event.value else None
            return Scalar(key.where if key else self._where(event), None)
        return Scalar(self._where(event), self._text(event), merges=plain and event.value == "<<")

    def _text(self, event: events.ScalarEvent) -> str:
        """The value; a character that JSON wrote as two surrogates is one again."""
        text: str = event.value
        try:
            return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        except UnicodeDecodeError:
            raise self._refuse(event, "half a surrogate pair is no character", "write the character itself") from None

    def _check_tag(self, event: events.ScalarEvent | events.CollectionStartEvent) -> None:
        if event.tag is not None and event.tag not in _TAGS | _TEXT_TAGS:
            short = event.tag.replace("tag:yaml.org,2002:", "!!")
            raise self._refuse(event, f"the tag {shown(short)} means nothing in a spec", "remove it")

    def _where(self, event: events.Event) -> str:
        return _mark(self._name, event.start_mark)

    def _refuse(self, event: events.Event, message: str, hint: str = "") -> SpecError:
        return refuse(self._where(event), message, hint)
