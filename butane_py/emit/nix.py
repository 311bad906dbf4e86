"""Text of the Nix language: strings, attribute names, and values as sets and lists.

Source: the Nix manual, chapter "Data Types", and nix-instantiate 2.8, measured: a NUL ends a string without an error, a carriage
return inside of quotes becomes a line feed, and `$${` is no interpolation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

STEP = "  "
INT_MAX = (1 << 63) - 1
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_'-]*")
_KEYWORDS = frozenset(("if", "then", "else", "assert", "with", "let", "in", "rec", "inherit", "or"))
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_SPECIAL = re.compile(r'["\\\n\r\t]|\$(?=\{)')
# Inside of '' '' these begin or end something, alone or with what stands beside them.
_AWKWARD = re.compile(r"''|'\$|\$'|\$\$|'\\|[\r\0]|^\t", re.MULTILINE)


class Expression(str):
    """Nix text that is written as it is, such as `pkgs.bashInteractive`."""

    __slots__ = ()


def string(text: str) -> str:
    """A string in double quotes, on one line. Raises ValueError for a text with NUL or a lone surrogate, which Nix cannot hold."""
    _check(text)
    return '"' + _SPECIAL.sub(lambda found: _ESCAPES.get(found[0], "\\$"), text) + '"'


def attribute(name: str) -> str:
    """The name of an attribute, in quotes where it needs them. Raises ValueError as `string` does."""
    return name if _NAME.fullmatch(name) and name not in _KEYWORDS else string(name)


def expression(value: Any, indent: str = "") -> str:
    """A value (text, number, boolean, None, list, mapping, Expression) as Nix text.

    Its first line follows on what stands before it; further lines are indented by `indent` and more. Raises ValueError for a text
    that Nix cannot hold and for a number of more than 64 bits, TypeError for another type.
    """
    if isinstance(value, Expression):
        return value
    if isinstance(value, str):
        return _lines(value, indent + STEP) if _is_block(value) else string(value)
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, int):
        if abs(value) > INT_MAX:
            raise ValueError(f"{value} has more than 64 bits")
        return str(value)
    if isinstance(value, dict):
        return _enclosed("{", _attributes(value, indent + STEP), "}", indent)
    if isinstance(value, list | tuple):
        return _enclosed("[", (_item(each, indent + STEP) for each in value), "]", indent)
    raise TypeError(f"Nix has no value for a {type(value).__name__}")


def _attributes(values: dict[str, Any], indent: str) -> Iterator[str]:
    """`name = value;` of each entry. A set of one entry is written as a path: `a.b = 1;`."""
    for key, value in values.items():
        path = attribute(key)
        while isinstance(value, dict) and len(value) == 1:
            ((key, value),) = value.items()
            path = f"{path}.{attribute(key)}"
        yield f"{path} = {expression(value, indent)};"


def _item(value: Any, indent: str) -> str:
    """A value in a list, where what is more than one word needs parentheses."""
    text = expression(value, indent)
    if (isinstance(value, Expression) and not re.fullmatch(r"[\w.'-]+", text)) or (
        isinstance(value, int) and text[0] == "-"
    ):
        return f"({text})"
    return text


def _enclosed(opening: str, items: Iterator[str], closing: str, indent: str) -> str:
    lines = [f"{indent}{STEP}{item}\n" for item in items]
    return f"{opening}\n{''.join(lines)}{indent}{closing}" if lines else f"{opening} {closing}"


def _is_block(text: str) -> bool:
    """True if `text` reads the same between two pairs of quotes on lines of its own: lines, of which one is not indented."""
    lines = text.split("\n")
    return text.endswith("\n") and not _AWKWARD.search(text) and any(line and line[0] != " " for line in lines)


def _lines(text: str, indent: str) -> str:
    """An indented string. The common indent is taken off again by Nix; a line of blanks keeps those beyond it."""
    _check(text)
    body = "".join(f"{indent}{line}\n" if line else "\n" for line in text[:-1].replace("${", "''${").split("\n"))
    return f"''\n{body}{indent[: -len(STEP)]}''"


def _check(text: str) -> None:
    if "\0" in text:
        raise ValueError("Nix strings cannot hold NUL")
    text.encode()  # a lone surrogate is refused here, as a ValueError
