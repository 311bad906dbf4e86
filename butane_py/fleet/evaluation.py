"""What a reference stands for: the value of its variable, the member or item of it, and what filters make of that."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from butane_py.fleet import filters
from butane_py.fleet.declarations import MAP, OBJECT, Type
from butane_py.fleet.examples import contents
from butane_py.fleet.expressions import Call, Name, Pieces, Reference
from butane_py.fleet.filters import FilterProblem
from butane_py.fleet.forms import FORMS
from butane_py.fleet.types import shown
from butane_py.fleet.values import LIST as LIST_VALUE
from butane_py.fleet.values import MAP as MAP_VALUE
from butane_py.fleet.values import QUOTED, TEXT, WORD, Value
from butane_py.linter.rule import near
from ignition_py.record import Record
from ignition_py.report.catalog import code
from ignition_py.report.diag import Place, Related

Lookup: TypeAlias = "Callable[[Name], Operand]"

SECRET = "(secret)"  # noqa: S105  # what is shown in place of one


class Operand(Record):
    """A value on its way through a reference. `type` is None where it is not known; `nullable`: it may be null for another host."""

    value: Value
    type: Type | None = None
    nullable: bool = False


class Use(Record):
    """A value that a place of a config was made from, and the reference that it is called by there."""

    name: str
    value: Value


class EvaluationProblem(ValueError):
    """A reference cannot be worked out: the code, the sentence, the index of the character in the text, the way out, other places."""

    def __init__(self, code: str, message: str, at: int, hint: str = "", related: tuple[Related, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.at = at
        self.hint = hint
        self.related = related


class ReportedError(Exception):
    """A value is missing or wrong, and the report says so already."""


def where(place: Place) -> str:
    """A place in a sentence: `hosts.yaml:14:11`, or what gave the value: `--var`."""
    return f"{place.source}:{place.line}:{place.column}" if place.line else place.source


def shown_safely(value: Value) -> str:
    """A value in a sentence, secrets hidden."""
    return SECRET if value.secret else shown(value)


def given(use: Use) -> Related:
    """The second place of a report: what the value is and where it comes from."""
    return Related(f"`{use.name}` is {shown_safely(use.value)}, from {where(use.value.place)}", use.value.place)


def evaluated(reference: Reference, lookup: Lookup) -> Operand:
    """The value that a reference stands for. Raises EvaluationProblem and ReportedError."""
    operand = lookup(reference.names[0])
    called = str(reference.names[0].text)
    for name in reference.names[1:]:
        operand = _member(operand, name, called)
        called = f"{called}.{name.text}"
    for call in reference.filters:
        operand = _filtered(operand, call, called)
    return operand


@code(
    "var-member",
    title="A variable has no such member or item",
    why="Behind a dot stands a member of a mapping, the number of an item (from 0), or a part that values of the type have.",
    fix="Correct the name. Parts: cidr has ip, prefix, netmask, network and broadcast; mac dashes and plain; hostname short and domain; "
    "url host and port.",
    wrong=contents("address: {type: cidr, default: 10.0.0.1/24}", "${{ address.mask }}"),
    right=contents("address: {type: cidr, default: 10.0.0.1/24}", "${{ address.netmask }}"),
    build=True,
)
def _member(operand: Operand, name: Name, called: str) -> Operand:
    """A member, an item or a part of a value. Raises EvaluationProblem."""
    value, type_ = operand.value, operand.type
    if value.is_null:
        return operand
    if value.kind == LIST_VALUE:
        if isinstance(name.text, int) and name.text < len(value.items):
            return Operand(value.items[name.text], type_.item if type_ else None, operand.nullable)
        count = len(value.items)
        message = f"`{called}` has {count} item{'s' * (count != 1)} and no `{called}.{name.text}`"
        hint = "items count from 0" if isinstance(name.text, int) else f"write {called}.0.{name.text} for the first item"
        raise EvaluationProblem("var-member", message, name.at, hint, (given(Use(called, value)),))
    if value.kind == MAP_VALUE:
        return _of_mapping(operand, name, called)
    return _part(operand, name, called)


def _of_mapping(operand: Operand, name: Name, called: str) -> Operand:
    value, type_ = operand.value, operand.type
    wanted = str(name.text)
    if wanted not in value.members:
        close = near(wanted, value.members) if not value.secret else ""
        hint = f"did you mean {called}.{close}?" if close else f"the type is {type_}" if type_ else ""
        raise EvaluationProblem("var-member", f"`{called}` has no member `{wanted}`", name.at, hint, (given(Use(called, value)),))
    optional = type_ is not None and wanted in type_.optional
    below = type_.members.get(wanted) if type_ and type_.kind == OBJECT else type_.item if type_ and type_.kind == MAP else None
    return Operand(value.members[wanted], below, operand.nullable or optional)


def _part(operand: Operand, name: Name, called: str) -> Operand:
    """A part of a string of some form."""
    value, type_ = operand.value, operand.type
    parts = FORMS[type_.kind].parts if type_ is not None and type_.kind in FORMS else {}
    make = parts.get(str(name.text))
    if make is None:
        close = near(str(name.text), parts)
        kind = f"a {type_.kind}" if type_ is not None else "a single value"
        hint = f"did you mean {called}.{close}?" if close else f"it has {', '.join(parts)}" if parts else "take the dot and the name away"
        raise EvaluationProblem("var-member", f"`{called}` is {kind} and has no `{name.text}`", name.at, hint)
    made = make(value.text)
    style, text = (QUOTED, made) if isinstance(made, str) else (WORD, "null" if made is None else str(made))
    part = Value(TEXT, value.place, value.layer, text=text, style=style, secret=value.secret, made_of=(value,))
    return Operand(part, None, operand.nullable or made is None)


def _filtered(operand: Operand, call: Call, called: str) -> Operand:
    """What a filter makes of a value; of null only default and json make something. Raises EvaluationProblem."""
    value = operand.value
    if call.name not in filters.NAMES:
        close = near(call.name, filters.NAMES)
        hint = f"did you mean {close}?" if close else f"filters are {', '.join(filters.NAMES)}"
        raise EvaluationProblem("var-syntax", f"there is no filter `{call.name}`", call.at, hint)
    if call.name == filters.DEFAULT:
        return _defaulted(operand, call, called)
    if value.is_null and call.name != "json":
        return operand
    try:
        return Operand(filters.applied(call.name, value, call.arguments), None, operand.nullable)
    except FilterProblem as error:
        related = (given(Use(called, value)),)
        raise EvaluationProblem("var-filter", f"`{called}`: {error}", call.at, error.hint, related) from None


def _defaulted(operand: Operand, call: Call, called: str) -> Operand:
    if len(call.arguments) != 1:
        raise EvaluationProblem("var-filter", "default takes one value in parentheses", call.at, 'write default("") or default(0)')
    if not operand.value.is_null:
        if not operand.nullable:
            hint = "take default(…) away, or declare the variable with default: null"
            raise EvaluationProblem("var-filter", f"`{called}` is never null, so default has no use", call.at, hint)
        return Operand(operand.value, operand.type)
    argument = call.arguments[0]
    style = QUOTED if isinstance(argument, str) else WORD
    value = operand.value
    return Operand(Value(TEXT, value.place, value.layer, text=str(argument), style=style, secret=value.secret, made_of=(value,)))


@code(
    "var-in-text",
    title="A list, a mapping or null stands inside of text",
    why="Inside of other text a reference stands for a string, a number, or true or false. A list has no spelling of its own there.",
    fix='Use a filter: ${{ admins | join(",") }}, ${{ admins | json }}, ${{ proxy | default("") }}; or let the reference stand alone.',
    wrong=contents("names: {type: [string], default: [a, b]}", "names: ${{ names }}"),
    right=contents("names: {type: [string], default: [a, b]}", "names: ${{ names | join(' ') }}"),
    build=True,
)
def in_text(pieces: Pieces, lookup: Lookup) -> tuple[str, tuple[Use, ...]]:
    """A text with its references replaced, and the values in it. Raises EvaluationProblem and ReportedError."""
    out: list[str] = []
    uses: list[Use] = []
    for piece in pieces:
        if isinstance(piece, str):
            out.append(piece)
            continue
        value = evaluated(piece, lookup).value
        use = Use(piece.spelled, value)
        if value.kind != TEXT or value.is_null:
            what = "null" if value.is_null else shown(value)
            hint = 'write | join(",") or | json behind it' if value.kind == LIST_VALUE else "write | json behind it"
            hint = 'write | default("") behind it' if value.is_null else hint
            message = f"`{piece.spelled}` is {what} and stands inside of text"
            raise EvaluationProblem("var-in-text", message, piece.start, hint, (given(use),))
        out.append(value.text)
        uses.append(use)
    return "".join(out), tuple(uses)


