"""The filters of `${{ value | filter }}`: a fixed set, each a function of one value."""

from __future__ import annotations

import json
import shlex
from base64 import b64encode
from collections.abc import Callable

from butane_py.fleet.examples import contents
from butane_py.fleet.values import LIST, MAP, QUOTED, TEXT, Value, plain
from ignition_py.record import Record
from ignition_py.report.catalog import code

_MOST_SPACES = 100
_UNIT_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\v": "\\v"}


class FilterProblem(ValueError):
    """A filter cannot do what is asked for; `hint` is the way out."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Filter(Record):
    """One filter: what it makes of a value that is not null, the types of its arguments, and whether it takes lists and mappings."""

    make: Callable[..., str]
    arguments: tuple[type, ...] = ()
    takes: tuple[str, ...] = (TEXT,)


def _join(value: Value, separator: str) -> str:
    if any(item.kind != TEXT for item in value.items):
        raise FilterProblem("join takes a list of single values", "use json, or name the member that is meant")
    return separator.join(item.text for item in value.items if not item.is_null)


def _json(value: Value) -> str:
    return json.dumps(plain(value), ensure_ascii=False)


def _indent(value: Value, spaces: int) -> str:
    if not 0 <= spaces <= _MOST_SPACES:
        raise FilterProblem(f"indent takes a number from 0 to {_MOST_SPACES}", "write indent(4), for example")
    first, *rest = value.text.split("\n")
    return "\n".join([first, *(" " * spaces + line if line else line for line in rest)])


def _shell_word(value: Value) -> str:
    if "\0" in value.text:
        raise FilterProblem("a word of the shell has no NUL in it", "give the value without it")
    return shlex.quote(value.text)


def unit_word(text: str) -> str:
    """The text as one word of a unit file's setting, specifiers left alone. Source: systemd.syntax(7), systemd.unit(5)."""
    if "\0" in text:
        raise FilterProblem("a unit file has no NUL in it", "give the value without it")
    return '"' + "".join([_UNIT_ESCAPES.get(char, char) for char in text.replace("%", "%%")]) + '"'


FILTERS: dict[str, Filter] = {
    "join": Filter(_join, (str,), (LIST,)),
    "json": Filter(_json, takes=(TEXT, LIST, MAP)),
    "b64": Filter(lambda value: b64encode(value.text.encode("utf-8", "surrogateescape")).decode("ascii")),
    "indent": Filter(_indent, (int,)),
    "lower": Filter(lambda value: value.text.lower()),
    "upper": Filter(lambda value: value.text.upper()),
    "sh": Filter(_shell_word),
    "unit": Filter(lambda value: unit_word(value.text)),
}
DEFAULT = "default"  # what stands in for null; interpolation.py applies it
NAMES = (*FILTERS, DEFAULT)
_WORDS = {str: "a text in quotes", int: "a number"}


@code(
    "var-filter",
    title="A filter does not take the value",
    why="Each filter is for one kind of value: join for lists, json for all, the others for single values.",
    fix="Use another filter, or name the member or the item that is meant: ${{ vlans.0.name | upper }}.",
    wrong=contents("name: {type: string, default: n1}", "${{ name | join(' ') }}"),
    right=contents("names: {type: [string], default: [a, b]}", "${{ names | join(' ') }}"),
    build=True,
)
def applied(name: str, value: Value, arguments: tuple[str | int, ...]) -> Value:
    """What the filter makes of a value. Raises FilterProblem."""
    found = FILTERS[name]
    if len(arguments) != len(found.arguments) or any(map(_differs, arguments, found.arguments)):
        wanted = ", ".join(_WORDS[each] for each in found.arguments)
        example = {str: f'write {name}(", ")', int: f"write {name}(4)"}
        hint = example[found.arguments[0]] if found.arguments else f"write {name}"
        raise FilterProblem(f"{name} takes {wanted} in parentheses" if wanted else f"{name} takes nothing in parentheses", hint)
    if value.kind not in found.takes:
        kinds = {TEXT: "a single value", LIST: "a list", MAP: "a mapping"}
        hint = "join makes a text of a list, json of anything" if value.kind != TEXT else "take the filter away"
        raise FilterProblem(f"{name} takes {kinds[found.takes[0]]}, and this is {kinds[value.kind]}", hint)
    text = found.make(value, *arguments)
    return Value(TEXT, value.place, value.layer, text=text, style=QUOTED, secret=value.secret, made_of=(value,))


def _differs(argument: str | int, wanted: type) -> bool:
    return not isinstance(argument, wanted)
