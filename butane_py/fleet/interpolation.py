"""`${{ }}` on parsed nodes: values are grafted into the tree of a config, so that none can change its structure.

A scalar that is nothing but a reference becomes the value with its type; inside of text a value is text. Null takes its key away.
The new nodes stand at the place of the reference and know the values that they are made of.
"""

from __future__ import annotations

import re

from butane_py.fleet.evaluation import EvaluationProblem, Lookup, Operand, ReportedError, Use, evaluated, in_text
from butane_py.fleet.examples import contents
from butane_py.fleet.expressions import MARK, Pieces, Reference, SyntaxProblem, parse
from butane_py.fleet.values import LIST, TEXT, WORD, Value
from butane_py.yaml.source import ALIAS, MAPPING, SCALAR, SEQUENCE, Node, Source
from ignition_py.report.catalog import code
from ignition_py.report.diag import ERROR, Entry, Path, Place, Report

_DEEPEST = 200  # collections with references inside of one another
_HEADER = re.compile(r"(?:[!&]\S*\s+)*[|>]")


class Grafted(Node):
    """A node that values have made. `uses` are the values."""

    __slots__ = ("uses",)

    def __init__(self, kind: int, at: Node, uses: tuple[Use, ...], value: str = "", tag: str = "", plain: bool = True) -> None:
        super().__init__(kind, at.line, at.column, value, tag, plain)
        self.end = at.end
        self.uses = uses

    @property
    def secret(self) -> bool:
        """True if a secret is among the values."""
        return any(use.value.secret for use in self.uses)


class Template:
    """The tree of one text, looked through once for all hosts: which nodes have references in or below them."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.changing: set[int] = set()  # ids of nodes
        self.keys: list[tuple[Node, Path]] = []  # keys with references, which are errors
        self.scalars: list[tuple[Node, Path]] = []  # with references
        self._pieces: dict[int, Pieces | SyntaxProblem] = {}
        if MARK.encode() in source.text or b"\\" in source.text:
            self._look()

    def _look(self) -> None:
        parents: dict[int, Node] = {}
        aliases: list[Node] = []
        waiting: list[tuple[Node, Path]] = [(self.source.root, ())] if self.source.root is not None else []
        while waiting:
            node, path = waiting.pop()
            if node.kind == SCALAR:
                if MARK in node.value:
                    self._mark(node, parents)
                    self.scalars.append((node, path))
                continue
            if node.kind == ALIAS:
                aliases.append(node)
                continue
            below: list[tuple[Node, Path]] = []
            if node.kind == MAPPING:
                for key, value in node.items:
                    if key.kind == SCALAR and MARK in key.value:
                        self.keys.append((key, (*path, key.value)))
                    below.append((value, (*path, key.value) if len(path) < _DEEPEST else path))
            else:
                below = [(item, (*path, index) if len(path) < _DEEPEST else path) for index, item in enumerate(node.items)]
            for each, _ in below:
                parents[id(each)] = node
            waiting.extend(reversed(below))
        for alias in aliases:  # in the order of the text, where anchors stand before their aliases
            if id(alias.target) in self.changing:
                self._mark(alias, parents)

    def _mark(self, node: Node, parents: dict[int, Node]) -> None:
        each: Node | None = node
        while each is not None and id(each) not in self.changing:
            self.changing.add(id(each))
            each = parents.get(id(each))

    def pieces(self, node: Node) -> Pieces:
        """The pieces of a scalar, parsed once. Raises SyntaxProblem."""
        found = self._pieces.get(id(node))
        if found is None:
            try:
                found = parse(node.value)
            except SyntaxProblem as error:
                found = error
            self._pieces[id(node)] = found
        if isinstance(found, SyntaxProblem):
            raise found
        return found


class Expander:
    """Expands nodes of one text for one host; errors go to the report. Without a template nothing is a reference."""

    def __init__(self, template: Template | None, lookup: Lookup, report: Report) -> None:
        self.template = template
        self.lookup = lookup
        self.report = report
        self.failures = 0  # errors, and references to values that are missing or wrong
        self._targets: dict[int, Node | None] = {}  # what anchors have become
        self._open: set[int] = set()

    def node(self, node: Node, path: Path, depth: int = 0) -> Node | None:
        """The node with its references replaced: itself where it has none, None where it is null and its key counts as absent."""
        if self.template is None or id(node) not in self.template.changing:
            return node
        if depth > _DEEPEST:
            self._error(node, path, 0, "var-syntax", f"references are nested more than {_DEEPEST} deep", "nest them less")
            return None
        if node.kind == SCALAR:
            return self._scalar(node, path)
        if node.kind == ALIAS:
            return self._alias(node, path, depth)
        made = Node(node.kind, node.line, node.column, "", node.tag)
        made.end = node.end
        if node.kind == SEQUENCE:
            items = [self.node(item, (*path, index), depth + 1) for index, item in enumerate(node.items)]
            made.items = [item for item in items if item is not None]
        else:
            pairs = [(key, self.node(value, (*path, key.value), depth + 1)) for key, value in node.items]
            made.items = [pair for pair in pairs if pair[1] is not None]
        return made

    def _alias(self, node: Node, path: Path, depth: int) -> Node | None:
        """An alias of what its anchor has become. One that contains itself stays, for the decoder to refuse."""
        target = node.target
        if target is None or id(target) in self._open:
            return node
        if id(target) not in self._targets:
            self._open.add(id(target))
            self._targets[id(target)] = self.node(target, path, depth + 1)
            self._open.discard(id(target))
        found = self._targets[id(target)]
        if found is None:
            return None
        made = Node(ALIAS, node.line, node.column, node.value)
        made.end = node.end
        made.target = found
        return made

    def operand(self, node: Node, path: Path) -> Operand | None:
        """What a scalar that is nothing but a reference stands for, with its type; None for others, and where an error was reported."""
        if self.template is None or node.kind != SCALAR or id(node) not in self.template.changing:
            return None
        try:
            pieces = self.template.pieces(node)
            if len(pieces) == 1 and isinstance(pieces[0], Reference):
                return evaluated(pieces[0], self.lookup)
        except (SyntaxProblem, EvaluationProblem, ReportedError):
            return None  # _scalar reports it
        return None

    def _scalar(self, node: Node, path: Path) -> Node | None:
        assert self.template is not None
        try:
            pieces = self.template.pieces(node)
            if len(pieces) == 1 and isinstance(pieces[0], Reference):
                return _graft(evaluated(pieces[0], self.lookup).value, node, pieces[0].spelled)
            text, uses = in_text(pieces, self.lookup)
        except SyntaxProblem as error:
            self._error(node, path, error.at, "var-syntax", str(error), error.hint)
        except EvaluationProblem as error:
            self._error(node, path, error.at, error.code, str(error), error.hint, error)
        except ReportedError:
            self.failures += 1
        else:
            return Grafted(SCALAR, node, uses, text, node.tag, plain=False)
        return None

    def _error(
        self, node: Node, path: Path, at: int, code: str, message: str, hint: str, error: EvaluationProblem | None = None
    ) -> None:
        assert self.template is not None
        self.failures += 1
        place = place_inside(self.template.source, node, at, path)
        self.report.entries.append(Entry(ERROR, code, message, place, hint, related=error.related if error else ()))


def _graft(value: Value, at: Node, name: str) -> Node | None:
    """The value as nodes at the place of the reference; None for null."""
    uses = (Use(name, value),)
    if value.kind == TEXT:
        return None if value.is_null else Grafted(SCALAR, at, uses, value.text, at.tag, value.style == WORD)
    if value.kind == LIST:
        made = Grafted(SEQUENCE, at, uses)
        items = [_graft(item, at, f"{name}.{index}") for index, item in enumerate(value.items)]
        made.items = [item for item in items if item is not None]
        return made
    made = Grafted(MAPPING, at, uses)
    for key, member in value.members.items():
        below = _graft(member, at, f"{name}.{key}")
        if below is not None:
            made.items.append((Grafted(SCALAR, at, uses, key, plain=False), below))
    return made


def place_inside(source: Source, node: Node, at: int, path: Path) -> Place:
    """The place of the character at index `at` of a scalar's value: exact in scalars of every style, but where an escape hides a mark."""
    lines = source.lines
    whole = source.node_place(node, path)
    begin = lines.offset(node.line, node.column)
    raw = lines.text[begin : node.end]
    header = _HEADER.match(raw)
    ours = _marks(node.value, 0)
    theirs = _marks(raw, raw.find("\n") + 1 if header else 0)
    before = [mark for mark in ours if mark <= at]
    if len(ours) != len(theirs) or not before:
        return whole
    offset = theirs[len(before) - 1]
    more = at - before[-1]
    if raw[offset : offset + more] == node.value[before[-1] : at]:
        offset += more
    line, column = lines.position(begin + offset)
    return Place(path, line, column, source.name)


def _marks(text: str, start: int) -> list[int]:
    """The indexes of all marks in a text."""
    found = []
    at = text.find(MARK, start)
    while at >= 0:
        found.append(at)
        at = text.find(MARK, at + 1)
    return found


@code(
    "var-in-key",
    title="A reference stands where none may be",
    why="Keys, variant and version tell how the config is read; they cannot depend on the host.",
    fix="Write the key out. A list of entries can be a variable as a whole, and an include can choose between files.",
    wrong="vars:\n  name: {type: string, default: n1}\nx-${{ name }}: 1\n",
    right=contents("name: {type: string, default: n1}", "${{ name }}"),
    build=True,
)
def misplaced(template: Template) -> list[Entry]:
    """The errors for references in keys, variant and version."""
    source = template.source
    found = [
        Entry(ERROR, "var-in-key", "a key cannot hold a reference", place_inside(source, key, key.value.index(MARK), path))
        for key, path in template.keys
        if path[:1] != ("vars",)  # whose names are checked where they are declared
    ]
    root = source.root
    for name in ("variant", "version"):
        pair = root.entry(name) if root is not None and root.kind == MAPPING else None
        if pair is not None and pair[1].kind == SCALAR and MARK in pair[1].value:
            place = place_inside(source, pair[1], pair[1].value.index(MARK), (name,))
            found.append(Entry(ERROR, "var-in-key", f"{name} cannot hold a reference", place))
    return found
