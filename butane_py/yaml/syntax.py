"""What is wrong with text that is not YAML, in words that name the cause and the way out.

libyaml says what its scanner or parser met, and where; the text around that place tells what the author meant. Source of the
problems: scanner.c and parser.c of libyaml 0.1 and 0.2, by trying each.
"""

from __future__ import annotations

import re
from typing import Any

from ignition_py.record import Record

_UNSAFE = "@`%"  # characters that no plain text begins with
_TEMPLATE = re.compile(r"\{\{|\{%|\$\{")
_KEY = re.compile(r"\s*(?:- +)*[^\s:#][^:]*:(?=\s)")


class Syntax(Record):
    """One problem: what libyaml says, where it stopped, and where the construct begins that it was reading (lines and columns from 1)."""

    problem: str
    context: str
    line: int
    column: int
    begun_line: int = 0
    begun_column: int = 0


class Explanation(Record):
    """A sentence with a place, the way out, and a second place with its words where there is one."""

    message: str
    hint: str
    line: int
    column: int
    begun: tuple[str, int, int] | None = None


_BREAK = "\r\n|[\n\r\x85\u2028\u2029]"  # line breaks of YAML 1.1, which libyaml counts


def syntax_of(error: Any) -> Syntax | None:
    """The problem of an error of ruamel.yaml, None where it has no place."""
    mark, begun = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    if mark is None:
        mark, begun = begun, None
    if mark is None:
        return None
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    place = (begun.line + 1, begun.column + 1) if begun is not None else (0, 0)
    return Syntax(str(problem), str(getattr(error, "context", None) or ""), mark.line + 1, mark.column + 1, *place)


def explained(syntax: Syntax, text: str) -> Explanation:
    """What the problem means in `text`."""
    lines = re.split(_BREAK, text)
    line = lines[syntax.line - 1] if syntax.line <= len(lines) else ""
    for explain in (_tab, _quote, _flow, _plain_start, _colon, _known, _indentation):
        found = explain(syntax, line, lines)
        if found is not None:
            return found
    words = f"{syntax.problem} ({syntax.context})" if syntax.context else syntax.problem
    return Explanation(words, "", syntax.line, syntax.column)


def _tab(syntax: Syntax, line: str, lines: list[str]) -> Explanation | None:
    """A tab where YAML takes spaces only: in an indentation, of this line or of the one before."""
    before = lines[syntax.line - 2] if 1 < syntax.line <= len(lines) else ""  # libyaml ends lines at more than line feeds
    for number, each in ((syntax.line, line), (syntax.line - 1, before)):
        indentation = each[: len(each) - len(each.lstrip(" \t"))]
        if "\t" in indentation and each.strip():
            return Explanation(
                "a tab indents this line; YAML is indented with spaces only",
                "replace each tab at the beginning of a line by spaces, as many as its neighbours have",
                number, indentation.index("\t") + 1,
            )  # fmt: skip
    return None


def _quote(syntax: Syntax, line: str, lines: list[str]) -> Explanation | None:
    """A quote that is not closed, an escape that there is not, and text behind a closing quote."""
    if "quoted scalar" in syntax.context and ("end of stream" in syntax.problem or "document indicator" in syntax.problem):
        opening = lines[syntax.begun_line - 1][syntax.begun_column - 1 : syntax.begun_column]
        return Explanation(
            f"the quote {opening} that opens here is never closed",
            f"close it with {opening}, or write long text as a block: a | behind the key, and the text below it, indented",
            syntax.begun_line, syntax.begun_column,
        )  # fmt: skip
    if "escape character" in syntax.problem or "hexdecimal" in syntax.problem:
        return Explanation(
            "a backslash in double quotes begins an escape, and there is none of this letter",
            "write the text in single quotes, where a backslash is itself, or double the backslash",
            syntax.line, syntax.column,
        )  # fmt: skip
    before = line[: syntax.column - 1].rstrip()
    if "did not find expected" in syntax.problem and before[-1:] in ("'", '"') and line[syntax.column - 1 :].strip():
        mark = before[-1]
        inside = "write '' for a quote inside of single quotes" if mark == "'" else 'write \\" for a quote inside of double quotes'
        hint = f"{inside}, or use the other kind of quotes around the whole text"
        return Explanation(f"text goes on behind the closing quote {mark}", hint, syntax.line, syntax.column)
    return None


def _flow(syntax: Syntax, line: str, lines: list[str]) -> Explanation | None:
    """A list in brackets or a mapping in braces that does not end."""
    opened = _open_bracket(lines, syntax) if "flow" in syntax.context else None
    if opened is None:
        return None
    opening, number, column = opened
    if _TEMPLATE.search(lines[number - 1]):
        return _template(number, column)
    closing = {"[": "]", "{": "}"}[opening]
    begun = (f"the {opening} that opens here", number, column)
    if syntax.line > len(lines) or not line.strip() or "end of stream" in syntax.problem:
        return Explanation(f"the {opening} that opens here is never closed", f"close it with {closing}", number, column)
    return Explanation(
        f"between {opening} and {closing} a comma or {closing} is missing here",
        f"separate entries by commas, close them with {closing}, and put text with brackets, braces, commas or ': ' in quotes",
        syntax.line, syntax.column, begun,
    )  # fmt: skip


def _open_bracket(lines: list[str], syntax: Syntax) -> tuple[str, int, int] | None:
    """The innermost bracket or brace that is open where libyaml stopped, with its line and column; quotes are not looked at."""
    opened: list[tuple[str, int, int]] = []
    for number, line in enumerate(lines[: syntax.line], 1):
        for column, char in enumerate(line[: syntax.column - 1] if number == syntax.line else line, 1):
            if char in "[{":
                opened.append((char, number, column))
            elif char in "]}" and opened:
                opened.pop()
    return opened[-1] if opened else None


def _template(line: int, column: int) -> Explanation:
    return Explanation(
        "braces of a template are a mapping in YAML",
        "render the template before compiling, or put quotes around the text",
        line, column,
    )  # fmt: skip


def _plain_start(syntax: Syntax, line: str, _: list[str]) -> Explanation | None:
    """A text without quotes that begins with a character that YAML keeps for itself."""
    char = line[syntax.column - 1 : syntax.column]
    if "cannot start any token" not in syntax.problem or char not in _UNSAFE or not char:
        return None
    if char == "%" and _TEMPLATE.search(line):
        return _template(syntax.line, syntax.column)
    value = line[syntax.column - 1 :].rstrip()
    return Explanation(f"text without quotes cannot begin with {char}", f"put it in quotes: {_quoted(value)}", syntax.line, syntax.column)


def _colon(syntax: Syntax, line: str, lines: list[str]) -> Explanation | None:
    """`key: value: more`, and a key below a line that has its value already."""
    if "mapping values are not allowed" not in syntax.problem:
        return None
    key = _KEY.match(line)
    if key is not None and key.end() < syntax.column - 1:
        value = line[key.end() :].strip()
        if _TEMPLATE.search(value):
            return _template(syntax.line, syntax.column)
        return Explanation(
            "a colon and a space inside of text without quotes begin another mapping",
            f"put the text in quotes: {line[: key.end()].strip()} {_quoted(value)}",
            syntax.line, syntax.column,
        )  # fmt: skip
    above = next((number for number in range(syntax.line - 1, 0, -1) if lines[number - 1].strip()), 0)
    begun = ("the line above", above, _indentation_of(lines[above - 1]) + 1) if above else None
    return Explanation(
        "this line is indented deeper than the line above, which has its value already",
        "give it the indentation of the line above, or put text of several lines in a block: a | behind the key",
        syntax.line, syntax.column, begun,
    )  # fmt: skip


def _list_entry(lines: list[str], below: int, dash: int) -> tuple[int, int] | None:
    """Line and indentation of the keys of the list entry above line `below` whose dash stands at index `dash`."""
    for number in range(below - 1, 0, -1):
        line = lines[number - 1]
        if _indentation_of(line) == dash and line[dash : dash + 1] == "-":
            return number, len(line) - len(line[dash + 1 :].lstrip(" "))
    return None


def _indentation(syntax: Syntax, line: str, lines: list[str]) -> Explanation | None:
    """A line whose indentation is that of none of its neighbours."""
    if "block" not in syntax.context or not syntax.begun_line or "did not find expected" not in syntax.problem:
        return None
    indented = _indentation_of(line)
    wanted = syntax.begun_column - 1
    begun = ("its neighbours begin here", syntax.begun_line, syntax.begun_column)
    entry = _list_entry(lines, syntax.line, wanted) if "'-' indicator" in syntax.problem and not line.lstrip().startswith("-") else None
    above = next((number for number in range(syntax.line - 1, 0, -1) if lines[number - 1].strip()), syntax.begun_line)
    if entry is not None and indented > wanted:
        begun, wanted = ("the entry of the list begins here", entry[0], entry[1] + 1), entry[1]
    elif _indentation_of(lines[above - 1]) > indented > wanted:
        wanted = _indentation_of(lines[above - 1])
        begun = ("the line above begins here", above, wanted + 1)
    if indented != wanted and syntax.column == indented + 1:
        return Explanation(
            f"this line is indented by {indented} spaces, and its neighbours are by {wanted}",
            f"indent it by {wanted} spaces, or by those of the entry that it belongs to",
            syntax.line, syntax.column, begun,
        )  # fmt: skip
    if "'-' indicator" in syntax.problem:
        return Explanation(
            "the list goes on without a dash", "begin each entry of the list with `- `", syntax.line, syntax.column, begun
        )
    message, hint = "a key is expected here", "write `key: value`, with a space behind the colon"
    if line.lstrip().startswith("-"):
        message, hint = "a list and keys stand in one mapping", "indent the list below the key that it belongs to"
    return Explanation(message, hint, syntax.line, syntax.column, begun)


# What libyaml says -> the sentence and the way out.
_PROBLEMS = {
    "could not find expected ':'": ("this line has no colon behind its key", "write `key: value`, with a colon and a space"),
    "did not find expected comment or line break": (
        "text stands behind the | or > of a block",
        "begin the text in the next line, indented deeper than the key",
    ),
    "did not find expected <document start>": (
        "the config has ended, and text follows",
        "one config stands in a file: see whether this line is to be indented, or remove what follows `...`",
    ),
    "block sequence entries are not allowed in this context": (
        "a list begins in the line of its key",
        "begin the list in the next line, indented below the key",
    ),
    "control characters are not allowed": (
        "a control character is in the text",
        'remove it, or write it as an escape in double quotes, such as "\\x07"',
    ),
    "invalid trailing UTF-8 octet": ("the text is not UTF-8", "save it as UTF-8"),
    "invalid leading UTF-8 octet": ("the text is not UTF-8", "save it as UTF-8"),
    "incomplete UTF-8 octet sequence": ("the text is not UTF-8", "save it as UTF-8"),
    "found a tab character": ("a tab stands where spaces are expected", "indent with spaces only"),
}


def _known(syntax: Syntax, _line: str, _lines: list[str]) -> Explanation | None:
    """The problems whose words say all."""
    for problem, (message, hint) in _PROBLEMS.items():
        if problem in syntax.problem:
            return Explanation(message, hint, syntax.line, syntax.column)
    return None


def _indentation_of(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _quoted(text: str) -> str:
    """The text in the quotes that need no escapes in it."""
    if '"' in text or "\\" in text:
        return "'" + text.replace("'", "''") + "'"
    return f'"{text}"'
