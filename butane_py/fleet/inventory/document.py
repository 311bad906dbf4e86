"""Files of data (inventories, variable files) as YAML nodes that know their line and column, whether they are YAML or JSON.

Such a file comes from other programs and other people: its size, its depth and what its aliases amount to are bounded.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterator, Sequence

from butane_py.yaml.source import ALIAS, MAPPING, SCALAR, SEQUENCE, Node, Source, YamlError
from ignition_py.report.catalog import way_out
from ignition_py.report.diag import ERROR, ConfigError, Entry, Place, Related, Report
from ignition_py.spec.jsonscan import CLOSE, OPEN, STRING, TOKEN
from ignition_py.system.streams import read_stdin, reason

STDIN = "-"
MOST_BYTES = 64 << 20
MOST_DEPTH = 64
MOST_NODES = 4_000_000  # with what aliases stand for counted each time
_TOKEN = re.compile(TOKEN.pattern.decode(), re.DOTALL)
# Blank lines, comments and directives, the marker of the first document, and all up to that of a second one.
_SECOND = re.compile(rb"(?:[ \t]*(?:[#%][^\n]*)?\n)*+(?:---(?=\s))?.*?\n(?=---(?:\s|\Z))", re.S)
_BREAK = re.compile("\n")


class Document(Source):
    """A file of data: a source whose text may be JSON too. `root` is None where the file has no content.

    secret: all its values are, since the file was encrypted. hidden: so is its text, which no report shows.
    """

    __slots__ = ("hidden", "secret")

    def __init__(self, text: bytes, name: str) -> None:
        self.secret = False
        self.hidden = False
        super().__init__(text, name)

    def _compose(self) -> Node | None:
        return json_nodes(self.text) or super()._compose()

    def at(self, node: Node | None) -> Place:
        """Where a node stands; the file where there is none."""
        return Place((), source=self.name) if node is None else self.node_place(node, ())

    def named(self, names: Collection[str]) -> Iterator[Node]:
        """The values of keys of these names, whatever they are in."""
        waiting = [self.root] if self.root is not None else []
        while waiting:
            node = waiting.pop()
            for item in node.items:
                value = item[1] if node.kind == MAPPING else item
                if node.kind == MAPPING and item[0].value in names:
                    yield value
                elif value.kind != ALIAS:
                    waiting.append(value)

    def error(
        self, code: str, message: str, node: Node | None = None, hint: str = "", related: Sequence[Related] = ()
    ) -> Entry:
        """An error at a node; without a hint the way out of its code is shown."""
        return Entry(ERROR, code, message, self.at(node), hint or way_out(code), related=tuple(related))


def refused(entry: Entry) -> ConfigError:
    """The error of one diagnostic."""
    return ConfigError(entry.message, Report([entry]), place=entry.place, hint=entry.hint)


def read_bytes(path: str, code: str) -> bytes:
    """The contents of a file, of `-` those of standard input. Raises ConfigError with `code`."""
    try:
        if path == STDIN:
            data = read_stdin()
        else:
            with open(path, "rb") as file:
                data = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        text = reason(error) if isinstance(error, OSError) else f"{path!r}: {error}"
        raise refused(Entry(ERROR, code, text, Place((), source=path), _folder_hint(path) or way_out(code))) from None
    if len(data) > MOST_BYTES:
        raise refused(Entry(ERROR, code, f"the file is larger than {MOST_BYTES >> 20} MiB", Place((), source=path)))
    return data


def _folder_hint(path: str) -> str:
    if not os.path.isdir(path):
        return ""
    return f"for a folder of inventories: ansible-inventory -i {path} --list > inventory.json, and name that file"


def parse(name: str, data: bytes, code: str) -> Document:
    """The nodes of YAML or JSON text. Raises ConfigError with `code` for a text that is neither, or too deep or too large."""
    try:
        document = Document(data, name)
    except YamlError as error:
        raise refused(yaml_entry(error, name, code)) from None
    second = _SECOND.match(data)
    if second is not None:
        place = Place((), data.count(b"\n", 0, second.end()) + 1, 1, name)
        raise refused(Entry(ERROR, code, "the file has a second YAML document", place, "one file, one document"))
    if document.root is not None:
        _check_size(document, document.root, code)
    return document


def yaml_entry(error: YamlError, name: str, code: str) -> Entry:
    """The diagnostic of a text that is no YAML."""
    return Entry(ERROR, code, str(error), Place((), error.line or 1, error.column, name), error.hint or way_out(code))


def json_nodes(data: bytes) -> Node | None:
    """The nodes of a JSON object or list, with line and column in characters; None where the text is none."""
    if data.lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        text = data.decode()
        json.loads(text)
    except (ValueError, RecursionError):
        return None
    starts = [0, *(found.end() for found in _BREAK.finditer(text))]
    root = Node(SEQUENCE, 0, 0)
    stack = [root]
    key: Node | None = None
    line = 0
    for token in _TOKEN.finditer(text):
        kind = token.lastindex or 0
        if kind == CLOSE:
            stack.pop()
            continue
        start = token.start(kind)
        while line + 1 < len(starts) and starts[line + 1] <= start:
            line += 1
        node = _json_node(kind, token[kind], line + 1, start - starts[line] + 1)
        if kind != OPEN:
            node.end = token.end(kind)
        if stack[-1].kind == SEQUENCE:
            stack[-1].items.append(node)
        elif key is None:
            key = node
        else:
            stack[-1].items.append((key, node))
            key = None
        if kind == OPEN:
            stack.append(node)
    return root.items[0] if root.items else None


def _json_node(kind: int, text: str, line: int, column: int) -> Node:
    if kind == OPEN:
        return Node(MAPPING if text == "{" else SEQUENCE, line, column)
    if kind == STRING:
        return Node(SCALAR, line, column, text[1:-1] if "\\" not in text else json.loads(text, strict=False), "", plain=False)
    return Node(SCALAR, line, column, text)


def _check_size(document: Document, root: Node, code: str) -> None:
    """Raises ConfigError where the nodes are nested too deeply or, aliases counted as what they stand for, too many."""
    sizes: dict[int, int] = {}  # of what anchors name; 0 while it is being counted
    deep = f"values are nested more than {MOST_DEPTH} deep"

    def size(node: Node, depth: int) -> int:
        if depth > MOST_DEPTH:
            raise refused(document.error(code, deep, node))
        if node.kind == SCALAR:
            return 1
        if node.kind == ALIAS:
            target = node.target
            assert target is not None
            if id(target) not in sizes:
                sizes[id(target)] = 0
                sizes[id(target)] = size(target, depth + 1)
            if not sizes[id(target)]:
                raise refused(document.error(code, f"the value of &{node.value} contains itself", node))
            return sizes[id(target)]
        total = 1
        for item in node.items:
            total += size(item[1], depth + 1) if node.kind == MAPPING else size(item, depth + 1)
            if total > MOST_NODES:
                raise refused(document.error(code, f"the file stands for more than {MOST_NODES:,} values", node))
        return total

    size(root, 0)


def target(node: Node) -> Node:
    """The node, or what it stands for if it is an alias."""
    while node.kind == ALIAS:
        assert node.target is not None
        node = node.target
    return node


def is_null(node: Node) -> bool:
    """True for null and for nothing at all."""
    node = target(node)
    return node.kind == SCALAR and node.plain and not node.tag and node.value in ("", "~", "null", "Null", "NULL")


def pairs(node: Node) -> Iterator[tuple[Node, Node]]:
    """Keys and values of a mapping. What `<<` names comes first, so that the mapping's own keys, read later, count."""
    for key, value in node.items:
        if key.kind == SCALAR and key.plain and key.value == "<<":
            below = target(value)
            for each in reversed(below.items) if below.kind == SEQUENCE else (below,):
                if target(each).kind == MAPPING:
                    yield from pairs(target(each))
    for key, value in node.items:
        if not (key.kind == SCALAR and key.plain and key.value == "<<"):
            yield target(key), value


def repeated(node: Node) -> Iterator[tuple[Node, Node]]:
    """Keys of a mapping that were there before: the later and the first one."""
    seen: dict[str, Node] = {}
    for key, _ in node.items:
        if key.kind == SCALAR:
            first = seen.setdefault(key.value, key)
            if first is not key:
                yield key, first
