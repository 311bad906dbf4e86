"""YAML text to nodes that know their line and column: the first step of the compiler.

libyaml's events (through ruamel.yaml) are composed here, since the reference is a port of libyaml too: the same text is
accepted, and nodes stand at the same places. Nothing is resolved or decoded yet; see decode.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from ignition_py.report.diag import Path, Place
from ignition_py.spec.model import Field, Origin

if TYPE_CHECKING:
    from butane_py.yaml.syntax import Syntax
    from ignition_py.report.lines import Lines

# Characters that stand for others in the text that libyaml gets.
Swaps: TypeAlias = "dict[str, str]"

SCALAR, MAPPING, SEQUENCE, ALIAS = range(4)
_LONG_TAG = "tag:yaml.org,2002:"
MAX_DEPTH = 10_000  # nested collections, as yaml.v3
_MAX_WORK = 400_000_000  # bytes of text times depth: libyaml looks at every open flow collection for every token
_OPEN_DEPTH = 1_000  # of flow collections, always allowed; the language needs fewer than twenty
# A colon inside plain text, which YAML 1.2 allows in flow collections too ([a:b]); skipped: directives, tags, anchors and aliases.
_COLON = (  # compiled when it is needed
    r"^%[^\n]*|(?<![^\s,\[{])(?:![^\s,\[\]{}]*|[&*][-\w]*)|(?<=[^\s\"'\[\]{},]):(?=\S)"
)
_PLACEHOLDERS = range(0xE000, 0xE100)  # private use
_MARK = b"\xef\xbb\xbf"  # the byte order mark
_SLASH = r"(?<!\\)(?:\\\\)*\\/"


class YamlError(ValueError):
    """The text is not YAML. `line` and `column` count from 1, 0 where unknown.

    `hint` is the way out; `begun` a second place with its words (message, line, column); `syntax` what libyaml says.
    """

    def __init__(
        self, message: str, line: int = 0, column: int = 0, hint: str = "", begun: tuple[str, int, int] | None = None
    ) -> None:
        super().__init__(message)
        self.line = line
        self.column = column
        self.hint = hint
        self.begun = begun
        self.syntax: Syntax | None = None

    @classmethod
    def of(cls, syntax: Syntax, text: bytes) -> YamlError:
        """The error for a problem of libyaml's, explained by the text around it."""
        from butane_py.yaml.syntax import explained

        found = explained(syntax, text.decode("utf-8", "replace"))
        error = cls(found.message, found.line, found.column, found.hint, found.begun)
        error.syntax = syntax
        return error


class Node:
    """A YAML node. `value`: text of a scalar, name of an alias's anchor; `items`: pairs or nodes below it.

    `end`: index of the character behind it, 0 for block collections, which end with their last item.
    """

    __slots__ = ("_index", "column", "end", "items", "kind", "line", "plain", "tag", "target", "value")

    def __init__(self, kind: int, line: int, column: int, value: str = "", tag: str = "", plain: bool = True) -> None:
        self.end = 0
        self.kind = kind
        self.line = line
        self.column = column
        self.value = value
        self.tag = tag
        self.plain = plain
        self.items: list[Any] = []
        self.target: Node | None = None
        self._index: dict[str, tuple[Node, Node]] | None = None

    def entry(self, key: str) -> tuple[Node, Node] | None:
        """Key node and value node of a mapping's last entry of that name."""
        if self._index is None:
            self._index = {pair[0].value: pair for pair in self.items} if self.kind == MAPPING else {}
        return self._index.get(key)

    def child(self, part: str | int) -> Node | None:
        if isinstance(part, str):
            found = self.entry(part)
            return found[1] if found else None
        if self.kind == SEQUENCE and 0 <= part < len(self.items):
            item: Node = self.items[part]
            return item
        return None


class Source:
    """One YAML text: its name, its root node (None if it has no content) and whether it uses aliases."""

    __slots__ = ("_lines", "aliased", "name", "root", "text")

    def __init__(self, text: bytes, name: str) -> None:
        self._lines: Lines | None = None
        self.text = text
        self.name = name
        self.aliased = False
        self.root = self._compose()

    def with_root(self, root: Node | None) -> Source:
        """The same text with another tree, whose nodes stand at places of the text."""
        other = Source.__new__(Source)
        other._lines = self.lines
        other.text, other.name, other.aliased, other.root = self.text, self.name, self.aliased, root
        return other

    def _compose(self) -> Node | None:
        text, swaps = self._marks_hidden()
        try:
            return self._parse(text, swaps)
        except YamlError as error:
            changed = _colons_hidden(text) if error.syntax is not None and "':'" in error.syntax.problem else None
            if changed is None:
                raise
            text, placeholder = changed
            return self._parse(text, {**swaps, placeholder: ":"})

    def _marks_hidden(self) -> tuple[bytes, Swaps]:
        """The text with the byte order marks inside of it as another character, and what that stands for.

        libyaml skips or refuses them; to yaml.v3 they are characters as others are.
        """
        first = len(_MARK) if self.text.startswith(_MARK) else 0
        if self.text.find(_MARK, first) < 0 or (placeholder := _unused(self.text)) is None:
            return self.text, {}
        return self.text[:first] + self.text[first:].replace(_MARK, placeholder.encode()), {placeholder: "\ufeff"}

    def _parse(self, text: bytes, swaps: Swaps) -> Node | None:
        """The root node. Raises YamlError."""
        from ruamel.yaml.cyaml import CParser  # type: ignore[attr-defined]  # re-exported without saying so
        from ruamel.yaml.error import YAMLError

        self.aliased = False
        try:
            return self._document(CParser(text), swaps)
        except YamlError:
            raise
        except YAMLError as error:
            from butane_py.yaml.syntax import Syntax, syntax_of

            syntax = syntax_of(error) or Syntax(str(error).splitlines()[0], "", *self._bad_byte())
            raise YamlError.of(syntax, self.text) from None
        except (UnicodeError, ValueError) as error:
            raise YamlError(f"{error}", *self._bad_byte()) from None

    def _bad_byte(self) -> tuple[int, int]:
        """Line and column of the first byte that is not UTF-8 or not allowed in YAML."""
        try:
            self.text.decode("utf-8")
        except UnicodeDecodeError as error:
            before = self.text[: error.start]
            return before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        for number, line in enumerate(self.text.decode("utf-8").split("\n"), 1):
            for column, char in enumerate(line, 1):
                if (char < " " and char not in "\t\r") or char in "\x7f\ufffe\uffff":
                    return number, column
        return 1, 1

    def _document(self, parser: Any, swaps: Swaps) -> Node | None:
        from ruamel.yaml import events

        scalar, mapping, sequence, alias = events.ScalarEvent, events.MappingStartEvent, events.SequenceStartEvent, events.AliasEvent
        ends, starts = (events.DocumentEndEvent, events.StreamEndEvent), (events.DocumentStartEvent, events.StreamStartEvent)
        anchors: dict[str, Node] = {}
        deepest = max(_OPEN_DEPTH, min(MAX_DEPTH, _MAX_WORK // (len(self.text) + 1)))
        slashes = self.text.decode("utf-8", "replace") if b"\\/" in self.text else ""
        root = Node(SEQUENCE, 0, 0)
        stack = [root]
        flow = 0  # depth of the outermost open flow collection, 0 outside of any
        append = root.items.append
        keys: list[Node | None] = [None]  # the key that waits for its value, a level each; None between pairs
        while True:
            event = parser.get_event()
            kind = type(event)
            if kind is scalar:
                mark = event.start_mark
                node = Node(SCALAR, mark.line + 1, mark.column + 1, event.value, event.tag or "", not event.style)
                node.end = event.end_mark.index
                if slashes or swaps:
                    self._mend(node, event, slashes, swaps)
            elif kind is mapping or kind is sequence:
                mark = event.start_mark
                node = Node(MAPPING if kind is mapping else SEQUENCE, mark.line + 1, mark.column + 1, "", event.tag or "")
            elif kind is alias:
                node = self._alias(event, anchors)
            elif kind in ends:
                return root.items[0] if root.items else None
            elif kind in starts:
                _check_version(event)
                continue
            else:
                closed = stack.pop()
                keys.pop()
                if flow:
                    closed.end = event.end_mark.index
                if len(stack) == flow:
                    flow = 0
                append = stack[-1].items.append
                continue
            if stack[-1].kind == MAPPING:
                key = keys[-1]
                if key is None:
                    keys[-1] = node
                else:
                    append((key, node))
                    keys[-1] = None
            else:
                append(node)
            if node.kind != ALIAS and event.anchor is not None:
                anchors[event.anchor] = node
            if node.kind == MAPPING or node.kind == SEQUENCE:
                if event.flow_style and not flow:
                    flow = len(stack)
                _check_depth(node, len(stack), flow, deepest)
                stack.append(node)
                keys.append(None)
                append = node.items.append

    def _mend(self, node: Node, event: Any, slashes: str, swaps: Swaps) -> None:
        """Gives a scalar its own characters back, and refuses the escaped slash, which only libyaml knows.

        `slashes`: the text, if it has any of them.
        """
        if slashes and event.style == '"' and re.search(_SLASH, slashes[event.start_mark.index : event.end_mark.index]):
            raise YamlError("found unknown escape character \\/", node.line, node.column, "write / without the backslash")
        for placeholder, char in swaps.items():
            node.value = node.value.replace(placeholder, char)

    def _alias(self, event: Any, anchors: dict[str, Node]) -> Node:
        mark = event.start_mark
        node = Node(ALIAS, mark.line + 1, mark.column + 1, event.anchor)
        node.end = event.end_mark.index
        node.target = anchors.get(event.anchor)
        if node.target is None:
            hint = f"put &{event.anchor} before the value that it stands for, above this line; a text with * at its beginning needs quotes"
            raise YamlError(f"the alias *{event.anchor} has no anchor &{event.anchor} before it", node.line, node.column, hint)
        self.aliased = True
        return node

    def deepest(self, path: Path) -> Node | None:
        """The deepest node on the way to `path`. An alias ends the way: what it stands for is elsewhere."""
        node = self.root
        for part in path:
            below = node.child(part) if node is not None else None
            if below is None:
                break
            node = below
        return node

    def find(self, path: Path) -> Node | None:
        node = self.root
        for part in path:
            node = node.child(part) if node is not None else None
        return node

    def masked(self, nodes: Iterable[Node]) -> bytes:
        """The text with these nodes masked, all but blanks in them by an asterisk each: what a report may show of it."""
        text = list(self.lines.text)
        for node in nodes:
            line, column = self._end(node)
            end = self.lines.offset(line, column) if line else len(text)
            start = min(self.lines.offset(node.line, node.column), end)
            text[start:end] = [char if char.isspace() else "*" for char in text[start:end]]
        return "".join(text).encode()

    def line(self, number: int) -> str:
        """A line of the text, from 1; empty where it has none or is not UTF-8."""
        return self.lines.line(number) if 0 < number <= len(self.lines) else ""

    def place(self, path: Path) -> Place:
        """The place of the value at `path`, or of the nearest value around it."""
        node = self.deepest(path)
        return self.node_place(node, path) if node else Place(path, source=self.name)

    def node_place(self, node: Node, path: Path) -> Place:
        """The place of a node, called `path`."""
        line, column = self._end(node)
        return Place(path, node.line, node.column, self.name, end_line=line, end_column=column)

    def key_place(self, path: Path) -> Place:
        """The place of the last key of `path`."""
        parent = self.deepest(path[:-1])
        found = parent.entry(str(path[-1])) if parent else None
        return self.node_place(found[0], path) if found else self.place(path)

    @property
    def lines(self) -> Lines:
        """The text by line and column."""
        if self._lines is None:
            from ignition_py.report.lines import Lines

            self._lines = Lines(self.text)
        return self._lines

    def _end(self, node: Node) -> tuple[int, int]:
        """Line and column behind the last character of a node, (0, 0) where that is not known."""
        last = node
        while not last.end and last.items:
            pair = last.items[-1]
            last = pair[1] if last.kind == MAPPING else pair
        lines = self.lines
        if not last.end or last.end > len(lines.text) or last.line > len(lines):
            return 0, 0
        start = lines.offset(last.line, last.column)
        length = len(lines.text[start : last.end].rstrip())
        return lines.position(start + length)


def _check_depth(node: Node, depth: int, flow: int, deepest: int) -> None:
    """Raises YamlError where a collection is nested too deep: `flow` is the depth where flow collections begin, 0 outside of any."""
    most = deepest if flow else MAX_DEPTH
    if depth - flow >= most + (not flow):
        raise YamlError(f"collections are nested more than {most} deep", node.line, node.column, "nest them less")


def _check_version(event: Any) -> None:
    """Raises YamlError where a document's directive asks for another YAML than 1.1."""
    if getattr(event, "version", None) not in (None, (1, 1)):
        raise YamlError("only YAML 1.1 is read", event.start_mark.line + 1, 1, "remove the %YAML line")


def _unused(text: bytes) -> str | None:
    """A character for private use that is not in the text."""
    return next((chr(code) for code in _PLACEHOLDERS if chr(code).encode() not in text), None)


def _colons_hidden(text: bytes) -> tuple[bytes, str] | None:
    """The text with the colons inside plain scalars as another character, and that character.

    libyaml 0.1, which ruamel.yaml brings along, refuses them in flow collections; yaml.v3 does not.
    """
    placeholder = _unused(text)
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if placeholder is None:
        return None
    hidden = re.sub(_COLON, lambda found: placeholder if found[0] == ":" else found[0], decoded, flags=re.M)
    return (hidden.encode("utf-8"), placeholder) if hidden != decoded else None


class At(Origin):
    """A value at a path of a source."""

    __slots__ = ("path", "source")

    def __init__(self, source: Source, path: Path) -> None:
        self.source = source
        self.path = path

    def place(self) -> Place:
        return self.source.place(self.path)

    def field(self, entry: Field) -> Origin:
        return At(self.source, (*self.path, entry.name))

    def item(self, index: int) -> Origin:
        return At(self.source, (*self.path, index))


class Whole(At):
    """A value that stands behind everything below it: what a piece of sugar made from one place."""

    __slots__ = ()

    def field(self, entry: Field) -> Origin:
        return self

    def item(self, index: int) -> Origin:
        return self


def short_tag(tag: str) -> str:
    return "!!" + tag[len(_LONG_TAG) :] if tag.startswith(_LONG_TAG) else tag
