"""Reads `vars:`: a mapping of names to types, or to mappings with a type and constraints.

    vars:
      hostname: hostname
      mtu: {type: int, default: 1500, min: 576, max: 9216}
      vlans: {type: [{id: int, name: string}], default: []}
"""

from __future__ import annotations

import re
from typing import Any

from butane_py.fleet.declarations import FORMS, INT, LIST, MAP, OBJECT, SINGLE, STRING, Declaration, Type
from butane_py.fleet.pattern import Pattern, PatternError
from butane_py.fleet.types import Misfit, converted
from butane_py.fleet.values import DEFAULT, Layer, of_node, plain
from butane_py.linter.rule import near
from butane_py.yaml.source import ALIAS, MAPPING, SCALAR, SEQUENCE, Node, Source, YamlError
from ignition_py.report.catalog import code
from ignition_py.report.diag import ERROR, Entry, Path

VARS = "vars"
RESERVED = "host"  # ${{ host.name }}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_KEYS = ("type", "default", "one_of", "min", "max", "length", "pattern", "unique", "secret", "description")
_DEEPEST = 10  # types inside of one another


class DeclarationError(ValueError):
    """`vars:` is not as it has to be: the sentence, the node that is meant, and the way out."""

    def __init__(self, message: str, node: Node, hint: str = "") -> None:
        super().__init__(message)
        self.node = node
        self.hint = hint


@code(
    "var-declaration",
    title="A variable is not declared as it has to be",
    why="vars: tells the type and the constraints of each variable. A declaration that is not understood would let any value through.",
    fix="Write a type behind the name, such as `mtu: int`, or a mapping with type: and constraints.",
    wrong="vars:\n  mtu: {typ: int}\n",
    right="vars:\n  mtu: {type: int, default: 1500}\n",
    build=True,
)
def declared(source: Source, node: Node) -> tuple[dict[str, Declaration], list[Entry]]:
    """The declarations of a file, by name, and the errors in them. `node` is the value of `vars:`."""
    found: dict[str, Declaration] = {}
    entries: list[Entry] = []
    node = _followed(node)
    if node.kind == SCALAR and node.plain and node.value in ("", "~", "null"):
        return {}, []
    if node.kind != MAPPING:
        message = "vars is a mapping of names to types"
        return {}, [Entry(ERROR, "var-declaration", message, source.node_place(node, (VARS,)), "write `vars:`, and `name: type` below it")]
    for key, value in node.items:
        path: Path = (VARS, key.value)
        try:
            if key.value in found:
                raise DeclarationError(f"the variable `{key.value}` is declared twice", key, "remove one of the two")
            found[key.value] = _declaration(source, key, value, path)
        except DeclarationError as error:
            place = source.node_place(error.node, path)
            entries.append(Entry(ERROR, "var-declaration", str(error), place, error.hint))
    return found, entries


def _followed(node: Node) -> Node:
    """The node behind aliases. Raises DeclarationError for one that leads to itself."""
    for _ in range(_DEEPEST):
        if node.kind != ALIAS or node.target is None:
            return node
        node = node.target
    raise DeclarationError("an alias leads to aliases", node, "write out what it stands for")


def _declaration(source: Source, key: Node, node: Node, path: Path) -> Declaration:
    """One declaration. Raises DeclarationError."""
    name = key.value
    if key.kind != SCALAR or not _NAME.fullmatch(name):
        raise DeclarationError(f"{name[:60]!r} is not a name of a variable", key, "use letters, digits and _, and no digit first")
    if name == RESERVED:
        raise DeclarationError("`host` is there always: ${{ host.name }}", key, "give the variable another name")
    node = _followed(node)
    place = source.node_place(key, path)
    if node.kind != MAPPING:
        return Declaration(name, _type(node, 0), place)
    given = _members(node)
    if "type" not in given:
        hint = f"write {name}: {{type: string, …}}; the type of a mapping is written below type too"
        raise DeclarationError(f"`{name}` has no type", key, hint)
    type_ = _type(given["type"], 0)
    declaration = Declaration(
        name,
        type_,
        place,
        default=given.get("default"),
        unique=_flag(given, "unique"),
        secret=_flag(given, "secret"),
        description=_text(given, "description"),
    )
    return _constrained(declaration, given, source, path)


def _members(node: Node) -> dict[str, Node]:
    """The keys of a long declaration. Raises DeclarationError for one that is unknown or repeated."""
    given: dict[str, Node] = {}
    for key, value in node.items:
        if key.value not in _KEYS:
            close = near(key.value, _KEYS)
            hint = f"did you mean {close}?" if close else f"known are {', '.join(_KEYS)}"
            raise DeclarationError(f"a declaration has no key `{key.value[:60]}`", key, hint)
        if key.value in given:
            raise DeclarationError(f"`{key.value}` is given twice", key, "remove one of the two")
        given[key.value] = _followed(value)
    return given


def _type(node: Node, depth: int) -> Type:
    """A type as it is written: a word, a list of one type, a mapping of names to types. Raises DeclarationError."""
    node = _followed(node)
    if depth > _DEEPEST:
        raise DeclarationError(f"types are nested more than {_DEEPEST} deep", node, "nest them less")
    if node.kind == SCALAR:
        if node.value in SINGLE:
            return Type(node.value)
        close = near(node.value, SINGLE) or _ALIASES.get(node.value.lower(), "")
        hint = f"did you mean {close}?" if close else f"write one of {', '.join(SINGLE)}, [type] or {{name: type}}"
        raise DeclarationError(f"{node.value[:60]!r} is not a type", node, hint)
    if node.kind == SEQUENCE:
        if len(node.items) != 1:
            raise DeclarationError("the type of a list has one type in its brackets", node, "write [string], for example")
        return Type(LIST, item=_type(node.items[0], depth + 1))
    return _mapping_type(node, depth)


_ALIASES = {"str": "string", "text": "string", "integer": "int", "number": "int", "boolean": "bool", "list": "[string]",
            "array": "[string]", "uri": "url", "address": "ip", "sshkey": "ssh_key", "host": "hostname"}  # fmt: skip


def _mapping_type(node: Node, depth: int) -> Type:
    members: dict[str, Type] = {}
    optional: set[str] = set()
    for key, value in node.items:
        name = key.value.removesuffix("?")
        if key.value == "*":
            if len(node.items) > 1:
                raise DeclarationError('"*" stands for every name, so it stands alone', key, 'write {"*": string}')
            return Type(MAP, item=_type(value, depth + 1))
        if key.kind != SCALAR or not _NAME.fullmatch(name) or name in members:
            message = f"{key.value[:60]!r} is not a name of a member" if name not in members else f"the member `{name}` is given twice"
            raise DeclarationError(message, key, "names have letters, digits and _")
        members[name] = _type(value, depth + 1)
        if key.value.endswith("?"):
            optional.add(name)
    if not members:
        hint = 'write {id: int, name: string}, or {"*": string} for any names'
        raise DeclarationError("the type of a mapping names its members", node, hint)
    return Type(OBJECT, members=members, optional=frozenset(optional))


def _flag(given: dict[str, Node], name: str) -> bool:
    node = given.get(name)
    if node is None:
        return False
    if node.kind != SCALAR or not node.plain or node.value not in ("true", "false"):
        raise DeclarationError(f"{name} is true or false", node, f"write {name}: true")
    return node.value == "true"


def _text(given: dict[str, Node], name: str) -> str:
    node = given.get(name)
    if node is None:
        return ""
    if node.kind != SCALAR:
        raise DeclarationError(f"{name} is a text", node, "write it in quotes")
    return node.value


def _constrained(declaration: Declaration, given: dict[str, Node], source: Source, path: Path) -> Declaration:
    """The declaration with its constraints. Raises DeclarationError for one that its type does not have."""
    single = declaration.type
    while single.kind == LIST and single.item is not None:
        single = single.item
    for name, kinds in (("min", (INT,)), ("max", (INT,)), ("pattern", (STRING, *FORMS)), ("one_of", SINGLE)):
        if name in given and single.kind not in kinds:
            raise DeclarationError(f"{name} is for {_named(kinds)}; this is {declaration.type}", given[name], f"remove {name}")
    if "length" in given and declaration.type.kind not in (STRING, LIST, *FORMS):
        raise DeclarationError(f"length is for strings and lists; this is {declaration.type}", given["length"], "remove length")
    minimum, maximum = (_number(given[name], name) if name in given else None for name in ("min", "max"))
    if minimum is not None and maximum is not None and minimum > maximum:
        raise DeclarationError("min is more than max", given["min"], "exchange the two")
    return declaration.but(
        one_of=_choices(given["one_of"], single, source, path) if "one_of" in given else (),
        minimum=minimum,
        maximum=maximum,
        length=_length(given["length"]) if "length" in given else None,
        pattern=_pattern(given["pattern"]) if "pattern" in given else None,
    )


def _named(kinds: tuple[str, ...]) -> str:
    return "int" if kinds == (INT,) else "strings" if INT not in kinds else "single values"


def _number(node: Node, name: str) -> int:
    from butane_py.yaml.decode import whole_number

    found = whole_number(node) if node.kind == SCALAR else None
    if found is None:
        raise DeclarationError(f"{name} is a whole number", node, f"write {name}: 1")
    return found


def _length(node: Node) -> tuple[int, int | None]:
    """`8` (exactly), `{min: 1, max: 63}`, or one of the two."""
    most: int | None
    if node.kind == SCALAR:
        least = most = _number(node, "length")
    elif node.kind == MAPPING and node.items and {key.value for key, _ in node.items} <= {"min", "max"}:
        bounds = {key.value: _number(_followed(value), f"length {key.value}") for key, value in node.items}
        least, most = bounds.get("min", 0), bounds.get("max")
    else:
        raise DeclarationError("length is a number, or a mapping with min and max", node, "write length: {min: 1, max: 63}")
    if least < 0 or (most is not None and most < least):
        raise DeclarationError("length goes from a number to one that is not smaller", node, "write length: {min: 1, max: 63}")
    return least, most


def _choices(node: Node, single: Type, source: Source, path: Path) -> tuple[Any, ...]:
    if node.kind != SEQUENCE or not node.items:
        raise DeclarationError("one_of is a list of the values that are allowed", node, "write one_of: [worker, control]")
    made = []
    for item in node.items:
        try:
            value = of_node(item, source, Layer(DEFAULT), path)
            made.append(plain(converted(value, single)))
        except (Misfit, YamlError) as error:
            raise DeclarationError(f"a value of one_of {error}", item, f"the type is {single}") from None
    return tuple(made)


def _pattern(node: Node) -> Pattern:
    if node.kind != SCALAR:
        raise DeclarationError("pattern is a text", node, "write it in single quotes")
    try:
        return Pattern(node.value)
    except PatternError as error:
        hint = f"character {error.at + 1} of the pattern; see `butane-py explain var-declaration`"
        raise DeclarationError(f"the pattern cannot be used: {error}", node, hint) from None

