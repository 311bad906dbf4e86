"""Values held against declarations: conversion by the declared type, and the constraints.

The source text of a scalar counts. A string variable takes 0644 or 1.10 as it is written; an int variable takes what the compiler would
take for a number, and keeps its spelling. What is in quotes is a string. A LOOSE text (CSV, --var, environment) becomes what the type
wants; lists are `a;b` there, or YAML: `[a, b]`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from butane_py.fleet.declarations import BOOL, INT, LIST, MAP, OBJECT, STRING, Declaration, Type
from butane_py.fleet.forms import FORMS
from butane_py.fleet.values import LIST as LIST_VALUE
from butane_py.fleet.values import LOOSE, QUOTED, TEXT, WORD, Value, of_node, plain
from butane_py.fleet.values import MAP as MAP_VALUE
from butane_py.yaml import scalars
from butane_py.yaml.decode import LAX_BOOLS

_SHOWN = 60  # characters of a value in a sentence
_EXAMPLES = {STRING: "a text", INT: "1500", BOOL: "true", **{name: form.example for name, form in FORMS.items()}}


class Misfit(ValueError):
    """A value does not fit: the code, the end of a sentence about the value, the way out, and the value or the part of it that is meant.

    `path` leads to the part (members and numbers of items); `tells` is true where the sentence says what the value is.
    """

    def __init__(self, code: str, message: str, value: Value, hint: str = "", *, tells: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint
        self.value = value
        self.tells = tells
        self.path: tuple[str | int, ...] = ()


def shown(value: Value) -> str:
    """A value in a sentence: its text, cut where it is long. Secrets are for the caller to hide."""
    if value.kind == LIST_VALUE:
        return f"a list of {len(value.items)}"
    if value.kind == MAP_VALUE:
        return "a mapping"
    text = value.text if len(value.text) <= _SHOWN else f"{value.text[: _SHOWN - 1]}…"
    if value.style == WORD:
        return text or "null"
    return '"' + text.replace("\n", "\\n") + '"'


def converted(value: Value, wanted: Type, *, nullable: bool = False) -> Value:
    """The value as one of the type: strings are QUOTED, all else WORD. Raises Misfit."""
    if value.is_null or (nullable and value.style == LOOSE and value.text in ("null", "~") and wanted.kind != STRING):
        if nullable:
            return value if value.style == WORD else value.but(style=WORD, text="null")
        raise _wrong_type(value, wanted)
    if wanted.kind in (LIST, OBJECT, MAP):
        return _collection(_opened(value, wanted), wanted)
    if value.kind != TEXT:
        raise _wrong_type(value, wanted)
    if wanted.kind == BOOL:
        return _bool(value)
    if wanted.kind == INT:
        return _int(value)
    if wanted.kind != STRING and (problem := FORMS[wanted.kind].problem(value.text)):
        raise Misfit("var-type", problem, value, f"write something like {_EXAMPLES[wanted.kind]}")
    return value if value.style == QUOTED else value.but(style=QUOTED)


def _wrong_type(value: Value, wanted: Type) -> Misfit:
    """The error for a value of another kind."""
    what = {LIST: "a list", OBJECT: "a mapping", MAP: "a mapping", INT: "a whole number", BOOL: "true or false"}
    hint = f"the type is {wanted}"
    if wanted.kind in _EXAMPLES:
        hint = f"write one value, such as {_EXAMPLES[wanted.kind]}"
    elif wanted.kind == LIST and value.kind == TEXT:
        hint = "put it in brackets: [ ]"
    return Misfit("var-type", f"has to be {what.get(wanted.kind, 'a string')}", value, hint)


def _bool(value: Value) -> Value:
    known = {**scalars.BOOLS, **LAX_BOOLS}
    found = known.get(value.text) if value.style != QUOTED else None
    if found is None:
        hint = "take the quotes away" if value.style == QUOTED and value.text in known else "write true or false"
        raise Misfit("var-type", "is not true or false", value, hint)
    return value.but(style=WORD, text="true" if found else "false")


def _int(value: Value) -> Value:
    tag, number = scalars.resolve(value.text) if value.text else (scalars.NULL, None)
    right = tag == scalars.INT and isinstance(number, int) and scalars.INT_MIN <= number <= scalars.INT_MAX
    if value.style == QUOTED or not right:
        hint = "take the quotes away" if right else "write digits, such as 1500 or, for modes, 0644"
        raise Misfit("var-type", "is a string and has to be a whole number" if right else "is not a whole number", value, hint)
    return value if value.style == WORD else value.but(style=WORD)


def _opened(value: Value, wanted: Type) -> Value:
    """A LOOSE text as the list or mapping that it spells."""
    if value.kind != TEXT or value.style != LOOSE:
        return value
    text = value.text.strip()
    if text[:1] in ("[", "{"):
        from butane_py.yaml.source import Source, YamlError

        try:
            source = Source(text.encode("utf-8", "replace"), value.place.source)
            assert source.root is not None
            return _placed(of_node(source.root, source, value.layer, secret=value.secret), value)
        except YamlError as error:
            raise Misfit("var-type", f"is no YAML: {error}", value, f"write it like {_spelled(wanted)}") from None
    if wanted.kind == LIST:
        items = [value.but(text=part.strip()) for part in text.split(";") if part.strip()]
        return value.but(kind=LIST_VALUE, items=tuple(items), text="")
    return value


def _placed(value: Value, around: Value) -> Value:
    """The value with the place of the text that it was read from."""
    items = tuple([_placed(item, around) for item in value.items])
    members = {name: _placed(item, around) for name, item in value.members.items()}
    return value.but(place=around.place, items=items, members=members)


def _spelled(wanted: Type) -> str:
    """An example of a list or a mapping in one line."""
    if wanted.kind == LIST:
        return f"[{_spelled(wanted.item) if wanted.item else ''}]"
    if wanted.kind == OBJECT:
        return "{" + ", ".join(f"{name}: {_spelled(each)}" for name, each in wanted.members.items()) + "}"
    if wanted.kind == MAP:
        return f"{{name: {_spelled(wanted.item) if wanted.item else ''}}}"
    return _EXAMPLES[wanted.kind]


def _collection(value: Value, wanted: Type) -> Value:
    if value.kind != (LIST_VALUE if wanted.kind == LIST else MAP_VALUE):
        raise _wrong_type(value, wanted)
    if wanted.kind == OBJECT:
        return _object(value, wanted)
    assert wanted.item is not None
    if wanted.kind == LIST:
        return value.but(items=tuple([_inner(item, wanted.item, index) for index, item in enumerate(value.items)]))
    return value.but(members={name: _inner(item, wanted.item, name) for name, item in value.members.items()})


def _inner(value: Value, wanted: Type, part: str | int, *, nullable: bool = False) -> Value:
    """A member or an item, converted. Raises Misfit."""
    try:
        return converted(value, wanted, nullable=nullable)
    except Misfit as error:
        error.path = (part, *error.path)
        raise


def _object(value: Value, wanted: Type) -> Value:
    """A mapping with the members of the type; what may be left out and is, is null."""
    from butane_py.linter.rule import near

    members: dict[str, Value] = {}
    for name, item in value.members.items():
        if name not in wanted.members:
            close = near(name, wanted.members)
            hint = f"did you mean {close}?" if close else f"the type is {wanted}"
            raise Misfit("var-type", f"has the member `{name}`, which its type does not know", item, hint, tells=True)
        members[name] = _inner(item, wanted.members[name], name, nullable=name in wanted.optional)
    for name in wanted.members:
        if name not in members and name not in wanted.optional:
            raise Misfit("var-type", f"has no member `{name}`", value, f"the type is {wanted}", tells=True)
        if name not in members:
            members[name] = Value(TEXT, value.place, value.layer, text="null", style=WORD, secret=value.secret)
    return value.but(members=members)


def check(declaration: Declaration, value: Value) -> None:
    """Holds a converted value against the constraints: those of single values hold for each item of a list. Raises Misfit."""
    if declaration.length is not None and not value.is_null:
        _check_length(declaration, value)
    for leaf in _leaves(value, declaration.type):
        if leaf.is_null:
            continue
        data = plain(leaf)
        if declaration.one_of and data not in declaration.one_of:
            known = ", ".join(str(each) for each in declaration.one_of)
            raise Misfit("var-one-of", f"is none of {known}", leaf, _did_you_mean(leaf, declaration))
        if declaration.minimum is not None and data < declaration.minimum:
            raise Misfit("var-range", f"is less than {declaration.minimum}", leaf, _range(declaration))
        if declaration.maximum is not None and data > declaration.maximum:
            raise Misfit("var-range", f"is more than {declaration.maximum}", leaf, _range(declaration))
        if declaration.pattern is not None and not declaration.pattern.fits(leaf.text):
            message = f"does not fit the pattern {declaration.pattern.source}"
            raise Misfit("var-pattern", message, leaf, "the pattern has to fit the whole value")


def _check_length(declaration: Declaration, value: Value) -> None:
    assert declaration.length is not None
    least, most = declaration.length
    size = len(value.text) if value.kind == TEXT else len(value.items)
    what = "characters" if value.kind == TEXT else "items"
    if size < least or (most is not None and size > most):
        wanted = f"exactly {least}" if least == most else f"at least {least}" if size < least else f"at most {most}"
        raise Misfit("var-range", f"has {size} {what}, and has to have {wanted}", value, f"give it {wanted} {what}", tells=True)


def _did_you_mean(leaf: Value, declaration: Declaration) -> str:
    from butane_py.linter.rule import near

    close = near(leaf.text, [str(each) for each in declaration.one_of])
    return f"did you mean {close}?" if close else "write one of them"


def _range(declaration: Declaration) -> str:
    least, most = declaration.minimum, declaration.maximum
    if least is None or most is None:
        return f"write at least {least}" if most is None else f"write at most {most}"
    return f"write a number from {least} to {most}"


def _leaves(value: Value, wanted: Type) -> Iterator[Value]:
    """What single constraints are about: the value, or each item of a list."""
    if wanted.kind == LIST and wanted.item is not None and value.kind == LIST_VALUE:
        for item in value.items:
            yield from _leaves(item, wanted.item)
    elif value.kind == TEXT:
        yield value


def identities(value: Value, wanted: Type) -> Iterator[tuple[str, Value]]:
    """What no two hosts may have in common where a variable is unique: each item of a list, or the whole value, in one spelling."""
    if value.kind == LIST_VALUE and wanted.item is not None:
        for item in value.items:
            yield from identities(item, wanted.item)
    elif value.kind == TEXT and not value.is_null:
        yield FORMS[wanted.kind].canonical(value.text) if wanted.kind in FORMS else str(plain(value)), value
    elif value.kind == MAP_VALUE:
        yield repr(sorted(_flat(plain(value)))), value


def _flat(data: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(data, dict):
        for name, each in data.items():
            yield from _flat(each, f"{path}.{name}")
    elif isinstance(data, list):
        for index, each in enumerate(data):
            yield from _flat(each, f"{path}.{index}")
    else:
        yield path, repr(data)
