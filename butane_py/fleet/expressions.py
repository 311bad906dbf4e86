"""The text between `${{` and `}}`: a variable, its members and items, and filters.

    ${{ vlan.name }}   ${{ admins.0 }}   ${{ admins | join("\\n") | indent(2) }}   $${{ the text itself }}

Grammar: name ("." (name | number))* ("|" filter ["(" (string | number) ("," ...)* ")"])*
"""

from __future__ import annotations

import re

from butane_py.fleet.examples import contents
from ignition_py.record import Record
from ignition_py.report.catalog import code

MARK = "${{"
_BEGIN = re.compile(r"\$+\{\{")
_TOKEN = re.compile(
    r"""\s*(?:(?P<end>\}\})|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<number>-?[0-9]{1,18}(?![0-9A-Za-z_]))"""
    r"""|(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<sign>[.|(),]))""",
    re.S,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'", "0": "\0"}


class SyntaxProblem(ValueError):
    """The text between the marks is not understood: the sentence, the index of the character in the whole text, the way out."""

    def __init__(self, message: str, at: int, hint: str = "") -> None:
        super().__init__(message)
        self.at = at
        self.hint = hint


class Name(Record):
    """A part of a reference (an int: the number of an item), and where it begins in the whole text."""

    text: str | int
    at: int


class Call(Record):
    """A filter with its arguments."""

    name: str
    arguments: tuple[str | int, ...]
    at: int


class Reference(Record):
    """One `${{ }}`: it spans the characters start to end of the text. The first name is the variable's."""

    start: int
    end: int
    names: tuple[Name, ...]
    filters: tuple[Call, ...]

    @property
    def spelled(self) -> str:
        """The variable with its members, without filters."""
        return ".".join(str(name.text) for name in self.names)


# A text in pieces: what stands in it as it is, and references.
Pieces = tuple["str | Reference", ...]


def parse(text: str) -> Pieces:
    """The pieces of a text. Of dollars in front of {{ each pair stands for one; a single one that is left begins a reference.

    Raises SyntaxProblem.
    """
    pieces: list[str | Reference] = []
    at = 0
    while (found := _BEGIN.search(text, at)) is not None:
        dollars = found.end() - found.start() - 2
        before = text[at : found.start()] + "$" * (dollars // 2)
        if dollars % 2 == 0:
            pieces.append(f"{before}{{{{")
            at = found.end()
            continue
        if before:
            pieces.append(before)
        reference = _Parser(text, found.end() - len(MARK)).reference()
        pieces.append(reference)
        at = reference.end
    if at < len(text):
        pieces.append(text[at:])
    return tuple(pieces)


class _Parser:
    """Reads one reference that begins at `start`."""

    def __init__(self, text: str, start: int) -> None:
        self.text = text
        self.start = start
        self.at = start + len(MARK)
        self.token_at = self.at
        self.kind = ""
        self.token = ""

    def reference(self) -> Reference:
        self._next()
        names = [self._name()]
        while self._is("."):
            self._next()
            names.append(self._name(member=True))
        filters = []
        while self._is("|"):
            self._next()
            filters.append(self._filter())
        if self.kind != "end":
            raise self._unexpected()
        return Reference(self.start, self.at, tuple(names), tuple(filters))

    @code(
        "var-syntax",
        title="A reference is not written as it has to be",
        why="Between ${{ and }} stand the name of a variable, its members and filters, and nothing else: no arithmetic, no functions.",
        fix="Write ${{ name }}, ${{ name.member }} or ${{ name | filter }}; $${{ stands for the characters ${{ themselves.",
        wrong=contents("name: {type: string, default: n1}", "${{ name + 1 }}"),
        right=contents("name: {type: string, default: n1}", "${{ name }}"),
        build=True,
    )
    def _next(self) -> None:
        """Goes on to the next token. Raises SyntaxProblem where the reference is not closed or has a character that begins none."""
        found = _TOKEN.match(self.text, self.at)
        if found is None:
            rest = self.text[self.at :]
            stripped = rest.lstrip()
            if "}}" not in rest:
                message = "${{ is not closed" if stripped else "${{ is never closed"
                raise SyntaxProblem(message, self.start, "close it with }}, or write $${{ for the characters themselves")
            char = stripped[:1]
            hint = "close the quote" if char in "\"'" else "only names, members, items and filters stand in ${{ }}"
            raise SyntaxProblem(f"{char} is not understood in ${{{{ }}}}", self.at + len(rest) - len(stripped), hint)
        self.kind = str(found.lastgroup)
        self.token = found[self.kind]
        self.token_at = found.start(self.kind)
        self.at = found.end()

    def _is(self, sign: str) -> bool:
        return self.kind == "sign" and self.token == sign

    def _unexpected(self) -> SyntaxProblem:
        if self.kind == "end":
            return SyntaxProblem("a name is missing before }}", self.token_at, "write ${{ name }}")
        hint = "a filter stands behind |, a member behind a dot" if self.kind != "sign" else "write ${{ name | filter }}"
        return SyntaxProblem(f"{self.token} is not expected here", self.token_at, hint)

    def _name(self, *, member: bool = False) -> Name:
        if self.kind != "name" and not (member and self.kind == "number" and self.token.isdecimal()):
            raise self._unexpected()
        name = Name(self.token if self.kind == "name" else int(self.token), self.token_at)
        self._next()
        return name

    def _filter(self) -> Call:
        name = self._name()
        arguments: list[str | int] = []
        if self._is("("):
            self._next()
            while not self._is(")"):
                arguments.append(self._argument())
                if self._is(","):
                    self._next()
                elif not self._is(")"):
                    raise self._unexpected()
            self._next()
        return Call(str(name.text), tuple(arguments), name.at)

    def _argument(self) -> str | int:
        if self.kind == "number":
            number = int(self.token)
            self._next()
            return number
        if self.kind != "string":
            raise self._unexpected()
        body, at = self.token[1:-1], self.token_at
        wrong = re.search(r"\\([^ntr\\\"'0])", body)
        if wrong is not None:
            raise SyntaxProblem(f"\\{wrong[1]} is not an escape", at + 1 + wrong.start(), r"known are \n \t \r \0 \\ \" and \'")
        self._next()
        return re.sub(r"\\(.)", lambda found: _ESCAPES[found[1]], body, flags=re.S)
