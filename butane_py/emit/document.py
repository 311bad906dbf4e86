"""YAML text for people and for every reader: literal blocks for text with lines, plain words where they cannot be taken for anything else.

Entries keep their order. What a reader of YAML 1.1 (PyYAML, cloud-init), of YAML 1.2 or Go's yaml.v3 takes for a number, a boolean,
a date or null is always quoted, so all of them read the same text.
Source: YAML 1.1 and 1.2.2 (chapters 5, 7 and 8).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./@%+,=:$~() -]*")
_FLOW = re.compile(r"[A-Za-z/][A-Za-z0-9_./@%+=~-]*")
_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"))
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}
_BREAKS = frozenset("\x85\u2028\u2029\ufeff")
_SIMPLE_KEY = 1000  # characters; readers look no further than 1024 for the colon
STEP = "  "


class Octal(int):
    """A number that is written in octal: permissions."""

    prefix = "0"


class Octal12(Octal):
    """An octal number in the spelling of YAML 1.2 alone: 0o644."""

    prefix = "0o"


class Remarked(dict[str, "Any"]):
    """A mapping of a list, with lines of comment above it."""

    remark: tuple[str, ...] = ()


class Row(list["Any"]):
    """A list that is written on one line, such as the words of a command; with a text of several lines in it, as any other list."""


def is_block(text: str) -> bool:
    """True if the text has several lines and can be a literal block."""
    lines = text.split("\n")
    return len(lines) > 1 and bool(text.strip()) and all(map(_printable, lines))


def _printable(line: str) -> bool:
    return not (_BREAKS & set(line)) and (line.isprintable() or line.replace("\t", "").isprintable())


def quoted(text: str) -> str:
    """A double-quoted scalar."""
    out = []
    for char in text:
        if char in _ESCAPES:
            out.append(_ESCAPES[char])
        elif char.isprintable() and char not in _BREAKS:
            out.append(char)
        else:
            code = ord(char)
            out.append(f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
    return f'"{"".join(out)}"'


def scalar(value: object) -> str:
    """A value on one line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Octal):
        return f"{value.prefix}{value:o}" if value > 0 else str(int(value))
    if isinstance(value, int):
        return str(value)
    text = str(value)
    plain = _PLAIN.fullmatch(text) and ": " not in text and text[-1] not in " :" and text.lower() not in _WORDS
    return text if plain else quoted(text)


def comment(line: str) -> str:
    """A line of comment; what no YAML text can hold becomes a question mark."""
    return f"# {''.join(char if char.isprintable() and char not in _BREAKS else '?' for char in line)}".rstrip()


def _in_flow(text: str) -> str:
    """A text inside brackets, where more characters have a meaning."""
    return text if _FLOW.fullmatch(text) and scalar(text) == text else quoted(text)


def document(data: dict[str, Any]) -> str:
    """A whole document of block mappings, lists and scalars."""
    return "".join(f"{line}\n" for line in _mapping(data, ""))


def _mapping(data: dict[str, Any], indent: str) -> Iterator[str]:
    for key, value in data.items():
        name = scalar(key)
        if len(name) < _SIMPLE_KEY:
            yield from _entry(f"{indent}{name}:", value, indent + STEP)
        else:
            yield f"{indent}? {name}"
            yield from _entry(f"{indent}:", value, indent + STEP)


def _entry(start: str, value: Any, indent: str) -> Iterator[str]:
    """`start` (a key) and its value, what needs lines of its own at `indent`."""
    if isinstance(value, dict) and value:
        yield start
        yield from _mapping(value, indent)
    elif isinstance(value, Row) and value and all(isinstance(item, str) and not is_block(item) for item in value):
        yield f"{start} [{', '.join(map(_in_flow, value))}]"
    elif isinstance(value, list | tuple) and value:
        yield start
        for item in value:
            yield from _item(item, indent)
    elif isinstance(value, str) and is_block(value):
        yield from _block(start, value, indent)
    else:
        yield f"{start} {'{}' if value == {} else '[]' if value in ([], ()) else scalar(value)}"


def _item(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict) and value:
        if isinstance(value, Remarked):
            yield from (f"{indent}{comment(line)}" for line in value.remark)
        lines = list(_mapping(value, indent + STEP))
        yield f"{indent}- {lines[0][len(indent) + len(STEP) :]}"
        yield from lines[1:]
    else:
        yield from _entry(f"{indent}-", value, indent + STEP)


def _block(start: str, text: str, indent: str) -> Iterator[str]:
    """A literal block: its header says what becomes of the line breaks at the end, and how deep it is where it has to."""
    body = text.rstrip("\n")
    ends = len(text) - len(body)
    keep = "-" if ends == 0 else "" if ends == 1 else "+"
    deep = str(len(STEP)) if body[0] in " \t\n" else ""
    yield f"{start} |{deep}{keep}"
    for line in body.split("\n") + [""] * (ends - 1):
        yield f"{indent}{line}" if line else ""
